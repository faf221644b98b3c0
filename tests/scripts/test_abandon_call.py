"""abandon_call: the caller is gone, or is taken out of line, in whatever state the call is."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import UnknownCall, WrongState
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Lease, Stage, owner, queue


@answers("OK")
async def test_a_waiting_caller_hangs_up(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip", "general"))
    await stage.later(engine.timing.short_abandon_ms)
    await stage.events()

    assert await engine.abandon_call("c1") == "e"

    assert await stage.outcome("c1") == "abandoned"
    assert (await stage.line("vip"), await stage.line("general")) == ([], [])
    assert await stage.deadline("c:c1") is None
    (ended,) = await stage.events()
    assert (ended.type, ended.fields["outcome"], ended.fields["was"]) == ("call.ended", "abandoned", "w")


async def test_one_who_hangs_up_within_five_seconds_hardly_waited(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"))
    await stage.later(engine.timing.short_abandon_ms - 1)

    await engine.abandon_call("c1")

    assert await stage.outcome("c1") == "short_abandoned"


@pytest.mark.parametrize("state", ["g", "q", "w", "o", "b", "c"])
async def test_hanging_up_ends_every_state(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state="talking" if state == "q" else "offline" if state in "gw" else "ready")
    if state == "g":
        await engine.accept_call("c1", max_wait_ms=SECOND)
    else:
        await stage.call("c1", owner("ann"), queue("other"), kind="adapter")
    if state in "bc":
        await engine.accept_offer("c1", "ann", (await stage.lease("c1")).offer_id)
    if state == "c":
        await engine.connect_call("c1", (await stage.lease("c1")).offer_id)
    assert await stage.state("c1") == state

    assert await stage.repeated(lambda: engine.abandon_call("c1")) == "e"

    assert await stage.outcome("c1") == ("answered" if state == "c" else "short_abandoned")


async def test_the_agent_who_rang_for_nobody_is_ready_as_before(
    engine: Engine, stage: Stage, offered_call: Lease
) -> None:
    since = (await stage.agent_row("ann")).ready_since_ms
    await stage.later(10 * SECOND)

    await engine.abandon_call("c1")

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.ready_since_ms, agent.misses) == ("ready", since, 0)
    assert await stage.deadline("a:ann") is None


async def test_and_takes_the_next_caller_in_the_same_script(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.call("c2", queue("vip"))
    await stage.events()

    await engine.abandon_call("c1")

    assert await stage.agent_of("c2") == "ann"
    assert await stage.told() == ["call.ended", "call.offered"]


async def test_hanging_up_in_mid_talk_completes_the_call(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.abandon_call("c1")

    row = await stage.row("c1")
    assert (row.outcome, row.agent_id) == ("answered", "ann")
    assert (await stage.agent_row("ann")).state == "wrapping"
    assert await stage.deadline("a:ann") == engine.timing.wrap_up_ms


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownCall, engine.abandon_call("ghost"))
    await stage.refused(UnknownCall, engine.withdraw_call("ghost"))
    await stage.refused(UnknownCall, engine.cancel_callback("ghost"))


# ---------------------------------------------------------------------- by a supervisor


async def test_a_supervisor_withdraws_a_waiting_call(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.events()

    assert await stage.repeated(lambda: engine.withdraw_call("c1", by="sue", why="test call | again")) == "e"

    assert await stage.outcome("c1") == "withdrawn"
    (ended,) = await stage.events()
    assert ended.fields["by"] == "sue"


async def test_a_call_being_asked_can_be_withdrawn(engine: Engine, stage: Stage, choosing_call: str) -> None:
    assert await engine.withdraw_call("c1") == "e"
    assert await stage.line("@ann") == []


@answers("WRONG_STATE")
async def test_nothing_else_can_be_withdrawn(
    engine: Engine, stage: Stage, greeted_call: str, bridging_call: Lease, ended_call: str
) -> None:
    for call_id in (greeted_call, "c1", ended_call):
        await stage.refused(WrongState, engine.withdraw_call(call_id))
    await engine.connect_call("c1", bridging_call.offer_id)
    await stage.refused(WrongState, engine.withdraw_call("c1"))


async def test_an_offered_call_cannot_be_withdrawn(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.refused(WrongState, engine.withdraw_call("c1"))


# ---------------------------------------------------------------------- callbacks


async def test_a_waiting_callback_is_cancelled(engine: Engine, stage: Stage, callback: str) -> None:
    assert await stage.repeated(lambda: engine.cancel_callback(callback)) == "e"

    assert await stage.outcome(callback) == "cancelled"
    assert await stage.line("vip") == []


async def test_a_cancelled_dial_frees_the_agent(engine: Engine, stage: Stage, dialled_callback: Lease) -> None:
    await engine.cancel_callback("cb1")

    assert await stage.outcome("cb1") == "cancelled"
    assert (await stage.agent_row("ann")).state == "ready"


async def test_a_callback_that_talks_or_has_ended_is_not_cancelled(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    await engine.connect_call("cb1", dialled_callback.offer_id)
    await stage.refused(WrongState, engine.cancel_callback("cb1"))
    await engine.complete_call("cb1")
    await stage.refused(WrongState, engine.cancel_callback("cb1"))


async def test_a_call_is_not_cancelled(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.refused(WrongState, engine.cancel_callback("c1"))


async def test_a_customer_who_does_not_pick_up_ends_the_callback(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    await engine.abandon_call("cb1")

    assert await stage.outcome("cb1") == "failed"
    assert (await stage.agent_row("ann")).state == "ready"


async def test_fifty_hang_ups_at_once(engine: Engine, stage: Stage) -> None:
    """Twenty agents ring for fifty callers who all hang up, each twice: nobody rings on, nobody stands in line."""
    for n in range(20):
        await stage.agent(f"agent-{n:02}")
    for n in range(50):
        await stage.call(f"call-{n:02}", queue("vip"))
    await stage.events()

    await asyncio.gather(*(engine.abandon_call(f"call-{n:02}") for n in range(50) for _ in range(2)))

    assert (await stage.told()).count("call.ended") == 50
    assert [(await stage.agent_row(f"agent-{n:02}")).state for n in range(20)] == ["ready"] * 20
    assert await stage.line("vip") == []
