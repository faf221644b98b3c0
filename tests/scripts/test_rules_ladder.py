"""How a ladder is climbed: steps are entered by joining their lanes, and never left."""

from __future__ import annotations

import pytest

from router.store.engine import Engine
from tests.support.stage import MINUTE, SECOND, Stage, cover, owner, queue


async def test_owner_then_cover_then_vip_then_general(stage: Stage) -> None:
    """The whole way of a diamond caller whose owner is on a break and whose cover is talking."""
    await stage.agent("ann", state="break")
    await stage.agent("bob", state="talking")
    await stage.agent("gus", "general", state="talking")
    routed = await stage.call(
        "c1", owner("ann"), cover("bob"), queue("vip", wait_ms=10 * SECOND), queue("general"), head_start_ms=MINUTE
    )

    assert routed.letter == "w"
    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("vip", ("@ann", "@bob", "vip"))
    rank = row.rank

    await stage.later(10 * SECOND)
    row = await stage.row("c1")
    assert (row.step.name, row.lanes, row.rank) == ("general", ("@ann", "@bob", "vip", "general"), rank)
    for lane in row.lanes:
        assert await stage.line(lane) == ["c1"]


async def test_an_owner_who_comes_later_finds_the_call(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "general", state="break")
    await stage.agent("vic", state="talking")
    await stage.call("c1", owner("ann"), queue("vip"))

    await engine.agent_ready("ann")

    assert await stage.agent_of("c1") == "ann"
    assert await stage.line("vip") == []
    assert await stage.line("@ann") == []


@pytest.mark.parametrize("state", ["ready", "offered", "talking", "wrapping", "cooling", "break", "offline"])
@pytest.mark.parametrize("when_busy", ["ask", "wait", "next"])
async def test_what_an_owners_state_means(stage: Stage, state: str, when_busy: str) -> None:
    await stage.agent("ann", "own", state=state)
    await stage.agent("vic", state="talking")

    routed = await stage.call("c1", owner("ann", when_busy), queue("vip"))

    row = await stage.row("c1")
    if state == "ready":
        assert (routed.letter, routed.agent_id) == ("o", "ann")
    elif state in ("break", "offline") or when_busy == "next":
        assert (row.letter, row.step.name, row.lanes) == ("w", "vip", ("@ann", "vip"))
    elif when_busy == "ask":
        assert (row.letter, row.step.name, row.lanes) == ("q", "owner", ("@ann",))
    else:
        assert (row.letter, row.step.name, row.lanes) == ("w", "owner", ("@ann",))
        assert await stage.deadline("c:c1") == 10 * MINUTE


async def test_an_owner_nobody_knows_is_skipped(stage: Stage) -> None:
    await stage.call("c1", owner("ghost"), queue("vip"))

    assert (await stage.row("c1")).step.name == "vip"


async def test_a_caller_told_to_wait_for_the_owner_goes_on_when_the_time_is_up(stage: Stage) -> None:
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", state="talking")
    await stage.call("c1", owner("ann", "wait", wait_ms=MINUTE), queue("vip"))

    await stage.later(MINUTE - 1)
    assert (await stage.row("c1")).step.name == "owner"
    await stage.later(1)
    row = await stage.row("c1")
    assert (row.letter, row.step.name, row.lanes) == ("w", "vip", ("@ann", "vip"))


async def test_a_step_that_nobody_on_duty_serves_is_joined_but_not_waited_in(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="offline")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip", wait_ms=10 * MINUTE), queue("general"))
    assert (await stage.row("c1")).lanes == ("vip", "general")

    await engine.agent_ready("vic")

    assert await stage.agent_of("c1") == "vic"


