"""Findings about agents and customers: owners, covers, skills, levels, and how many are VIPs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from config.lint_team import LIMIT, Finding, Team, groups_of
from config.models import COVER, OWNER, SitePlan
from config.people import CustomerSeed
from config.problems import PathParts
from router.domain.customer import CallFacts, Customer
from router.domain.ladder import Profile
from router.domain.policy import lane_skills
from router.domain.tiers import tier_of

MAX_VIP_SHARE = 0.20


def staff_findings(team: Team) -> Iterator[Finding]:
    """Agents: unequal levels, no group, too many kinds of them."""
    for place, agent in enumerate(team.agents):
        at: PathParts = ("agents", place)
        levels = sorted((level, group) for group, level in agent.groups.items())
        for (better, first), (worse, second) in pairwise(levels):
            if better != worse:
                what = (
                    f"{agent.agent_id} serves all of {first} (level {better}) before any of {second} (level {worse}): "
                    "overtaking is unbounded there"
                )
                yield (*at, "groups"), what, "give both groups one level, unless strict priority is meant", "warning"
        if not agent.groups:
            what = f"{agent.agent_id} is in no group: only callers waiting for this very agent are served"
            yield at, what, "add a group", "warning"
    profiles = {Profile(dict(agent.groups), frozenset(agent.skills)).text() for agent in team.agents}
    if len(profiles) > LIMIT:
        what = f"{len(profiles)} profiles (groups with levels, and skills), over {LIMIT}: every decision gets slower"
        yield ("agents",), what, "let agents share the same groups and skills", "warning"


def owner_findings(site: SitePlan, team: Team | None, customers: Sequence[CustomerSeed]) -> Iterator[Finding]:
    """Customers whose ladder asks for an owner or a cover that is not there."""
    known: dict[str, list[Customer]] = {}
    for place, seed in enumerate(customers):
        at: PathParts = ("customers", place)
        customer = seed.customer(seed.customer_id)
        tier = tier_of(customer, site).tier
        known.setdefault(site.tier(tier).ladder, []).append(customer)
        asked = {rung.kind for rung in site.rungs[site.tier(tier).ladder]}
        if OWNER in asked and customer.owner is None and tier in site.vip_tiers:
            what = f"{customer.customer_id} is {tier} and has no owner: the owner's step is skipped"
            yield at, what, "set `owner`", "warning"
        if team is not None:
            yield from _people_named(at, customer, team)
        if customer.cover and set(customer.cover) <= {customer.owner}:
            yield (*at, "cover"), f"{customer.customer_id} has only the owner as cover", "name another", "warning"
    for ladder, theirs in known.items():
        for kind in (OWNER, COVER):
            there = any(customer.owner if kind == OWNER else customer.cover for customer in theirs)
            if not there and any(rung.kind == kind for rung in site.rungs[ladder]):
                what = f"the {kind}'s step of ladder {ladder} can never start: none of its customers has {kind}"
                yield ("customers",), what, f"set `{kind}`, or take the step out of the plan", "warning"


def customer_findings(site: SitePlan, team: Team | None, customers: Sequence[CustomerSeed]) -> Iterator[Finding]:
    """Customers nobody can serve, and too many VIPs."""
    vips = 0
    for place, seed in enumerate(customers):
        customer = seed.customer(seed.customer_id)
        tier = tier_of(customer, site).tier
        vips += tier in site.vip_tiers
        skills, notes = lane_skills(customer, CallFacts("", None, ""), site)
        for note in notes:
            yield ("customers", place), f"{customer.customer_id}: {note}", "change the customer or the plan", "warning"
        groups = groups_of(site.rungs[site.tier(tier).ladder])
        if team is not None and skills and not any(team.serves(group, skills) for group in groups):
            what = f"{customer.customer_id} needs {' and '.join(skills)}, which nobody in her ladder's groups has"
            yield ("customers", place), what, "give an agent these skills, or the customer fewer", "warning"
    if customers and vips / len(customers) > MAX_VIP_SHARE:
        what = (
            f"{vips} of {len(customers)} customers ({vips / len(customers):.0%}) are in VIP tiers, over "
            f"{MAX_VIP_SHARE:.0%}: a head start given to many is worth little"
        )
        yield ("customers",), what, "raise the thresholds of the tiers", "warning"


def _people_named(at: PathParts, customer: Customer, team: Team) -> Iterator[Finding]:
    if customer.owner is not None and customer.owner not in team.by_id:
        what = f"{customer.customer_id}: the owner {customer.owner} does not exist"
        yield (*at, "owner"), what, "name an agent of agents.yaml, or add this one", "warning"
    elif customer.owner is not None and not team.by_id[customer.owner].groups:
        what = f"{customer.customer_id}: the owner {customer.owner} serves no lane"
        yield (*at, "owner"), what, "add the owner to a group, or name another", "warning"
    for place, cover in enumerate(customer.cover):
        if cover not in team.by_id:
            what = f"{customer.customer_id}: the cover {cover} does not exist"
            yield (*at, "cover", place), what, "name an agent of agents.yaml, or add this one", "warning"
