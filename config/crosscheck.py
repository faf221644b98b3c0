"""What a plan says twice must agree: every name it mentions exists, every ladder ends in a step that waits."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import pairwise

from phonenumbers import NumberParseException, is_possible_number
from phonenumbers import parse as parse_phone

from config.models import COVER, MAX_STEPS, OWNER, Rung, SitePlan
from config.people import AgentSeed, CustomerSeed
from config.problems import PathParts

Found = tuple[PathParts, str, str]
"""Where, what is wrong, what to do."""


def plan_errors(site: SitePlan) -> Iterator[Found]:
    """Everything that would leave a call without a next step, or a name without a meaning."""
    yield from _tiers(site)
    yield from _ladders(site)
    yield from _numbers(site)
    if site.question.default not in site.question.options:
        yield ("question", "default"), "the default is not among the options", "add it to `options`"
    if site.timing.cooling_max < site.timing.cooling:
        yield ("timing", "cooling_max"), "`cooling_max` is shorter than `cooling`", "make it at least as long"
    for tier in site.voice.greetings:
        yield from _known(("voice", "greetings", tier), "tier", tier, site.tier_order)
    for place, entry in enumerate(site.voice.menu):
        yield from _skills(("voice", "menu", place, "skills"), entry.skills, site)
    for name in site.service_level.groups:
        yield from _known(("service_level", "groups", name), "group", name, site.groups)


def agent_errors(site: SitePlan, agents: Collection[AgentSeed]) -> Iterator[Found]:
    """Agents against the plan."""
    yield from _twice("agents", [agent.agent_id for agent in agents])
    for place, agent in enumerate(agents):
        for group in agent.groups:
            yield from _known(("agents", place, "groups", group), "group", group, site.groups)
        yield from _skills(("agents", place, "skills"), agent.skills, site)


def customer_errors(site: SitePlan, customers: Collection[CustomerSeed]) -> Iterator[Found]:
    """Customers against the plan. Owners and covers may come later over HTTP: the linter looks at those."""
    yield from _twice("customers", [customer.customer_id for customer in customers])
    yield from _numbers_twice(customers)
    for place, customer in enumerate(customers):
        at: PathParts = ("customers", place)
        if customer.tier is not None:
            yield from _known((*at, "tier"), "tier", customer.tier, site.tier_order)
        if customer.account and customer.account.tier is not None:
            yield from _known((*at, "account", "tier"), "tier", customer.account.tier, site.tier_order)
        yield from _skills((*at, "skills"), customer.skills, site)
        for index, phone in enumerate(customer.phones):
            if not _possible(phone, site.region):
                yield (*at, "phones", index), "this is no phone number", "write it as +12025550100"


def _tiers(site: SitePlan) -> Iterator[Found]:
    yield from _twice("tiers", [tier.name for tier in site.tiers], key="name")
    yield from _known(("default_tier",), "tier", site.default_tier, site.tier_order)
    for place, tier in enumerate(site.tiers):
        yield from _known(("tiers", place, "ladder"), "ladder", tier.ladder, site.ladders)
    valued = [
        (place, tier.min_annual_value) for place, tier in enumerate(site.tiers) if tier.min_annual_value is not None
    ]
    for (_, better), (place, value) in pairwise(valued):
        if value is not None and better is not None and value >= better:
            fix = "list tiers best first, each with a lower threshold than the one before"
            yield ("tiers", place, "min_annual_value"), "no customer can be in this tier by value", fix


def _ladders(site: SitePlan) -> Iterator[Found]:
    for name in site.groups:
        if name in (OWNER, COVER):
            yield ("groups", name), f"a group cannot be called {name!r}", "name it otherwise"
    for name, rungs in site.ladders.items():
        for place, rung in enumerate(rungs):
            yield from _rung(("ladders", name, place), rung, place == len(rungs) - 1, site)
        walked = site.walk(name)
        cycle = walked[walked.index(walked[-1]) :]
        end: PathParts = ("ladders", name, len(rungs) - 1)
        if len(cycle) > 1:
            if name == min(cycle):
                yield end, f"a cycle: {' → '.join(cycle)}", "let one of them end in a group"
        elif len(walked) > MAX_STEPS or len(site.rungs[name]) > MAX_STEPS:
            yield end, f"this ladder has more than {MAX_STEPS} steps", "shorten it, or the ladders it goes on as"
        elif all(rung.then is None or rung.then in site.ladders for rung in rungs):
            yield from _whole(name, site)


def _rung(at: PathParts, rung: Rung, last: bool, site: SitePlan) -> Iterator[Found]:
    """One rung by itself."""
    if rung.then is not None:
        others = rung.model_fields_set - {"then"}
        if others:
            yield (*at, sorted(others)[0]), "`then` stands alone in its rung", "make it a rung of its own"
        if not last:
            yield at, "rungs after `then` are never reached", "make `then` the last rung"
        yield from _known((*at, "then"), "ladder", rung.then, site.ladders)
        return
    if rung.step is None or rung.to is None:
        yield at, "a rung is `step` and `to`, or `then`", "write {step: vip, to: vip}"
        return
    if rung.kind == "group":
        for group in rung.to:
            if group in (OWNER, COVER):
                yield (*at, "to"), f"{group!r} cannot be mixed with groups", "give it a step of its own"
            else:
                yield from _known((*at, "to"), "group", group, site.groups)
    if rung.kind != "owner":
        for key in ("when_busy", "when_away"):
            if getattr(rung, key) is not None:
                yield (*at, key), f"`{key}` is for the owner's step", "remove it"
    elif rung.max_waiting is not None:
        yield (*at, "max_waiting"), "`max_waiting` is not for the owner's step", "remove it"


def _whole(name: str, site: SitePlan) -> Iterator[Found]:
    """A ladder with every `then` followed."""
    rungs, at = site.rungs[name], ("ladders", name)
    steps = [rung.name for rung in rungs]
    for step in sorted({step for step in steps if steps.count(step) > 1}):
        yield at, f"two steps are called {step!r}", "a reload finds steps by name: name them apart"
    for kind in (OWNER, COVER):
        if sum(rung.kind == kind for rung in rungs) > 1:
            yield at, f"the {kind} is asked twice", "keep the first of these steps"
    written = site.ladders[name]
    end: PathParts = (*at, len(written) - 1)
    if written[-1].then is not None:
        return
    if written[-1].kind != "group":
        yield end, "the last step must be a group, which is always there", "end with a rung such as {to: general}"
    elif written[-1].wait is not None:
        yield (*end, "wait"), "the last step waits until `max_wait`", "leave its `wait` out, or add a step after it"


def _numbers(site: SitePlan) -> Iterator[Found]:
    for dialled, number in site.numbers.items():
        at: PathParts = ("numbers", dialled)
        if number.hours is not None:
            yield from _known((*at, "hours"), "hours", number.hours, site.hours)
        if number.ladder is not None:
            yield from _known((*at, "ladder"), "ladder", number.ladder, site.ladders)
        yield from _skills((*at, "skills"), number.skills, site)


def _skills(at: PathParts, skills: tuple[str, ...], site: SitePlan) -> Iterator[Found]:
    for place, skill in enumerate(skills):
        yield from _known((*at, place), "skill", skill, site.skills)


def _known(at: PathParts, kind: str, name: str, names: Collection[str]) -> Iterator[Found]:
    if name not in names:
        near = get_close_matches(name, names, 1)
        known = near or list(names)[:12]
        fix = f"write {', '.join(known)}, or add it to the plan" if known else "add it to the plan"
        yield at, f"there is no {kind} {name!r}", fix


def _twice(listing: str, names: list[str], key: str = "") -> Iterator[Found]:
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            yield (listing, place, *([key] if key else [])), f"{name!r} is listed twice", "keep one of the two"
        seen.add(name)


def _numbers_twice(customers: Collection[CustomerSeed]) -> Iterator[Found]:
    seen: set[str] = set()
    for place, customer in enumerate(customers):
        if customer.number in seen:
            yield ("customers", place, "number"), "another customer has this number", "give each customer its own"
        seen |= {customer.number} if customer.number else set()


def _possible(phone: str, region: str) -> bool:
    try:
        return is_possible_number(parse_phone(phone, region))
    except NumberParseException:
        return False
