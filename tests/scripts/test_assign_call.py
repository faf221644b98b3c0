"""assign_call: a supervisor gives a waiting call to one agent."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import AgentAway, UnknownAgent, UnknownCall, WrongState
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Lease, Stage, queue


@answers("OK")
async def test_a_ready_agent_is_offered_the_call(engine: Engine, stage: Stage, waiting_call: str) -> None:
    """Whatever group and skills the agent has."""
    await stage.agent("gus", "general")
    await stage.events()

    assert await stage.repeated(lambda: engine.assign_call("c1", "gus", by="sue", why="her | friend")) == "o"

    assert await stage.agent_of("c1") == "gus"
    assert await stage.line("vip") == []
    assigned, offered = await stage.events()
    assert (assigned.type, offered.type) == ("call.assigned", "call.offered")
    assert assigned.fields["by"] == "sue"


async def test_it_overrides_keep_free(engine: Engine, stage: Stage) -> None:
    await engine.set_plan("keep", {"vip": 9})
    await stage.agent("ann", "vip general")
    await stage.call("c1", queue("general"), plan_version="keep")

    assert await engine.assign_call("c1", "ann", by="sue") == "o"


@pytest.mark.parametrize("state", ["offered", "talking", "wrapping", "cooling"])
async def test_a_busy_agent_gets_it_in_the_own_lane_at_its_rank(
    engine: Engine, stage: Stage, waiting_call: str, state: str
) -> None:
    await stage.agent("gus", "general", state=state)
    rank = (await stage.row("c1")).rank
    await stage.events()

    assert await stage.repeated(lambda: engine.assign_call("c1", "gus", by="sue")) == "w"

    row = await stage.row("c1")
    assert (row.rank, set(row.lanes), row.step.name) == (rank, {"vip", "@gus"}, "vip")
    assert (await stage.line("@gus"), await stage.line("vip")) == (["c1"], ["c1"])
    assert await stage.told() == ["call.assigned"]


async def test_it_comes_first_when_that_agent_is_ready(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.agent("gus", "general", state="wrapping")
    await stage.call("gold", queue("general"), head_start_ms=60_000)
    await engine.assign_call("c1", "gus", by="sue")

    await engine.agent_ready("gus")

    assert await stage.agent_of("c1") == "gus"


async def test_a_pending_question_is_over(engine: Engine, stage: Stage, choosing_call: str) -> None:
    """bob is talking too: the caller stands in his lane and has entered the next step."""
    await stage.agent("bob", "other", state="talking")

    assert await engine.assign_call("c1", "bob", by="sue") == "w"

    row = await stage.row("c1")
    assert row.letter == "w"
    assert {"@ann", "@bob", "vip"} <= set(row.lanes)
    assert row.step.name == "general", "nobody of vip is on duty"
    assert await stage.deadline("c:c1") == 30 * 60_000


async def test_and_the_next_step_may_have_a_ready_agent(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await stage.agent("bob", "other", state="talking")
    await stage.agent("vic")

    assert await engine.assign_call("c1", "bob", by="sue") == "o"

    assert await stage.agent_of("c1") == "vic"
    assert (await stage.line("@bob"), await stage.line("@ann")) == ([], [])


async def test_a_question_about_that_very_agent_is_over_too(engine: Engine, stage: Stage, choosing_call: str) -> None:
    assert await engine.assign_call("c1", "ann", by="sue") == "w"

    assert (await stage.row("c1")).step.name == "general"


async def test_the_new_lane_is_not_the_current_step(engine: Engine, stage: Stage) -> None:
    """The position announced stays that of the step, and the owner's no of somebody else's step means nothing."""
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c0", queue("vip"))
    await stage.call("c1", queue("vip"))
    await engine.assign_call("c1", "gus", by="sue")

    assert await engine.position(await stage.row("c1")) == 2


@answers("AWAY")
async def test_one_on_a_break_gets_nothing(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.agent("bob", state="break")
    await stage.agent("off", state="offline")

    await stage.refused(AgentAway, engine.assign_call("c1", "bob", by="sue"))
    await stage.refused(AgentAway, engine.assign_call("c1", "off", by="sue"))


@answers("WRONG_STATE")
async def test_only_who_stands_in_line_is_given_away(
    engine: Engine, stage: Stage, greeted_call: str, offered_call: Lease, ended_call: str
) -> None:
    await stage.agent("bob")
    for call_id in (greeted_call, "c1", ended_call):
        await stage.refused(WrongState, engine.assign_call(call_id, "bob", by="sue"))
    await engine.accept_offer("c1", "ann", offered_call.offer_id)
    await stage.refused(WrongState, engine.assign_call("c1", "bob", by="sue"))


@answers("UNKNOWN", "UNKNOWN_AGENT")
async def test_call_and_agent_must_exist(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.refused(UnknownCall, engine.assign_call("ghost", "ann", by="sue"))
    await stage.refused(UnknownAgent, engine.assign_call("c1", "ghost", by="sue"))


async def test_declined_it_is_back_in_its_lanes(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.agent("gus", "general")
    await engine.assign_call("c1", "gus", by="sue")

    await engine.decline_offer("c1", "gus", (await stage.lease("c1")).offer_id)

    assert await stage.state("c1") == "w"
    assert await stage.line("vip") == ["c1"]


async def test_a_call_held_for_a_dial_can_be_given_away(engine: Engine, stage: Stage, dialled_callback: Lease) -> None:
    """The customer calls in while ann dials her; a supervisor gives that call to busy gus; then the dial ends."""
    await stage.agent("gus", "general", state="talking")
    await stage.call("c2", queue("general"), identity="li")
    await engine.assign_call("c2", "gus", by="sue")
    assert await stage.line("@gus") == ["c2"]

    await stage.later(engine.timing.dial_ms)

    assert (await stage.row("c2")).step.name == "general"
    assert (await stage.line("@gus"), await stage.line("general")) == (["c2"], ["c2"])


async def test_fifty_assignments_at_once(engine: Engine, stage: Stage, waiting_call: str) -> None:
    """Fifty supervisors give one call to ten agents: one of them gets it."""
    for n in range(10):
        await stage.agent(f"agent-{n}", "general")

    results = await asyncio.gather(
        *(engine.assign_call("c1", f"agent-{n % 10}", by="sue") for n in range(50)), return_exceptions=True
    )

    assert sum(isinstance(result, WrongState) for result in results) == 45, "the winner's repeats are answered alike"
    states = [(await stage.agent_row(f"agent-{n}")).state for n in range(10)]
    assert sorted(states) == ["offered"] + ["ready"] * 9
