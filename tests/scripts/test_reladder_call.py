"""reladder_call: a call in line gets the steps of the new plan that it has not entered; rank and clock stay."""

from __future__ import annotations

import asyncio

from router.domain.errors import PlanMoved
from router.domain.ladder import Step
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Lease, Stage, queue


async def relay(stage: Stage, *steps: Step, at: str = "vip", now: bool = False, version: str = "") -> bool:
    await stage.engine.know_lanes(steps)
    return await stage.engine.reladder_call("c1", steps, enter_now=now, at_step=at, plan_version=version)


async def waits_for_vic(stage: Stage, *, wait_ms: int | None = MINUTE) -> None:
    """c1 waits in vip, whose vic is talking, with general before it."""
    await stage.agent("vic", state="talking")
    await stage.call("c1", queue("vip", wait_ms=wait_ms), queue("general"))
    await stage.events()


@answers("OK")
async def test_the_new_steps_come_when_the_current_one_is_over(stage: Stage) -> None:
    await waits_for_vic(stage)
    rank = (await stage.row("c1")).rank

    assert await stage.repeated(lambda: relay(stage, queue("late", wait_ms=SECOND), queue("other")))

    row = await stage.row("c1")
    assert (row.step.name, row.rank) == ("vip", rank)
    assert await stage.deadline("c:c1") == MINUTE
    assert await stage.told() == ["call.rerouted"]
    await stage.later(MINUTE)
    assert (await stage.row("c1")).lanes == ("vip", "late", "other")


async def test_entered_now_when_the_group_is_gone(stage: Stage) -> None:
    await waits_for_vic(stage)
    assert await relay(stage, queue("other"), now=True)

    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("other", ("vip", "other"))
    assert await stage.line("other") == ["c1"]


async def test_entered_now_though_the_steps_are_the_same(stage: Stage) -> None:
    """The new plan only took the group away that the call stands in."""
    await waits_for_vic(stage, wait_ms=None)

    assert await relay(stage, queue("general"), now=True)

    assert (await stage.row("c1")).step.name == "general"


async def test_it_may_find_a_ready_agent(stage: Stage) -> None:
    await waits_for_vic(stage)
    await stage.agent("gus", "other")
    await relay(stage, queue("other"), now=True)

    assert await stage.agent_of("c1") == "gus"
    assert await stage.line("vip") == []


async def test_one_left_in_a_step_nobody_serves_goes_on(engine: Engine, stage: Stage, waiting_call: str) -> None:
    """vip was the last step, so it was waited in although nobody serves it; now there is one behind it."""
    await relay(stage, queue("general"))

    assert (await stage.row("c1")).lanes == ("vip", "general")


async def test_a_pending_question_stays(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await relay(stage, queue("other"), at="owner")

    assert await stage.state("c1") == "q"
    await engine.choose("c1", "transfer")
    assert (await stage.row("c1")).lanes == ("@ann", "other")


async def test_an_offer_is_not_touched(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic")
    await stage.agent("oscar", "other", state="talking")
    held = await stage.offered("c1", queue("vip", wait_ms=SECOND), queue("general"))
    assert await stage.repeated(lambda: relay(stage, queue("other"), now=True))

    assert await stage.lease("c1") == held
    await stage.later(SECOND)
    await engine.decline_offer("c1", "vic", held.offer_id)
    assert (await stage.row("c1")).lanes == ("vip", "other")


async def test_greeting_talking_and_ended_calls_are_left_alone(
    engine: Engine, stage: Stage, greeted_call: str, connected_call: Lease, ended_call: str
) -> None:
    for call_id in (greeted_call, "c1", ended_call):
        async with stage.nothing_written():
            assert await engine.reladder_call(call_id, [], enter_now=True, at_step="", plan_version="")


async def test_the_steps_can_be_taken_away(stage: Stage) -> None:
    await waits_for_vic(stage)
    await relay(stage)
    await stage.later(2 * MINUTE)

    row = await stage.row("c1")
    assert (row.letter, row.lanes) == ("w", ("vip",))
    assert await stage.deadline("c:c1") == 28 * MINUTE


@answers("MOVED")
async def test_a_call_that_moved_on_meanwhile_is_asked_about_again(stage: Stage) -> None:
    await waits_for_vic(stage)
    await stage.later(MINUTE)
    await stage.engine.know_lanes([queue("other")])

    async with stage.nothing_written():
        assert not await relay(stage, queue("other"))


@answers("PLAN_MOVED")
async def test_steps_of_yesterdays_plan_are_refused(engine: Engine, stage: Stage) -> None:
    await waits_for_vic(stage)
    await engine.set_plan("7", {})
    await engine.know_lanes([queue("other")])

    await stage.refused(PlanMoved, relay(stage, queue("other"), version="6"))


@answers("UNKNOWN")
async def test_a_call_that_is_gone_needs_nothing(engine: Engine, stage: Stage) -> None:
    async with stage.nothing_written():
        await engine.reladder_call("ghost", [], enter_now=False, at_step="vip", plan_version="")


async def test_a_call_held_for_a_dial_keeps_waiting_and_then_takes_the_new_steps(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    await stage.call("c1x", queue("general"), identity="li")
    await engine.know_lanes([queue("other")])
    await engine.reladder_call("c1x", [queue("other")], enter_now=True, at_step="", plan_version="")
    assert (await stage.row("c1x")).lanes == ()

    await stage.later(engine.timing.dial_ms)

    assert (await stage.row("c1x")).lanes == ("other",)


async def test_fifty_walkers_at_once_reroute_it_once(stage: Stage) -> None:
    await waits_for_vic(stage)
    await stage.engine.know_lanes([queue("other")])

    replies = await asyncio.gather(*(relay(stage, queue("other")) for _ in range(50)))

    assert all(replies)
    assert await stage.told() == ["call.rerouted"]


async def test_steps_given_while_it_was_rung_are_entered_when_it_comes_back(engine: Engine, stage: Stage) -> None:
    """Its last step is its last no longer."""
    await stage.agent("gus", "general", state="talking")
    await stage.agent("gil", "general")
    lease = await stage.offered("c1", queue("general"))
    await relay(stage, queue("desk"), at="general")

    await engine.decline_offer("c1", lease.agent_id, lease.offer_id)

    assert (await stage.row("c1")).lanes == ("general", "desk")
