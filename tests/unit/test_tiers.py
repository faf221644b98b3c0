"""Which tier a customer is in."""

from __future__ import annotations

import pytest

from router.domain.customer import Account, Customer, ValueParts
from router.domain.tiers import choose_caller, tier_of, value_of
from tests.support.plans import sample

SITE = sample().plan.site


def person(**facts: object) -> Customer:
    return Customer("c-1", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "tier"),
    [
        (1_000_000, "diamond"),
        (20_000, "diamond"),
        (19_999.99, "gold"),
        (10_000, "gold"),
        (5_000, "silver"),
        (2_000, "member"),
        (1_999, "standard"),
        (0, "standard"),
    ],
)
def test_annual_value_decides_by_thresholds(value: float, tier: str) -> None:
    assert tier_of(person(annual_value=value), SITE).tier == tier


def test_an_unknown_caller_is_in_the_default_tier() -> None:
    assert tier_of(None, SITE).tier == "standard"


def test_a_customer_without_any_value_is_in_the_default_tier() -> None:
    assert tier_of(person(), SITE).tier == "standard"


def test_a_tier_set_by_hand_beats_every_value() -> None:
    customer = person(tier="member", annual_value=50_000, account=Account("acme", annual_value=50_000))
    assert tier_of(customer, SITE).tier == "member"


def test_a_tier_the_plan_no_longer_knows_counts_as_not_set() -> None:
    assert tier_of(person(tier="platinum", annual_value=6_000), SITE).tier == "silver"


def test_value_by_parts_is_their_product() -> None:
    parts = ValueParts(average_ticket=100, purchases_per_year=12, years=5, referral_factor=1.5)
    assert value_of(parts, SITE) == 9_000
    assert tier_of(person(value_parts=parts), SITE).tier == "silver"


def test_parts_a_customer_lacks_come_from_the_plan() -> None:
    site = SITE.model_copy(update={"value": SITE.value.model_copy(update={"years": 10, "referral_factor": 2})})
    assert value_of(ValueParts(average_ticket=100, purchases_per_year=10), site) == 20_000


def test_annual_value_is_used_before_its_parts() -> None:
    customer = person(annual_value=2_500, value_parts=ValueParts(1_000, 100))
    assert tier_of(customer, SITE).tier == "member"


@pytest.mark.parametrize(
    ("account", "tier"),
    [
        (Account("acme", annual_value=12_000), "gold"),
        (Account("acme", annual_value=12_000, role="decision_maker"), "diamond"),
        (Account("acme", annual_value=12_000, role="accountant"), "gold"),
        (Account("acme", annual_value=90_000, role="decision_maker"), "diamond"),
        (Account("acme", tier="silver"), "silver"),
        (Account("acme", tier="silver", role="decision_maker"), "gold"),
        (Account("acme", tier="nonsense", annual_value=2_000), "member"),
        (Account("acme", role="decision_maker"), "standard"),
    ],
)
def test_the_account_gives_its_tier_and_the_role_lifts_it(account: Account, tier: str) -> None:
    assert tier_of(person(account=account), SITE).tier == tier


def test_the_better_of_account_and_own_value_counts() -> None:
    assert tier_of(person(annual_value=25_000, account=Account("acme", tier="silver")), SITE).tier == "diamond"
    assert tier_of(person(annual_value=100, account=Account("acme", tier="silver")), SITE).tier == "silver"


def test_it_says_where_the_tier_comes_from() -> None:
    customer = person(account=Account("acme", tier="silver", role="decision_maker"))
    assert tier_of(customer, SITE).why == "from account acme, lifted by the contact's role"


def test_of_several_on_one_number_the_highest_tier_routes_and_the_number_is_shared() -> None:
    caller = choose_caller([Customer("c-3"), Customer("c-2", tier="gold"), Customer("c-1", tier="silver")], SITE)
    assert caller is not None
    assert caller.customer.customer_id == "c-2"
    assert caller.shared


def test_a_tie_on_a_shared_number_goes_to_the_lowest_id_whatever_the_order() -> None:
    two = [Customer("c-2", tier="gold"), Customer("c-1", tier="gold")]
    for customers in (two, two[::-1]):
        caller = choose_caller(customers, SITE)
        assert caller is not None
        assert caller.customer.customer_id == "c-1"


def test_one_customer_alone_is_not_shared_and_none_is_nobody() -> None:
    caller = choose_caller([Customer("c-1")], SITE)
    assert caller is not None
    assert not caller.shared
    assert choose_caller([], SITE) is None
