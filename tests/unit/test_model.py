"""The model read as a specification: who is matched with whom, and how a ladder is walked."""

from __future__ import annotations

import pytest

from router.domain.errors import ChoiceGone, PlanMoved
from router.domain.ladder import Profile, WhenBusy
from tests.support.model.stage import MINUTE, SECOND, VIP, Stage, owner, step


@pytest.fixture
def site() -> Stage:
    return Stage()


def test_the_better_rank_is_served_first_and_a_head_start_ages(site: Stage) -> None:
    site.caller("early")
    site.later(SECOND)
    site.caller("gold", head_start_ms=MINUTE)
    site.later(2 * MINUTE)
    site.caller("late-gold", head_start_ms=MINUTE)

    site.staff("ann")
    site.staff("bob")

    assert site.at("gold") == ("o", "ann", "")
    assert site.at("early") == ("o", "bob", "")
    assert site.at("late-gold")[0] == "w"


def test_a_call_takes_the_lowest_level_then_its_last_agent_then_the_longest_ready(site: Stage) -> None:
    site.staff("second", Profile({"general": 2}))
    site.later(SECOND)
    site.staff("long")
    site.later(SECOND)
    site.staff("known")

    site.caller("one", last_agent="known")
    site.caller("two", last_agent="second")
    site.caller("three")

    assert [site.at(name)[1] for name in ("one", "two", "three")] == ["known", "long", "second"]


def test_skills_decide_who_serves_a_lane(site: Stage) -> None:
    site.staff("ann", VIP)
    site.caller("one", step("vip+zh"))
    assert site.at("one")[0] == "w"

    site.staff("bob", Profile({"vip": 1}, frozenset({"zh", "loans"})))

    assert site.at("one") == ("o", "bob", "")


def test_steps_are_entered_and_never_left(site: Stage) -> None:
    site.staff("ann", VIP)
    site.caller("busy")
    site.caller("first", step("vip"))
    site.caller("one", step("vip", wait_ms=10 * SECOND), step("general"))
    assert site.calls["one"].lanes == ["vip"]

    site.later(10 * SECOND)

    assert site.calls["one"].lanes == ["vip", "general"]


def test_a_step_nobody_serves_or_that_is_crowded_is_passed_at_once(site: Stage) -> None:
    site.staff("ann", VIP)
    site.caller("talking", step("vip"))
    site.caller("waiting", step("vip"))
    site.caller("crowded", step("vip", max_waiting=1), step("general", wait_ms=MINUTE), step("vip+zh"))

    assert site.calls["crowded"].lanes == ["vip", "general", "vip+zh"]


@pytest.mark.parametrize(("when_busy", "state", "lanes"), [("ask", "q", 1), ("wait", "w", 1), ("next", "w", 2)])
def test_a_busy_owner(site: Stage, when_busy: WhenBusy, state: str, lanes: int) -> None:
    site.staff("ann")
    site.caller("other")
    site.caller("one", owner("ann", when_busy), step("vip"))
    assert (site.calls["one"].state, len(site.calls["one"].lanes)) == (state, lanes)


def test_an_owner_on_a_break_is_passed(site: Stage) -> None:
    site.staff("ann", ready=False)
    site.caller("one", owner("ann"), step("vip"))
    assert site.calls["one"].lanes == ["@ann", "vip"]


def test_who_is_asked_waits_is_asked_once_more_and_then_goes_on(site: Stage) -> None:
    site.staff("ann")
    site.caller("other")
    site.talk("other")
    site.caller("one", owner("ann"), step("vip"))

    site.choose("one", "wait")
    site.later(10 * MINUTE)
    assert site.calls["one"].state == "q"
    site.choose("one", "wait")
    site.later(10 * MINUTE)

    assert site.calls["one"].lanes == ["@ann", "vip"]
    with pytest.raises(ChoiceGone):
        site.choose("one", "wait")


def test_an_owner_who_becomes_ready_ends_the_question(site: Stage) -> None:
    site.staff("ann")
    site.caller("other")
    site.talk("other")
    site.caller("one", owner("ann"), step("vip"))

    site.complete_call("other", None, "ann")
    site.end_wrap_up("ann")

    assert site.at("one") == ("o", "ann", "")
    site.decline_offer(*site.lease_of("one"), "declined")
    assert site.calls["one"].lanes == ["@ann", "vip"]


def test_the_last_agent_gone_the_lane_is_walked(site: Stage) -> None:
    site.staff("ann", VIP)
    site.caller("other", step("vip"))
    site.talk("other")
    site.caller("one", step("vip"), step("general"))

    site.agent_away("ann", "break")
    site.complete_call("other", None, "ann")
    site.end_wrap_up("ann")
    site.later(0)

    assert site.calls["one"].lanes == ["vip", "general"]


def test_a_closed_group_sends_its_callers_on_or_out(site: Stage) -> None:
    site.staff("ann")
    site.caller("other")
    site.caller("one")
    site.caller("two", step("general"), step("vip"))

    site.close_group("general", site.now + MINUTE)
    site.later(0)
    assert site.at("one") == ("e", "", "overflowed_out")
    assert site.calls["two"].lanes == ["general", "vip"]

    site.abandon_call("other")
    assert site.agents["ann"].state == "r"
    site.later(MINUTE)
    assert site.at("two") == ("o", "ann", "")


def test_keep_free_holds_agents_back_until_another_is_ready(site: Stage) -> None:
    site.set_plan("1", {"vip": 1})
    both = Profile({"general": 1, "vip": 1})
    site.staff("ann", both)
    site.caller("one", plan_version="1")
    assert site.at("one")[0] == "w"

    site.staff("vic", VIP)

    assert site.at("one") == ("o", "ann", "")


def test_a_lower_keep_free_lets_everybody_held_back_look(site: Stage) -> None:
    site.set_plan("1", {"vip": 2})
    for name in ("ann", "bob"):
        site.staff(name, Profile({"general": 1, "vip": 1}))
    for name in ("one", "two"):
        site.caller(name, plan_version="1")

    site.set_plan("2", {})

    assert {site.at("one")[1], site.at("two")[1]} == {"ann", "bob"}
    with pytest.raises(PlanMoved):
        site.caller("three", plan_version="1")
