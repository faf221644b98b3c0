"""keep_place: the caller hangs up and is called back when their turn comes."""

from __future__ import annotations

import asyncio

from router.domain.errors import CallbackLimit, CallbackOpen, StepGone, StepRepeated, UnknownCall, WrongState
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, START, Lease, Stage, owner, queue


@answers("OK")
async def test_the_callback_stands_where_the_caller_stood(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", state="talking")
    await stage.call("c0", queue("vip"))
    await stage.call("c1", owner("ann", "next"), queue("vip"), head_start_ms=MINUTE, tier="gold")
    rank = (await stage.row("c1")).rank
    await stage.later(SECOND)
    await stage.call("c2", queue("vip"), head_start_ms=MINUTE)
    await stage.events()

    assert await engine.keep_place("c1", "cb1", meta='{"phone": "x"}') == "w"

    assert await stage.outcome("c1") == "callback"
    row = await stage.row("cb1")
    assert (row.rank, row.lanes, row.facts.accepted_ms) == (rank, ("@ann", "vip"), START)
    assert (row.facts.tier, row.meta) == ("gold", {"phone": "x"})
    assert await stage.line("vip") == ["cb1", "c2", "c0"]
    assert await stage.line("@ann") == ["cb1"]
    assert await stage.channel.call("ZSCORE", stage.keys.callbacks, "cb1") == str(stage.clock.now_ms).encode()
    assert await stage.deadline("c:cb1") == engine.timing.callback_ms
    assert await stage.told() == ["callback.booked", "call.ended"]


@answers("SEEN")
async def test_keeping_it_twice_is_keeping_it_once(engine: Engine, stage: Stage, waiting_call: str) -> None:
    assert await stage.repeated(lambda: engine.keep_place("c1", "cb1", identity="li", widen=True)) == "w"


async def test_a_pending_question_is_answered_by_it(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await engine.keep_place("c1", "cb1")

    assert await stage.state("cb1") == "w"
    assert await stage.line("@ann") == ["cb1"]


async def test_it_waits_for_the_owner_alone(engine: Engine, stage: Stage, choosing_call: str) -> None:
    """Unless the plan says that it widens."""
    await engine.keep_place("c1", "cb1")
    await stage.later(60 * MINUTE)
    await stage.agent("gus", "vip general")

    row = await stage.row("cb1")
    assert (row.letter, row.lanes) == ("w", ("@ann",))
    assert (await stage.agent_row("gus")).state == "ready"
    await engine.complete_call("ann-call")
    await engine.end_wrap_up("ann")
    assert await stage.agent_of("cb1") == "ann"


async def test_a_widening_one_enters_the_steps_that_were_left(engine: Engine, stage: Stage, choosing_call: str) -> None:
    """Nobody is on the line: it is never asked."""
    await engine.keep_place("c1", "cb1", widen=True)
    await stage.events()
    await stage.later(0)

    row = await stage.row("cb1")
    assert (row.letter, row.lanes) == ("w", ("@ann", "vip", "general"))
    assert "call.owner_busy" not in await stage.told()


async def test_a_widening_one_keeps_the_time_of_its_step(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.call("c1", queue("vip", wait_ms=MINUTE), queue("general"))
    await stage.later(20 * SECOND)
    await engine.keep_place("c1", "cb1", widen=True)

    assert await stage.deadline("c:cb1") == 40 * SECOND


async def test_a_second_owner_on_its_way_is_not_asked_about(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("ann", "own", state="talking")
    await stage.call("c1", queue("vip", wait_ms=MINUTE), owner("ann"), queue("general"))
    await engine.keep_place("c1", "cb1", widen=True)

    await stage.later(MINUTE)

    row = await stage.row("cb1")
    assert (row.letter, row.lanes) == ("w", ("vip", "@ann"))


async def test_it_stays_while_agents_are_away(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="wrapping")
    await stage.call("c1", queue("vip"), queue("general"))
    await engine.keep_place("c1", "cb1")
    await engine.delete_agent("vic")
    await stage.later(MINUTE)

    assert (await stage.row("cb1")).lanes == ("vip",)


async def test_it_is_offered_like_any_call_and_never_to_two(engine: Engine, stage: Stage, callback: str) -> None:
    await stage.agent("ann")
    await stage.agent("bob")

    assert await stage.agent_of(callback) == "ann"
    assert (await stage.agent_row("bob")).state == "ready"


async def test_whom_the_caller_came_back_from_is_remembered(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.decline_offer("c1", "ann", offered_call.offer_id)
    await engine.keep_place("c1", "cb1")

    assert (await stage.row("cb1")).avoids == ("ann",)


async def test_later_events_of_the_old_call_change_nothing(engine: Engine, stage: Stage, callback: str) -> None:
    async with stage.nothing_written():
        assert await engine.abandon_call("c1") == "e"
    assert await stage.state(callback) == "w"


@answers("WRONG_STATE")
async def test_only_who_stands_in_line_has_a_place(
    engine: Engine, stage: Stage, greeted_call: str, offered_call: Lease, ended_call: str
) -> None:
    for call_id in (greeted_call, "c1", ended_call):
        await stage.refused(WrongState, engine.keep_place(call_id, "cb1"))


async def test_a_callback_keeps_no_place_for_another(engine: Engine, stage: Stage, callback: str) -> None:
    await stage.refused(WrongState, engine.keep_place(callback, "cb2"))


async def test_nor_does_a_call_that_waits_for_the_customers_own_dial(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    await stage.call("c2", queue("general"), identity="li")

    await stage.refused(WrongState, engine.keep_place("c2", "cb2", identity="li"))


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownCall, engine.keep_place("ghost", "cb1"))


async def test_after_the_dial_it_is_a_call_like_any_other(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    """The customer is on the line: a broken headset brings them back in line, and the next agent just talks."""
    await engine.connect_call("cb1", dialled_callback.offer_id)
    await stage.agent("bob")

    await engine.lose_leg("cb1", dialled_callback.offer_id, "device")

    held = await stage.lease("cb1")
    assert held.agent_id == "bob"
    assert await engine.accept_offer("cb1", "bob", held.offer_id) == "c"


async def test_fifty_requests_at_once_keep_one_place(engine: Engine, stage: Stage, waiting_call: str) -> None:
    replies = await asyncio.gather(*(engine.keep_place("c1", "cb1") for _ in range(50)))

    assert set(replies) == {"w"}
    assert await stage.line("vip") == ["cb1"]
    assert (await stage.told()).count("callback.booked") == 1


async def test_two_callbacks_for_one_call_at_once(engine: Engine, stage: Stage, waiting_call: str) -> None:
    results = await asyncio.gather(*(engine.keep_place("c1", f"cb{n}") for n in range(2)), return_exceptions=True)

    assert results[0] == "w"
    assert isinstance(results[1], WrongState)
    assert await stage.line("vip") == ["cb0"]


@answers("REPEAT", "LATE")
async def test_a_carriers_request_counts_once(engine: Engine, stage: Stage, waiting_call: str) -> None:
    """Its retry, and a key that was pressed before, book nothing."""
    stage.left_as_is = True
    await engine.take_step("c1", "hold:3")
    await stage.refused(StepRepeated, engine.keep_place("c1", "cb1", step="hold:3"))
    await stage.refused(StepGone, engine.keep_place("c1", "cb1", step="key:2"))

    assert await engine.keep_place("c1", "cb1", step="key:4") == "w"


@answers("CALLBACK_OPEN")
async def test_a_number_has_one_open_callback(engine: Engine, stage: Stage) -> None:
    for call_id in ("c1", "c2"):
        await stage.call(call_id, queue("vip"))
    await engine.keep_place("c1", "cb1", number="12025550123")
    await stage.refused(CallbackOpen, engine.keep_place("c2", "cb2", number="12025550123"))
    await engine.keep_place("c2", "cb2", number="12025550124")
    assert await stage.line("vip") == ["cb1", "cb2"]


@answers("CALLBACK_LIMIT")
async def test_a_number_is_dialled_so_often_a_day(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.offered("ann-call", queue("vip"))
    await stage.call("c1", queue("vip"))
    await engine.keep_place("c1", "cb1", number="12025550123", meta='{"call_id":"c1","phone":"+12025550123"}')
    await engine.abandon_call("ann-call")
    held = await stage.lease("cb1")
    await engine.accept_offer(held.call_id, held.agent_id, held.offer_id)
    await engine.fail_leg(held.call_id, held.offer_id, "busy")
    await stage.offered("ann-call-2", queue("vip"))
    await stage.call("c2", queue("vip"))
    await stage.refused(CallbackLimit, engine.keep_place("c2", "cb2", number="12025550123", a_day=1))
    assert await engine.keep_place("c2", "cb2", number="12025550123", a_day=2) == "w"


async def test_a_call_held_for_a_dial_keeps_no_second_place(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    """Not even when it was assigned to somebody: its customer is being called back."""
    await stage.agent("sue", state="talking")
    await stage.call("held", queue("vip"), identity="li")
    await stage.refused(WrongState, engine.keep_place("held", "cb9"))
    await engine.assign_call("held", "sue", by="supervisor")
    await stage.refused(WrongState, engine.keep_place("held", "cb9"))
