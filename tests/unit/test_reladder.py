"""A new plan for calls that wait already."""

from __future__ import annotations

import pytest

from router.domain.ladder import Ladder, Step
from router.domain.reladder import Relay, reladder

OWNER = Step("owner", ("@ann",), 600_000, when_busy="ask")
COVER = Step("cover", ("@bob",), 0)
VIP = Step("vip", ("vip",), 10_000)
GENERAL = Step("general", ("general",))
GROUPS = {"vip", "general", "gold"}


def ladder(*steps: Step) -> Ladder:
    return Ladder(0, steps, 1_800_000)


FULL = ladder(OWNER, COVER, VIP, GENERAL)


@pytest.mark.parametrize(
    ("current", "entered", "remaining"),
    [
        ("owner", ["@ann"], (COVER, VIP, GENERAL)),
        ("cover", ["@ann", "@bob"], (VIP, GENERAL)),
        ("vip", ["@ann", "@bob", "vip"], (GENERAL,)),
        ("general", ["@ann", "@bob", "vip", "general"], ()),
    ],
)
def test_steps_match_by_name_and_those_behind_are_left(
    current: str, entered: list[str], remaining: tuple[Step, ...]
) -> None:
    assert reladder(current, entered, FULL, GROUPS, has_next=bool(remaining)) == Relay(remaining, enter_now=False)


def test_new_steps_behind_the_present_one_are_taken_up() -> None:
    gold = Step("gold", ("gold",), 5_000)
    relay = reladder("vip", ["@ann", "vip"], ladder(OWNER, VIP, gold, GENERAL), GROUPS)
    assert relay == Relay((gold, GENERAL), enter_now=False)


def test_a_step_put_before_the_present_one_is_not_gone_back_to() -> None:
    gold = Step("gold", ("gold",), 5_000)
    assert reladder("vip", ["vip"], ladder(gold, VIP, GENERAL), GROUPS).remaining == (GENERAL,)


def test_from_the_old_last_step_a_new_one_behind_it_is_entered_at_once() -> None:
    desk = Step("desk", ("gold",))
    relay = reladder("general", ["general"], ladder(Step("general", ("general",), 9_000), desk), GROUPS, has_next=False)
    assert relay == Relay((desk,), enter_now=True)


def test_a_group_that_is_gone_leads_to_the_last_step_at_once() -> None:
    relay = reladder("vip", ["@ann", "vip"], ladder(OWNER, VIP, GENERAL), {"general"})
    assert relay == Relay((GENERAL,), enter_now=True)


def test_skills_of_a_lane_do_not_hide_its_group() -> None:
    new = ladder(Step("vip", ("vip+es",), 10_000), Step("general", ("general+es",)))
    assert not reladder("vip", ["vip+es"], new, GROUPS).enter_now
    assert reladder("vip", ["vip+es"], new, {"general"}).enter_now


def test_an_owners_lane_is_never_gone() -> None:
    assert reladder("owner", ["@ann"], FULL, {"general"}) == Relay((COVER, VIP, GENERAL), enter_now=False)


def test_a_pending_question_stays_when_its_step_is_gone() -> None:
    assert reladder("owner", ["@ann"], ladder(VIP, GENERAL), GROUPS) == Relay((VIP, GENERAL), enter_now=False)


def test_a_step_that_is_gone_while_its_group_is_not_leads_on_at_once() -> None:
    renamed = ladder(OWNER, Step("priority", ("vip",), 10_000), GENERAL)
    assert reladder("vip", ["@ann", "vip"], renamed, GROUPS) == Relay((GENERAL,), enter_now=True)


def test_lanes_the_new_ladder_does_not_know_lead_to_its_first_step() -> None:
    assert reladder("gold", ["gold"], ladder(VIP, GENERAL), GROUPS) == Relay((VIP, GENERAL), enter_now=True)


def test_a_renamed_last_step_keeps_the_caller_where_she_stands() -> None:
    assert reladder("general", ["general"], ladder(Step("desk", ("general",))), GROUPS) == Relay((), enter_now=False)


def test_a_closed_ladder_changes_nothing() -> None:
    assert reladder("vip", ["vip"], ladder(), {"general"}) == Relay((), enter_now=False)


def test_the_present_step_with_other_lanes_is_not_entered_twice() -> None:
    moved = ladder(Step("vip", ("gold",), 10_000), GENERAL)
    assert reladder("vip", ["vip"], moved, GROUPS) == Relay((GENERAL,), enter_now=False)


def test_a_step_whose_lanes_it_stands_in_is_not_entered_again() -> None:
    swapped = ladder(GENERAL, VIP, Step("desk", ("gold",)))
    assert reladder("general", ["vip", "general"], swapped, GROUPS).remaining == (Step("desk", ("gold",)),)
