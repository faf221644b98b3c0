"""Which tier a customer is in, and who counts when several share a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from config.models import SitePlan
from router.domain.customer import Account, Caller, Customer, ValueParts


@dataclass(frozen=True, slots=True)
class TierChoice:
    """A tier's name and, in words, where it comes from."""

    tier: str
    why: str


def tier_of(customer: Customer | None, site: SitePlan) -> TierChoice:
    """Set by hand; else the better of what the account and what the customer's own value give; else the default.

    A name the plan no longer knows counts as not set.
    """
    if customer is None:
        return TierChoice(site.default_tier, "not a known customer")
    if customer.tier in site.tier_order:
        return TierChoice(customer.tier, "set by hand")
    found = [choice for choice in (_by_account(customer.account, site), _by_value(customer, site)) if choice]
    return min(found, key=lambda choice: site.tier_order[choice.tier], default=TierChoice(site.default_tier, "default"))


def value_of(parts: ValueParts, site: SitePlan) -> float:
    """The product of the parts; what a customer lacks comes from the plan."""
    years = site.value.years if parts.years is None else parts.years
    referral = site.value.referral_factor if parts.referral_factor is None else parts.referral_factor
    return parts.average_ticket * parts.purchases_per_year * years * referral


def choose_caller(customers: Iterable[Customer], site: SitePlan) -> Caller | None:
    """Of the customers who share a number, the one to route for: the highest tier, then the lowest id."""

    def place(customer: Customer) -> tuple[int, str]:
        return site.tier_order[tier_of(customer, site).tier], customer.customer_id

    known = sorted(customers, key=place)
    return Caller(known[0], shared=len(known) > 1) if known else None


def _by_account(account: Account | None, site: SitePlan) -> TierChoice | None:
    if account is None:
        return None
    inherited = account.tier if account.tier in site.tier_order else _threshold(account.annual_value, site)
    if inherited is None:
        return None
    lift = site.account_roles.get(account.role, 0)
    lifted = site.tiers[max(0, site.tier_order[inherited] - lift)].name
    why = f"from account {account.account_id}"
    return TierChoice(lifted, f"{why}, lifted by the contact's role" if lifted != inherited else why)


def _by_value(customer: Customer, site: SitePlan) -> TierChoice | None:
    if customer.annual_value is not None:
        value, why = customer.annual_value, "by annual value"
    elif customer.value_parts is not None:
        value, why = value_of(customer.value_parts, site), "by value of its parts"
    else:
        return None
    tier = _threshold(value, site)
    return TierChoice(tier, why) if tier else None


def _threshold(value: float | None, site: SitePlan) -> str | None:
    """The best tier whose threshold the value reaches."""
    if value is None:
        return None
    reached = (tier.name for tier in site.tiers if tier.min_annual_value is not None and value >= tier.min_annual_value)
    return next(reached, None)
