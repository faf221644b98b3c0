"""The model read as a specification: what becomes of offers, and how a place passes on."""

from __future__ import annotations

import pytest

from router.domain.errors import AgentAway, AgentEngaged, OfferGone, WrongState
from router.domain.ladder import Ladder
from tests.support.invariants import end_violations
from tests.support.model.stage import MINUTE, SECOND, VIP, Stage, step


@pytest.fixture
def site() -> Stage:
    return Stage()


def test_who_declined_is_avoided_while_there_is_another_choice(site: Stage) -> None:
    site.staff("ann")
    site.caller("one")
    site.decline_offer(*site.lease_of("one"), "declined")
    site.caller("two")

    site.agent_ready("ann")
    assert site.at("two") == ("o", "ann", "")
    site.abandon_call("two")

    assert site.at("one") == ("o", "ann", "")


def test_missed_offers_double_the_rest(site: Stage) -> None:
    site.staff("ann")
    site.caller("one")
    rests = []
    for _ in range(7):
        site.now = site.agents["ann"].due or 0
        site.run_due("a:ann", site.now)
        rests.append(((site.agents["ann"].due or 0) - site.now) // SECOND)
        site.now = site.agents["ann"].due or 0
        site.run_due("a:ann", site.now)

    assert rests == [10, 20, 40, 80, 160, 300, 300]


def test_a_caller_who_leaves_frees_the_agent_as_before(site: Stage) -> None:
    site.staff("ann")
    since = site.now
    site.later(SECOND)
    site.caller("one")
    site.later(SECOND)
    site.abandon_call("one")

    assert site.at("one") == ("e", "", "short_abandoned")
    assert (site.agents["ann"].state, site.agents["ann"].ready_since) == ("r", since)
    with pytest.raises(OfferGone):
        site.accept_offer("one", "ann", "offer-1")


def test_who_calls_again_keeps_the_place(site: Stage) -> None:
    site.caller("one", identity="li")
    arrived = site.now
    site.later(MINUTE)
    site.abandon_call("one")
    site.later(MINUTE)
    site.caller("two", identity="li")

    assert site.calls["two"].accepted_ms == arrived
    assert site.at("one") == ("e", "", "recalled")


def test_the_second_line_is_heir_of_the_first(site: Stage) -> None:
    site.caller("one", identity="li")
    arrived = site.now
    site.later(MINUTE)
    site.caller("two", identity="li")
    site.later(30 * SECOND)
    site.abandon_call("one")

    assert (site.calls["two"].accepted_ms, site.calls["one"].outcome) == (arrived, "recalled")


def test_a_callback_keeps_the_place_and_passes_it_to_a_call_of_its_customer(site: Stage) -> None:
    site.caller("one", identity="li")
    rank = site.calls["one"].rank
    site.keep_place("one", "back")
    assert (site.at("one"), site.calls["back"].rank) == (("e", "", "callback"), rank)

    site.staff("ann")
    site.talk("back")
    site.caller("two", identity="li")
    assert (site.calls["two"].state, site.calls["two"].lanes) == ("w", [])
    site.later(MINUTE)

    assert site.calls["back"].outcome == "superseded"
    assert (site.at("two"), site.calls["two"].rank) == (("o", "ann", ""), rank)


def test_a_transfer_waits_at_the_old_rank_while_the_agent_wraps_up(site: Stage) -> None:
    site.staff("ann")
    site.caller("one", head_start_ms=MINUTE)
    rank = site.calls["one"].rank
    site.talk("one")
    site.transfer_call("one", "offer-1", Ladder(0, (step("general"),), MINUTE), plan_version="")

    assert (site.calls["one"].rank, site.at("one")) == (rank, ("w", "", ""))
    site.later(30 * SECOND)
    assert site.at("one") == ("o", "ann", "")


def test_assign_takes_a_ready_agent_waits_for_a_busy_one_and_refuses_one_away(site: Stage) -> None:
    site.staff("vic", VIP)
    site.staff("ann", ready=False)
    for name in ("one", "two"):
        site.caller(name)

    site.assign_call("one", "vic")
    site.assign_call("two", "vic")

    assert (site.at("one"), site.calls["two"].lanes) == (("o", "vic", ""), ["@vic", "general"])
    with pytest.raises(AgentAway):
        site.assign_call("two", "ann")
    with pytest.raises(WrongState):
        site.assign_call("one", "ann")
    with pytest.raises(AgentEngaged):
        site.delete_agent("vic")


def test_in_the_end_nothing_is_left(site: Stage) -> None:
    site.staff("ann")
    site.caller("one")
    site.caller("two")
    site.caller("three", identity="li")
    site.keep_place("three", "back")
    site.talk("one")
    site.complete_call("one", "offer-1", None)

    site.later(48 * 60 * MINUTE)

    assert {name: call.outcome for name, call in site.calls.items()} == {
        "one": "answered",
        "two": "overflowed_out",
        "three": "callback",
        "back": "missed",
    }
    assert end_violations(site.snapshot()) == []
