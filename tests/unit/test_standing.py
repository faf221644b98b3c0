"""How sure we are of a caller: defaults, what went before, what is suspicious, and who is asked to prove it."""

from __future__ import annotations

from typing import Any

import pytest

from config.models import TRUST, SitePlan
from router.domain.customer import Caller, CallFacts, Customer
from router.domain.policy import decide
from router.domain.standing import believed, flags_of, is_asked, kind_of_doubt
from tests.support.plans import site
from tests.unit.test_policy import LI_WEI, NOW, SAMPLE

US, UK = "+12025550111", "+442079460111"


def call(number: str | None = US, trust: str | None = "verified", **more: Any) -> CallFacts:
    return CallFacts("CA1", number, "+12025550199", trust=trust, **more)


@pytest.mark.parametrize(
    ("number", "trust", "counts_as"),
    [
        (US, None, "vouched"),
        (US, "none", "none"),
        (UK, "none", "vouched"),
        (UK, "failed", "failed"),
        (UK, "gateway", "gateway"),
        ("sip:li@pbx", "none", "none"),
        (None, "withheld", "withheld"),
    ],
)
def test_outside_north_america_no_attestation_is_expected(
    number: str | None, trust: str | None, counts_as: str
) -> None:
    assert believed(Caller(LI_WEI), call(number, trust), SAMPLE) == counts_as


def test_the_plan_says_where_numbers_are_attested() -> None:
    plan = site(trust={"attested": ["+1", "+44"]})
    assert believed(None, call(UK, "none"), plan) == "none"
    assert believed(None, call("+4930123456", "none"), plan) == "vouched"


@pytest.mark.parametrize("trust", TRUST)
def test_a_number_that_reached_the_customer_before_counts_as_the_plan_says_and_never_for_less(trust: str) -> None:
    plan = site(trust={"reached_before": "partial"})
    before = Caller(LI_WEI, reached=True)
    raised = {"none": "partial", "gateway": "partial"}
    assert believed(before, call(US, trust), plan) == raised.get(trust, trust)
    assert believed(before, call(US, trust), SAMPLE) == trust
    assert believed(Caller(LI_WEI), call(US, trust), plan) == trust


def test_what_a_number_did_before_is_told() -> None:
    decision = decide(Caller(LI_WEI, reached=True), call(US, "none"), site(trust={"reached_before": "partial"}), NOW)
    assert decision.greet_by_name
    assert "this number has reached the customer before: counts as partial, not as none" in decision.ladder.reasons


@pytest.mark.parametrize("trust", ["none", "withheld", "failed", None])
def test_a_pin_proves_it_whatever_the_number(trust: str | None) -> None:
    decision = decide(Caller(LI_WEI), call(US, trust, proof="pin"), SAMPLE, NOW)
    assert (decision.tier, decision.greet_by_name, decision.flags) == ("gold", True, ())
    assert "identified by PIN" in decision.ladder.reasons


def test_a_failed_attestation_makes_an_unknown_caller_whatever_the_plan_says() -> None:
    plan = site(trust={"loses_vip_rights": [], "greet_by_name": ["failed"], "reached_before": "verified"})
    customer = Customer("c-1", name="Ann", tier="gold", skills=("loans",), language="es", owner="agent-7")
    decision = decide(Caller(customer, reached=True), call(US, "failed"), plan, NOW)
    assert (decision.tier, decision.greet_by_name, decision.skills, decision.language) == ("plain", False, (), "en")
    assert decision.flags == ("attestation_failed",)


@pytest.mark.parametrize(("loses", "tier"), [(False, "gold"), (True, "plain")])
def test_velocity_is_flagged_and_costs_vip_rights_only_where_the_plan_says_so(loses: bool, tier: str) -> None:
    plan = site(velocity={"calls": 5, "numbers": 3, "window": "10m", "loses_vip_rights": loses})
    decision = decide(Caller(LI_WEI, numbers=3), call(recent=5), plan, NOW)
    assert decision.flags == ("many_calls", "many_numbers")
    assert decision.tier == tier
    assert "flagged: 5 calls from this number within 10 min" in decision.ladder.reasons
    assert "flagged: this customer from 3 numbers within 10 min" in decision.ladder.reasons
    assert ("suspicious: no VIP rights, no owner" in decision.ladder.reasons) is loses


def test_below_its_threshold_nothing_is_flagged_and_0_is_off() -> None:
    plan = site(velocity={"calls": 5, "numbers": 0})
    assert flags_of(Caller(LI_WEI, numbers=99), call(recent=4), plan) == ((), [])


def test_a_flag_stays_with_its_call_over_a_new_plan() -> None:
    assert decide(Caller(LI_WEI), call(flags=("many_calls",)), SAMPLE, NOW).flags == ("many_calls",)


@pytest.mark.parametrize(
    ("caller", "facts", "doubt"),
    [
        (None, call(None, "withheld"), "withheld"),
        (None, call(None, None), "withheld"),
        (None, call(US), "unknown"),
        (Caller(LI_WEI), call(US, "failed"), "unknown"),
        (Caller(LI_WEI), call(US, "none"), "unproven"),
        (Caller(LI_WEI, shared=True), call(US), "unproven"),
        (Caller(LI_WEI), call(US), None),
        (Caller(LI_WEI), call(UK, "none"), None),
        (Caller(LI_WEI), call(None, "withheld", proof="pin"), None),
    ],
)
def test_what_there_is_to_prove(caller: Caller | None, facts: CallFacts, doubt: str | None) -> None:
    assert kind_of_doubt(caller, facts, SAMPLE) == doubt


def plan_asking(ask: list[str], at_number: list[str] | None) -> SitePlan:
    numbers = {"+12025550199": {"identify": at_number}} if at_number is not None else {}
    return site(identification={"ask": ask}, numbers=numbers)


@pytest.mark.parametrize(
    ("ask", "at_number", "asked"),
    [
        ([], None, False),
        (["withheld"], None, True),
        (["unknown"], None, False),
        (["withheld"], [], False),
        ([], ["withheld"], True),
    ],
)
def test_the_number_dialled_says_who_is_asked_before_the_site_does(
    ask: list[str], at_number: list[str] | None, asked: bool
) -> None:
    assert is_asked(None, call(None, "withheld"), plan_asking(ask, at_number)) is asked
