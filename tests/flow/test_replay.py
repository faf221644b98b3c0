"""Made-up days through the real scripts, held against the same rules written plainly."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import AsyncIterator
from random import Random

import pytest

from config.loading import read_plan
from router.domain.ladder import Ladder, Profile, Step
from router.replay import order, slots, staffed
from router.replay.callers import Caller, SlotDay, StaffedDay, by_day, judged, slot_days, staffed_days
from router.replay.figures import Ending
from router.replay.order import Agreement, OrderDay
from router.replay.rules import FOREVER_MS, Rule, first_come, head_start, of_plan, strict
from router.replay.run import own_server
from router.replay.site import Site
from router.replay.staffing import Shift, WrapUps
from router.replay.trace import TraceCall, parse_call
from router.store.channel import Channel
from tests.support import replay_reference as plain
from tests.support.traces import line

DATE = datetime.date(2001, 2, 3)
RULES = [(first_come(), 0), (head_start(90), 90), (strict(), 1_000_000)]


def silent(_: int) -> None:
    """Nobody watches the progress."""


@pytest.fixture
async def stage() -> AsyncIterator[Channel]:
    async with own_server() as channel:
        yield channel


def call(number: int, **how) -> TraceCall:
    parsed = parse_call(line(number, **how).split())
    assert parsed is not None
    return parsed


def a_day(seed: int, count: int = 150) -> list[TraceCall]:
    """A busy made-up day: mostly queued, VIPs among them, some impatient, five people answering."""
    random = Random(seed)
    calls, at = [], 30_000
    for number in range(count):
        at += random.choice([0, 1, 5, 20, 40])
        calls.append(
            call(
                number,
                arrived=at,
                wait=None if random.random() < 0.1 else random.randrange(200),
                talk=random.randrange(10, 300),
                priority=random.choice([0, 1, 1, 2, 2]),
                outcome=random.choice(["AGENT", "AGENT", "AGENT", "HANG"]),
                server=random.choice(["ann", "bob", "cy", "dee", "eve"]),
                kind=random.choice(["PS", "PS", "PS", "NE"]),
            )
        )
    return calls


@pytest.mark.parametrize(("rule", "seconds"), RULES)
async def test_the_queue_is_asked_at_each_answer(stage, rule, seconds):
    calls = judged(a_day(1))
    found = await order.compare(Site(stage, "day", DATE), OrderDay(DATE, tuple(calls)), rule, silent)
    assert (found.decisions, found.agreed) == plain.agreed(calls, seconds)
    assert found.decisions > 50


async def test_a_tie_on_the_key_is_an_agreement_and_who_leaves_in_that_second_does_not_wait(stage):
    calls = [
        call(1, arrived=100, wait=50, outcome="HANG"),  # first in line, gone in the very second of the answer
        call(2, arrived=110, wait=90, priority=1),
        call(3, arrived=200, wait=100, priority=2),  # with 90 s ahead, 110 like the one before
        call(4, arrived=110, wait=40, priority=1),  # answered at 150, while the second waits: a tie
        call(5, arrived=199, wait=150, priority=1),
    ]
    day = OrderDay(DATE, tuple(by_day(calls)[DATE]))
    assert await order.compare(Site(stage, "tie", DATE), day, head_start(90), silent) == Agreement(3, 3)
    assert await order.compare(Site(stage, "far", DATE), day, head_start(91), silent) == Agreement(3, 2)


@pytest.mark.parametrize(("rule", "seconds"), RULES)
async def test_slots_go_to_whom_the_rule_puts_first(stage, rule, seconds):
    (day,) = slot_days(a_day(2), seed=3)
    found = await slots.play(Site(stage, "day", DATE), day, rule, silent)
    expected = plain.slots(day, {2: seconds})
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert any(ending.answered for ending in found)
    assert not all(ending.answered for ending in found)


async def test_a_slot_that_finds_nobody_is_void(stage):
    day = SlotDay(DATE, (Caller("late", 1, at=100, patience=30),), slots=(50, 99))
    assert await slots.play(Site(stage, "day", DATE), day, first_come(), silent) == [Ending(1, 30, False)]


async def test_who_gives_up_in_the_second_of_a_slot_is_still_answered(stage):
    day = SlotDay(DATE, (Caller("just", 1, at=100, patience=30),), slots=(130,))
    assert await slots.play(Site(stage, "day", DATE), day, first_come(), silent) == [Ending(1, 30, True)]


@pytest.mark.parametrize(("rule", "seconds"), RULES)
async def test_staffed_days_are_answered_by_who_is_there(stage, rule, seconds):
    (day,) = staffed_days(a_day(4, 250), seed=5)
    day = dataclasses.replace(day, callers=tuple(dataclasses.replace(caller, judged=True) for caller in day.callers))
    found = await staffed.play(Site(stage, "day", DATE), day, rule, silent)
    assert sorted(found, key=repr) == sorted(plain.staffed(day, {2: seconds}), key=repr)
    assert any(ending.wait > 0 for ending in found)


async def test_who_is_not_judged_takes_part_but_is_not_counted(stage):
    callers = (Caller("first", 0, 100, 500, service=60, judged=False), Caller("second", 1, 110, 500, service=60))
    day = StaffedDay(DATE, callers, (Shift("ann", 100, 1000),), WrapUps())
    assert await staffed.play(Site(stage, "day", DATE), day, first_come(), silent) == [Ending(1, 50, True)]


async def test_an_agent_whose_shift_ends_in_a_talk_takes_nobody_after_it(stage):
    callers = (Caller("first", 1, 100, 500, service=60), Caller("second", 1, 110, 400, service=60))
    day = StaffedDay(DATE, callers, (Shift("ann", 100, 150),), WrapUps())
    found = await staffed.play(Site(stage, "day", DATE), day, first_come(), silent)
    assert found == [Ending(1, 0, True), Ending(1, 400, False)]


async def test_an_agent_back_from_a_gap_while_still_talking_goes_on_after_it(stage):
    callers = (Caller("long", 1, 100, 500, service=3_000), Caller("next", 1, 2_500, 4_000, service=60))
    day = StaffedDay(DATE, callers, (Shift("ann", 100, 150), Shift("ann", 2_000, 5_000)), WrapUps())
    found = await staffed.play(Site(stage, "day", DATE), day, first_come(), silent)
    assert found == [Ending(1, 0, True), Ending(1, 600, True)]


async def test_an_agent_back_from_a_gap_while_wrapping_up_finishes_that_first(stage):
    log = [call(1, arrived=1, wait=9_000, server="bob"), call(2, arrived=100), call(3, arrived=260)]
    callers = (Caller("first", 1, 100, 500, service=60), Caller("next", 1, 180, 400, service=60))
    day = StaffedDay(DATE, callers, (Shift("ann", 100, 150), Shift("ann", 190, 900)), WrapUps.learn([log]))
    found = await staffed.play(Site(stage, "day", DATE), day, first_come(), silent)
    assert found == [Ending(1, 0, True), Ending(1, 80, True)]


async def test_a_shift_of_one_instant_takes_one_caller(stage):
    callers = (Caller("first", 1, 90, 500, service=60), Caller("second", 1, 95, 400, service=60))
    day = StaffedDay(DATE, callers, (Shift("ann", 100, 100),), WrapUps())
    found = await staffed.play(Site(stage, "day", DATE), day, first_come(), silent)
    assert found == [Ending(1, 10, True), Ending(1, 400, False)]


async def test_a_step_that_falls_due_is_taken_between_the_days_own_events(stage):
    # The only agent is kept free for the vip group, so an ordinary call reaches them by its second step alone.
    ladder = Ladder(0, (Step("general", ("general",), wait_ms=10_000), Step("vip", ("vip",))), FOREVER_MS)
    profile = Profile({"vip": 1, "general": 1})
    rule = Rule("kept", "kept", {0: ladder, 1: ladder, 2: ladder}, profile, {"vip": 1}, timed=True)
    callers = (Caller("first", 1, 100, 500, service=5), Caller("second", 1, 112, 500, service=5))
    day = StaffedDay(DATE, callers, (Shift("ann", 90, 1000),), WrapUps())
    found = await staffed.play(Site(stage, "day", DATE), day, rule, silent)
    assert found == [Ending(1, 10, True), Ending(1, 10, True)]


PLAN = """
language: en
region: US
timezone: UTC
tiers:
  - {name: gold, ladder: vip, head_start: 90s}
  - {name: standard, ladder: general}
default_tier: standard
groups: {vip: {}, general: {}}
ladders:
  vip: [{step: vip, to: vip, wait: 10s, max_waiting: 5}, {then: general}]
  general: [{step: general, to: general}]
max_wait: 60s
"""


async def test_a_plans_ladders_give_its_head_start_in_one_pool_and_send_nobody_away(stage):
    rule = of_plan(read_plan(PLAN).site, {2: "gold"})
    assert rule.timed
    (day,) = staffed_days(a_day(6), seed=1)
    under_plan = await staffed.play(Site(stage, "plan", DATE), day, rule, silent)
    under_head_start = await staffed.play(Site(stage, "plain", DATE), day, head_start(90), silent)
    assert sorted(under_plan, key=repr) == sorted(under_head_start, key=repr)
    assert max(ending.wait for ending in under_plan) > 60
