"""agent_ready: an agent is ready: from a break, from offline, or before wrap-up or rest have run out."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import UnknownAgent
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, START, Lease, Stage, owner, queue


@answers("OK")
async def test_becoming_ready_and_taking_the_first_caller_are_one_step(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="offline")
    await stage.call("c1", queue("vip"))
    await stage.call("c2", queue("vip"))
    await stage.events()

    assert await engine.agent_ready("ann") == "o"

    assert await stage.agent_of("c1") == "ann"
    assert await stage.deadline("a:ann") == engine.timing.offer_ms
    assert await stage.line("vip") == ["c2"]
    (offered,) = await stage.events()
    assert (offered.type, offered.fields["lane"]) == ("call.offered", "vip")


async def test_the_answer_names_what_was_taken(stage: Stage) -> None:
    """Also when it is asked again, in mid-talk."""
    await stage.agent("ann", state="offline")
    await stage.call("c1", queue("vip"))
    words = await stage.engine._run("agent_ready", agent_id="ann")
    held = await stage.lease("c1")

    assert words == ["OK", "o", "c1", held.offer_id]
    await stage.engine.accept_offer("c1", "ann", held.offer_id)
    assert await stage.engine._run("agent_ready", agent_id="ann") == ["OK", "t", "c1", held.offer_id]


async def test_an_agent_with_nobody_to_take_stands_ready(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="offline")
    await stage.later(SECOND)
    await stage.events()

    assert await engine.agent_ready("ann") == "r"

    assert (await stage.agent_row("ann")).ready_since_ms == START + SECOND
    assert await stage.told() == ["agent.ready"]


@pytest.mark.parametrize("state", ["offline", "ready", "break", "offered", "talking", "wrapping", "cooling"])
async def test_saying_it_twice_is_saying_it_once(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state=state)
    await stage.later(SECOND)

    letter = await stage.repeated(lambda: engine.agent_ready("ann"))

    assert letter == {"offered": "o", "talking": "t"}.get(state, "r")


async def test_it_changes_nothing_when_ready(engine: Engine, stage: Stage, ready_agent: str) -> None:
    await stage.later(SECOND)

    async with stage.nothing_written():
        assert await engine.agent_ready("ann") == "r"


@pytest.mark.parametrize("state", ["wrapping", "cooling"])
async def test_it_ends_wrap_up_and_rest(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state=state)

    await engine.agent_ready("ann")

    assert (await stage.agent_row("ann")).state == "ready"
    assert await stage.deadline("a:ann") is None


async def test_in_mid_talk_it_only_takes_back_the_break(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.agent_away("ann", "break")
    await stage.events()

    assert await stage.repeated(lambda: engine.agent_ready("ann")) == "t"

    assert (await stage.agent_row("ann")).next_state is None
    assert await stage.told() == ["agent.next_state"]
    await engine.complete_call("c1")
    await stage.later(engine.timing.wrap_up_ms)
    assert (await stage.agent_row("ann")).state == "ready"


async def test_while_wrapping_it_takes_back_the_break_too(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="wrapping")
    await engine.agent_away("ann", "break")

    assert await engine.agent_ready("ann") == "r"
    assert (await stage.agent_row("ann")).next_state is None


async def test_an_owner_is_offered_the_caller_who_is_being_asked(
    engine: Engine, stage: Stage, choosing_call: str
) -> None:
    await engine.complete_call("ann-call")
    await engine.agent_ready("ann")

    assert await stage.state("c1") == "o"
    assert await stage.agent_of("c1") == "ann"
    assert await stage.line("@ann") == []


@answers("UNKNOWN")
async def test_nobody_knows_the_agent(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownAgent, engine.agent_ready("ghost"))


async def test_fifty_at_once_take_one_caller_each(engine: Engine, stage: Stage) -> None:
    for n in range(50):
        await stage.agent(f"agent-{n:02}", state="offline")
    for n in range(30):
        await stage.call(f"call-{n:02}", queue("vip"))
    await stage.call("hers", owner("agent-40", "wait"), head_start_ms=0)

    await asyncio.gather(*(engine.agent_ready(f"agent-{n:02}") for n in range(50) for _ in range(2)))

    rows = [await stage.row(f"call-{n:02}") for n in range(30)]
    assert [row.agent_id for row in rows] == [f"agent-{n:02}" for n in range(30)]
    assert await stage.agent_of("hers") == "agent-40"