async def test_a_full_lane_is_joined_and_the_next_step_entered_as_well(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    for n in range(3):
        await stage.call(f"call-{n}", queue("vip", max_waiting=2), queue("general"))

    assert [(await stage.row(f"call-{n}")).lanes for n in range(3)] == [("vip",), ("vip",), ("vip", "general")]
    assert await stage.line("vip") == ["call-0", "call-1", "call-2"]


async def test_one_who_stands_there_already_does_not_crowd_the_lane(stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    again = queue("vip", wait_ms=MINUTE, max_waiting=1)
    await stage.call("c1", queue("vip", wait_ms=SECOND), again, queue("general"))
    await stage.later(SECOND)
    assert (await stage.row("c1")).lanes == ("vip",)

    await stage.call("c2", again, queue("general"))
    assert (await stage.row("c2")).lanes == ("vip", "general")


async def test_somebody_on_duty_for_one_step_serves_no_other(stage: Stage) -> None:
    """The owner is busy, nobody of vip is there: vip is not waited in."""
    await stage.agent("ann", "own", state="talking")
    await stage.call("c1", owner("ann", "next"), queue("vip"), queue("general"))

    assert (await stage.row("c1")).step.name == "general"


async def test_max_waiting_zero_is_looked_into_and_left_behind(stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.call("c1", queue("vip", max_waiting=0), queue("general"))

    assert (await stage.row("c1")).step.name == "general"


async def test_the_last_step_is_waited_in_whatever_is_there(stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.call("c0", queue("vip"))
    for call_id, step in (("c1", queue("vip", max_waiting=1)), ("c2", queue("vip", wait_ms=0)), ("c3", queue("x"))):
        assert (await stage.call(call_id, step)).letter == "w"
        assert await stage.deadline(f"c:{call_id}") == 30 * MINUTE


async def test_a_step_without_end_lasts_until_the_longest_wait(stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip"), queue("general"), max_wait_ms=5 * MINUTE)

    await stage.later(5 * MINUTE - 1)
    assert (await stage.row("c1")).lanes == ("vip",)
    await stage.later(1)
    assert await stage.outcome("c1") == "overflowed_out"


async def test_several_lanes_in_one_step(engine: Engine, stage: Stage) -> None:
    """A match takes the call out of every lane it stood in."""
    await stage.agent("ann", "vip", state="talking")
    await stage.agent("gus", "general", state="break")
    await stage.call("c1", queue("vip", "general"))
    assert (await stage.line("vip"), await stage.line("general")) == (["c1"], ["c1"])

    await engine.agent_ready("gus")

    assert await stage.agent_of("c1") == "gus"
    assert (await stage.line("vip"), await stage.line("general")) == ([], [])


async def test_the_first_lane_with_a_ready_agent_is_taken(stage: Stage) -> None:
    await stage.agent("gus", "general")
    await stage.later(1)
    await stage.agent("vic", "vip")

    assert (await stage.offered("c1", queue("vip", "general"))).agent_id == "vic"
    assert (await stage.offered("c2", queue("vip", "general"))).agent_id == "gus"


async def test_the_same_lane_in_two_steps_is_stood_in_once(stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip", wait_ms=SECOND), queue("general", wait_ms=SECOND), queue("vip"))

    await stage.later(2 * SECOND)

    row = await stage.row("c1")
    assert (row.lanes, row.step.lanes) == (("general", "vip"), 1)
    assert await stage.engine.position(row) == 1


async def test_a_step_that_fell_due_while_offered_is_entered_on_return(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic")
    await stage.agent("gus", "general", state="talking")
    held = await stage.offered("c1", queue("vip", wait_ms=10 * SECOND), queue("general"))
    await stage.later(15 * SECOND)
    assert (await stage.row("c1")).lanes == ("vip",)

    await engine.decline_offer("c1", "vic", held.offer_id)

    assert (await stage.row("c1")).lanes == ("vip", "general")


async def test_a_longest_wait_that_is_over_while_offered_waits_for_the_offers_end(stage: Stage) -> None:
    await stage.agent("vic")
    await stage.offered("c1", queue("vip"), max_wait_ms=15 * SECOND)
    await stage.later(16 * SECOND)
    assert await stage.state("c1") == "o"

    await stage.later(4 * SECOND)

    assert await stage.outcome("c1") == "overflowed_out"
    assert (await stage.agent_row("vic")).state == "cooling"


async def test_a_call_that_connected_in_time_has_no_longest_wait(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic")
    await stage.connected("c1", queue("vip"), max_wait_ms=15 * SECOND)

    await stage.later(60 * MINUTE)

    assert await stage.state("c1") == "c"


async def test_a_question_lasts_no_longer_than_the_longest_wait(stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.call("c1", owner("ann"), queue("vip"), max_wait_ms=5 * SECOND)
    assert await stage.state("c1") == "q"

    await stage.later(5 * SECOND)

    assert await stage.outcome("c1") == "overflowed_out"
