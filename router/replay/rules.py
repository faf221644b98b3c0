"""Who goes first: the rules a trace is replayed under, as ladders for each class of caller."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from config.models import SitePlan
from router.domain.customer import Caller, CallFacts, Customer
from router.domain.ladder import Ladder, Profile, Step
from router.domain.policy import plan
from router.replay.trace import CLASSES

POOL = "pool"
VIP = 2
FOREVER_MS = 30 * 86_400_000
STRICT_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """`ladders` by the log's priority; every agent of the replay has `profile`.

    `timed`: a ladder has steps that fall due, so the replay must run deadlines between the trace's own events.
    """

    name: str
    title: str
    ladders: Mapping[int, Ladder]
    profile: Profile = field(default_factory=lambda: Profile({POOL: 1}))
    keep_free: Mapping[str, int] = field(default_factory=dict)
    timed: bool = False


def head_start(seconds: int) -> Rule:
    """One line for all; VIPs are placed as if they had come `seconds` earlier."""
    return _one_line(str(seconds), f"VIPs {seconds} s ahead", {VIP: seconds * 1000})


def first_come() -> Rule:
    """One line for all, in the order they came."""
    return _one_line("fcfs", "first come, first served", {})


def strict() -> Rule:
    """VIPs before everybody else, always: a head start longer than any day."""
    return _one_line("strict", "VIPs always first", {VIP: STRICT_S * 1000})


def of_plan(site: SitePlan, tiers: Mapping[int, str]) -> Rule:
    """A plan's own ladders: each class rings as a customer of that tier (default: the plan's) whom no agent owns.

    Every agent is in every group and has every skill, for a trace knows one pool only; and nobody is sent to the exit.
    """
    ladders = {priority: _ladder(site, tiers.get(priority, site.default_tier)) for priority in CLASSES}
    return Rule(
        "plan",
        "the plan",
        ladders,
        Profile(dict.fromkeys(site.groups, 1), frozenset(site.skills)),
        site.keep_free(),
        timed=any(step.wait_ms is not None for ladder in ladders.values() for step in ladder.steps),
    )


def plan_order(rule: Rule) -> Rule:
    """The head starts of a rule, in one line."""
    head_starts = {priority: ladder.head_start_ms for priority, ladder in rule.ladders.items()}
    return _one_line(rule.name, rule.title, head_starts)


def _ladder(site: SitePlan, tier: str) -> Ladder:
    customer = Caller(Customer(f"any-{tier}", tier=tier))
    call = CallFacts(call_id="any", from_number=None, to="")
    return replace(plan(customer, call, site, datetime.datetime.now(datetime.UTC)), max_wait_ms=FOREVER_MS)


def _one_line(name: str, title: str, head_starts_ms: Mapping[int, int]) -> Rule:
    step = Step(POOL, (POOL,))
    ladders = {priority: Ladder(head_starts_ms.get(priority, 0), (step,), FOREVER_MS) for priority in CLASSES}
    return Rule(name, title, ladders)
