"""What a customer's data name must be in the site's plan. Pure."""

from __future__ import annotations

from config.models import SitePlan
from config.people import CustomerSeed
from router.directory.errors import Fault, InvalidCustomer


def check_names(seed: CustomerSeed, plan: SitePlan) -> None:
    """Tiers and skills must be the plan's; agents may come later. Raises InvalidCustomer."""
    tiers = {"/tier": seed.tier, "/account/tier": seed.account.tier if seed.account else None}
    faults = [
        Fault(pointer, "the plan has no such tier")
        for pointer, tier in tiers.items()
        if tier is not None and tier not in plan.tier_order
    ]
    faults += [
        Fault(f"/skills/{place}", "the plan has no such skill")
        for place, skill in enumerate(seed.skills)
        if skill not in plan.skills
    ]
    if faults:
        raise InvalidCustomer(faults)
