"""agent_away: an agent goes on a break or offline: at once when free or rung, after wrap-up when busy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from router.domain.errors import UnknownAgent
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Lease, Stage, cover, owner, queue


@answers("OK")
async def test_a_ready_agent_goes_to_lunch(engine: Engine, stage: Stage, ready_agent: str) -> None:
    await stage.events()

    assert await engine.agent_away("ann", "break", "lunch | late") == "b"

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.reason) == ("break", "lunch%20%7C%20late")
    (away,) = await stage.events()
    assert (away.type, away.fields["state"], away.text("reason")) == ("agent.away", "b", "lunch | late")
    assert (await stage.call("c1", queue("vip"))).letter == "w"


@pytest.mark.parametrize("state", ["offline", "ready", "break", "offered", "talking", "wrapping", "cooling"])
@pytest.mark.parametrize("goal", ["break", "offline"])
async def test_going_twice_is_going_once(engine: Engine, stage: Stage, state: str, goal: str) -> None:
    await stage.agent("ann", state=state)

    await stage.repeated(lambda: engine.agent_away("ann", goal, "lunch"))

    agent = await stage.agent_row("ann")
    if state in ("talking", "wrapping"):
        assert (agent.state, agent.next_state) == (state, goal)
    else:
        assert (agent.state, agent.next_state, agent.call_id) == (goal, None, None)
        assert await stage.deadline("a:ann") is None


async def test_while_talking_it_waits_for_the_end_of_wrap_up(
    engine: Engine, stage: Stage, connected_call: Lease
) -> None:
    await stage.events()
    assert await engine.agent_away("ann", "break") == "t"
    assert await stage.told() == ["agent.next_state"]
    await engine.complete_call("c1")
    await stage.call("c2", queue("vip"))

    await stage.later(engine.timing.wrap_up_ms)

    assert (await stage.agent_row("ann")).state == "break"
    assert (await stage.agent_row("ann")).next_state is None
    assert await stage.state("c2") == "w"


async def test_the_last_word_counts(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.agent_away("ann", "break")
    await engine.agent_away("ann", "offline")
    await engine.complete_call("c1")
    await stage.later(engine.timing.wrap_up_ms)

    assert (await stage.agent_row("ann")).state == "offline"


async def test_from_break_to_offline(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="break")
    await stage.agent("bob")
    await stage.events()

    await engine.agent_away("ann", "offline")

    assert (await stage.agent_row("ann")).state == "offline"
    assert await stage.told() == ["agent.away"]


@pytest.mark.parametrize("accepted", [False, True])
async def test_the_caller_being_rung_is_back_in_line_first(engine: Engine, stage: Stage, accepted: bool) -> None:
    """Offered, or taken but not bridged yet."""
    await stage.agent("ann")
    await stage.agent("bob", state="talking")
    held = await stage.offered("c1", queue("vip"), kind="adapter")
    if accepted:
        await engine.accept_offer("c1", "ann", held.offer_id)
    await stage.call("c2", queue("vip"))
    await stage.events()

    assert await engine.agent_away("ann", "break", "lunch") == "b"

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.call_id, agent.misses) == ("break", None, 1)
    assert await stage.line("vip") == ["c1", "c2"]
    assert await stage.deadline("a:ann") is None
    assert await stage.told() == ["call.returned", "agent.away"]


@answers("UNKNOWN")
async def test_nobody_knows_the_agent(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownAgent, engine.agent_away("ghost", "break"))


# ---------------------------------------------------------------------- the last one of a lane goes


async def test_those_who_waited_for_the_last_one_go_on(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip"), queue("general"))
    await engine.complete_call("ann-call")

    await engine.agent_away("ann", "break")
    await stage.later(engine.timing.wrap_up_ms)
    assert (await stage.agent_row("ann")).state == "break"

    assert (await stage.row("c1")).lanes == ("vip", "general")


@pytest.mark.parametrize("state", ["ready", "cooling"])
async def test_the_deadline_of_the_lane_is_now(engine: Engine, stage: Stage, state: str) -> None:
    """ann is held back by keep_free, or rests: on duty, so c1 waits for her; then she goes."""
    await engine.set_plan("", {}, by="nobody")
    await stage.agent("ann", "vip general", state=state)
    if state == "ready":
        await engine.set_plan("keep", {"vip": 1})
    await stage.call("c1", queue("general"), queue("other"), plan_version="keep" if state == "ready" else "")
    assert (await stage.row("c1")).step.name == "general"

    await engine.agent_away("ann", "offline")
    assert await stage.deadline("l:general") == 0
    await stage.later(0)

    assert (await stage.row("c1")).lanes == ("general", "other")
    assert await stage.deadline("l:general") is None


async def test_another_one_on_duty_keeps_them_waiting(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip", state="talking")
    await stage.agent("bob", "vip general", state="talking")
    await stage.call("c1", queue("vip"), queue("general"))

    await engine.agent_away("ann", "break")
    await engine.complete_call("ann-call")
    await stage.later(engine.timing.wrap_up_ms)

    assert await stage.deadline("l:vip") is None
    assert (await stage.row("c1")).lanes == ("vip",)


async def test_an_asked_caller_whose_owner_goes_is_taken_on(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "own", state="cooling")
    await stage.call("c1", owner("ann"), cover("bob"), queue("vip"))
    assert await stage.state("c1") == "q"
    await stage.later(SECOND)

    await engine.agent_away("ann", "break")
    await stage.later(0)

    row = await stage.row("c1")
    assert (row.letter, row.lanes) == ("w", ("@ann", "@bob", "vip"))


async def test_fifty_who_go_and_fifty_who_come(engine: Engine, stage: Stage) -> None:
    """Twenty-five agents flicker between ready and break while callers come: nobody ends up with two."""
    for n in range(25):
        await stage.agent(f"agent-{n:02}", state="offline")
    requests: list[Awaitable[object]] = []
    for n in range(25):
        name = f"agent-{n:02}"
        requests += [engine.agent_ready(name), stage.call(f"call-{n:02}", queue("vip"))]
        requests += [engine.agent_away(name, "break")]
        requests += [engine.agent_ready(name), stage.call(f"call-{n + 25:02}", queue("vip"))]
    await asyncio.gather(*requests)

    rows = [await stage.row(f"call-{n:02}") for n in range(50)]
    held = [row.agent_id for row in rows if row.letter == "o"]
    assert len(held) == len(set(held)) == 25
    assert len(await stage.line("vip")) == 25
