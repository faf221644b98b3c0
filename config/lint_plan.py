"""Findings about the plan itself: steps, numbers, and how far VIPs may pass others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.lint_team import LIMIT, Finding, Team, groups_of
from config.models import Rung, SitePlan
from config.people import CustomerSeed
from config.problems import PathParts
from config.values import spoken
from router.domain.customer import CallFacts
from router.domain.policy import lane_skills


def ladder_findings(site: SitePlan, team: Team | None, customers: Sequence[CustomerSeed]) -> Iterator[Finding]:
    """Steps that cannot start or cannot be served; ladders, groups and skills without use."""
    told: set[int] = set()
    for name in sorted(site.ladders, key=lambda name: len(site.rungs[name])):
        yield from _steps_that_cannot_start(name, site, told)
        if team is not None:
            yield from _steps_nobody_serves(name, site, team)
    used = _used_ladders(site)
    for name in site.ladders.keys() - used:
        yield ("ladders", name), f"ladder {name} is used by no tier and no number", "use it or remove it", "warning"
    reached = {group for name in used for rung in site.rungs[name] for group in rung.to or ()}
    for group, part in site.groups.items():
        if group not in reached:
            what = f"group {group} stands in no ladder in use: it only gets calls transferred to it"
            yield ("groups", group), what, "add a step for it, unless that is meant", "note"
        if team is not None and 0 < len(team.members(group)) <= part.keep_free:
            what = (
                f"group {group} keeps {part.keep_free} free but has {len(team.members(group))}: it never helps others"
            )
            yield ("groups", group, "keep_free"), what, "lower `keep_free` or add agents", "warning"
    if team is not None:
        for place, skill in enumerate(site.skills):
            if not any(skill in agent.skills for agent in team.agents):
                what = f"nobody has skill {skill}: a caller who needs it reaches nobody"
                yield ("skills", place), what, "give it to an agent or remove it", "warning"
    lanes = _lanes(site, customers)
    if lanes > LIMIT:
        what = f"at least {lanes} lanes are possible, over {LIMIT}: every change of an agent gets slower"
        yield ("groups",), what, "merge groups or skills", "warning"


def number_findings(site: SitePlan, team: Team | None) -> Iterator[Finding]:
    """Numbers nobody answers; hours that never begin."""
    for dialled, number in site.numbers.items():
        at: PathParts = ("numbers", dialled)
        skills, notes = lane_skills(None, CallFacts("", None, dialled), site)
        for note in notes:
            yield at, note, "declare the skill and give it to agents, or remove it here", "warning"
        ladders = [number.ladder] if number.ladder else sorted({tier.ladder for tier in site.tiers})
        for name in ladders if skills else ():
            if team is not None and not any(team.serves(group, skills) for group in groups_of(site.rungs[name])):
                what = f"nobody in ladder {name} has {' and '.join(skills)}, which this number asks for"
                yield at, what, "give an agent of its groups these skills", "warning"
    used = {number.hours for number in site.numbers.values()}
    for name, hours in site.hours.items():
        if name not in used:
            yield ("hours", name), f"hours {name} are used by no number", "use them or remove them", "warning"
        elif not any(hours.week) and not any(hours.dates.values()):
            yield ("hours", name, "open"), f"hours {name} never begin", "add opening hours", "warning"


def fairness_findings(site: SitePlan) -> Iterator[Finding]:
    """How far head starts reach, and where they have no end."""
    ordinary = site.tier(site.default_tier).head_start
    starts: list[tuple[PathParts, str, int]] = [
        (("tiers", place, "head_start"), tier.name, tier.head_start) for place, tier in enumerate(site.tiers)
    ]
    for dialled, number in site.numbers.items():
        starts.append((("numbers", dialled, "head_start"), number.title or "this number", number.head_start or 0))
    for at, name, head_start in starts:
        ahead = head_start - ordinary
        if ahead > site.max_wait:
            what = (
                f"{name}: a head start of {spoken(ahead)} is longer than any wait ({spoken(site.max_wait)}): "
                f"overtaking is unbounded, a {site.default_tier} caller waits until none of these is left"
            )
            yield at, what, "lower `head_start` below `max_wait`, unless strict priority is meant", "warning"
        elif ahead > 0:
            what = (
                f"{name} can hold a {site.default_tier} caller back for {spoken(ahead)}: it passes those who came up "
                "to so much earlier, and nobody who has waited longer"
            )
            yield at, what, "lower `head_start` if that is too dear", "note"


def _steps_that_cannot_start(name: str, site: SitePlan, told: set[int]) -> Iterator[Finding]:
    """Group steps of a ladder, each `then` followed; `told` are the rungs already spoken of, by identity."""
    waited, seen = 0, set[str]()
    for rung in site.rungs[name]:
        if rung.kind != "group":
            continue
        groups = set(rung.to or ())
        adds_nobody, starved = groups <= seen, waited >= site.max_wait
        if (adds_nobody or starved) and id(rung) not in told:
            told.add(id(rung))
            at = ("ladders", name, _place(name, rung, site))
            if adds_nobody:
                what, fix = "adds nobody: its groups stand in earlier steps", "remove it or name another group"
            else:
                what = "can never start while the steps before are staffed: they use up `max_wait`"
                fix = "shorten their `wait`, or give the long ones `max_waiting`"
            yield at, f"step {rung.name} {what}", fix, "warning"
        if rung.max_waiting is None:
            waited += site.max_wait if rung.wait is None else rung.wait
        seen |= groups


def _steps_nobody_serves(name: str, site: SitePlan, team: Team) -> Iterator[Finding]:
    for place, rung in enumerate(site.ladders[name]):
        groups = groups_of((rung,))
        if groups and not any(team.members(group) for group in groups):
            what = f"step {rung.name} can never be served: nobody is in group {' or '.join(groups)}"
            yield ("ladders", name, place, "to"), what, "add an agent to it, or remove the step", "warning"


def _place(name: str, rung: Rung, site: SitePlan) -> int:
    """Where this ladder writes the rung, or the `then` that leads to it."""
    written = site.ladders[name]
    return next((place for place, each in enumerate(written) if each is rung), len(written) - 1)


def _used_ladders(site: SitePlan) -> set[str]:
    """The ladders tiers and numbers name, and those they go on as."""
    used = {tier.ladder for tier in site.tiers} | {number.ladder for number in site.numbers.values() if number.ladder}
    waiting = list(used)
    while waiting:
        then = site.ladders[waiting.pop()][-1].then
        if then is not None and then not in used:
            used.add(then)
            waiting.append(then)
    return used


def _lanes(site: SitePlan, customers: Sequence[CustomerSeed]) -> int:
    """The lanes of all groups: without skills, with each one, and with the sets that customers and numbers ask for."""
    sets = {frozenset[str]()} | {frozenset([skill]) for skill in site.skills}
    for dialled in site.numbers:
        sets.add(frozenset(lane_skills(None, CallFacts("", None, dialled), site)[0]))
    for customer in customers:
        sets.add(frozenset(lane_skills(customer.customer(customer.customer_id), CallFacts("", None, ""), site)[0]))
    return len(site.groups) * len(sets)
