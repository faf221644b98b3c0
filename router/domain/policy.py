"""The policy: who a caller is and what she dialled → the ladder the scripts execute. Pure, and never at a loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.models import Number, Rung, SitePlan
from config.parts import Hours, in_language
from config.values import spoken
from router.domain.customer import Caller, CallFacts, Customer
from router.domain.hours import closes_at, holiday_name, open_at
from router.domain.ladder import Ladder, Step, agent_lane, lane
from router.domain.standing import FAILED, believed, flags_of, is_trusted
from router.domain.tiers import tier_of

MAX_SKILLS = 4


@dataclass(frozen=True, slots=True)
class Decision:
    """A ladder and what it was decided from.

    `tier` routes the call (the default tier where the number is not trusted); `customer_tier` is the customer's own.
    `skills` are those every lane asks for. `language` is the caller's. `message` is what a closed line says, in
    `message_language`.
    `flags`: what is suspicious of the call. `closes`: the wait ends when the line closes. `later`: the steps that the
    closed line would have had, where its callers may ask to be called back.
    """

    ladder: Ladder
    tier: str
    customer_tier: str
    skills: tuple[str, ...]
    language: str
    trusted: bool
    greet_by_name: bool
    closed: bool
    message: str
    flags: tuple[str, ...] = ()
    closes: bool = False
    later: tuple[Step, ...] = ()
    message_language: str = ""


def plan(customer: Caller | None, call: CallFacts, site: SitePlan, now: datetime) -> Ladder:
    """The ladder of this call. `now` is aware. Its last step waits, or it has none: the line is closed."""
    return decide(customer, call, site, now).ladder


def decide(
    customer: Caller | None, call: CallFacts, site: SitePlan, now: datetime, *, check_hours: bool = True
) -> Decision:
    """As `plan`, with what it was decided from. `check_hours=False`: for a call that was let in already."""
    claimed = customer.customer if customer else None
    trust = believed(customer, call, site)
    flags, suspicions = flags_of(customer, call, site)
    trusted = is_trusted(trust, flags, site)
    who = claimed if trust != FAILED else None
    number = site.numbers.get(call.to)
    own = tier_of(claimed, site)
    tier = site.tier(own.tier if trusted else site.default_tier)
    vip = who if trusted else None
    skills, notes = lane_skills(who, call, site)

    head_start = max(tier.head_start, number.head_start or 0 if number else 0)
    name = number.ladder if number and number.ladder else tier.ladder
    reasons = [_summary(who, vip, tier.name, head_start), *([f"{tier.name}: {own.why}"] if vip else [])]
    if call.proof:
        reasons.append(f"identified by {call.proof.upper()}")
    if claimed and not who:
        reasons.append(f"attestation of the number failed: not taken for {claimed.customer_id}")
    elif who and not trusted:
        doubt = f"number not trusted ({trust})" if trust in site.trust.loses_vip_rights else "suspicious"
        reasons.append(f"{doubt}: no VIP rights, no owner")
    elif who and trust != (call.trust or "vouched") and not call.proof:
        reasons.append(_why_better(call.trust, trust))
    reasons += suspicions
    if number and number.ladder:
        reasons.append(f"the number dialled gives ladder {name}")
    reasons += notes
    steps = tuple(_steps(site.rungs[name], vip, skills, site, reasons))

    max_wait, exit_to, closed, message = site.max_wait, site.exit, False, site.exit_message
    closes, later = False, tuple[Step, ...]()
    hours = site.hours[number.hours] if number and number.hours and check_hours else None
    if hours and not open_at(hours, site.timezone, now):
        later = steps if hours.exit == "callback" else ()
        closed, steps, exit_to, message = True, (), hours.exit, hours.message
        reasons.append(_why_closed(hours, site, now))
    elif hours and hours.at_close == "end":
        left = _until_closing(hours, site, now)
        if left < max_wait:
            max_wait, closes, exit_to, message = left, True, hours.exit, hours.message
            reasons.append(f"the line closes in {spoken(left // 1000 * 1000)}; waiting ends then")
    language = _language(who, call, number, site)
    text, spoken_in = in_language(message, language, site.language)
    return Decision(
        ladder=Ladder(head_start, steps, max_wait, tuple(reasons), exit_to),
        tier=tier.name,
        customer_tier=own.tier,
        skills=skills,
        language=language,
        trusted=trusted,
        greet_by_name=_greets(customer, trust, tier.greet_by_name and trusted, site),
        closed=closed,
        message=text,
        flags=flags,
        closes=closes,
        later=later,
        message_language=spoken_in,
    )


def transfer_to_agent(
    agent_id: str, agent_groups: Mapping[str, int], skills: Iterable[str], head_start_ms: int, site: SitePlan
) -> Ladder:
    """The agent for `owner_wait` (at once past one who is away), then that agent's groups, best level first.

    An agent without a group of this plan: the default tier's last step.
    """
    needed = tuple(skills)
    groups = sorted((name for name in agent_groups if name in site.groups), key=lambda name: (agent_groups[name], name))
    first = Step("agent", (agent_lane(agent_id),), wait_ms=site.timing.owner_wait, when_busy="wait")
    last = Step("group", tuple(lane(name, needed) for name in groups)) if groups else _last_resort(needed, site)
    return Ladder(head_start_ms, (first, last), site.max_wait, (f"transferred to {agent_id}",), site.exit)


def transfer_to_group(group: str, skills: Iterable[str], head_start_ms: int, site: SitePlan) -> Ladder:
    """One step that waits for the group; KeyError when the plan has none of that name."""
    if group not in site.groups:
        raise KeyError(group)
    steps = (Step(group, (lane(group, tuple(skills)),)),)
    return Ladder(head_start_ms, steps, site.max_wait, (f"transferred to group {group}",), site.exit)


def _last_resort(skills: tuple[str, ...], site: SitePlan) -> Step:
    rung = site.rungs[site.tier(site.default_tier).ladder][-1]
    return Step(rung.name, tuple(lane(group, skills) for group in rung.to or ()))


def _steps(
    rungs: tuple[Rung, ...], vip: Customer | None, skills: tuple[str, ...], site: SitePlan, reasons: list[str]
) -> Iterator[Step]:
    """The rungs as steps; those that ask for an owner or cover this caller has not are left out, and it is said."""
    for rung in rungs:
        if rung.kind == "owner":
            if vip is None or vip.owner is None:
                reasons.append(f"step {rung.name} skipped: no owner")
                continue
            yield Step(
                rung.name,
                (agent_lane(vip.owner),),
                wait_ms=site.timing.owner_wait if rung.wait is None else rung.wait,
                when_busy=rung.when_busy or "ask",
                default_choice=site.question.default,
            )
        elif rung.kind == "cover":
            cover = tuple(agent for agent in vip.cover if agent != vip.owner) if vip else ()
            if not cover:
                reasons.append(f"step {rung.name} skipped: no cover")
                continue
            yield Step(rung.name, tuple(agent_lane(agent) for agent in cover), rung.wait or 0, rung.max_waiting)
        else:
            yield Step(rung.name, tuple(lane(group, skills) for group in rung.to or ()), rung.wait, rung.max_waiting)


def lane_skills(who: Customer | None, call: CallFacts, site: SitePlan) -> tuple[tuple[str, ...], list[str]]:
    """What every lane asks for, most important first (language, call, number, customer), and what was left out."""
    number = site.numbers.get(call.to)
    language = _language(who, call, number, site)
    notes: list[str] = []
    wanted: list[str] = []
    if not _same_language(language, site.language):
        trained = _trained(language, site)
        wanted += [trained] if trained else []
        notes += [] if trained else [f"no skill for language {language}: served in {site.language}"]
    wanted += [*call.skills, *(number.skills if number else ()), *(who.skills if who else ())]
    wanted = list(dict.fromkeys(wanted))
    unknown = [skill for skill in wanted if skill not in site.skills]
    known = [skill for skill in wanted if skill in site.skills]
    if unknown:
        notes.append(f"the plan has no skill {', '.join(unknown)}: not asked for")
    if len(known) > MAX_SKILLS:
        notes.append(f"at most {MAX_SKILLS} skills a call: {', '.join(known[MAX_SKILLS:])} not asked for")
    return tuple(known[:MAX_SKILLS]), notes


def _language(who: Customer | None, call: CallFacts, number: Number | None, site: SitePlan) -> str:
    """What was chosen on this call, else what the number is for, else what the customer speaks, else the site's."""
    return call.language or (number and number.language) or (who and who.language) or site.language


def _same_language(one: str, other: str) -> bool:
    """`en-US` is served by a site in `en`; `zh-TW` is not by one in `zh-CN`."""
    one, other = one.lower(), other.lower()
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


def _trained(language: str, site: SitePlan) -> str | None:
    """The declared skill for a language: the very one, else its base."""
    declared = {skill.lower(): skill for skill in site.skills}
    return declared.get(language.lower()) or declared.get(language.lower().partition("-")[0])


def _greets(caller: Caller | None, trust: str, allowed: bool, site: SitePlan) -> bool:
    """Whether the caller may be greeted by name: known for sure, alone on the number, and the number believed."""
    if caller is None or caller.shared or not caller.customer.name:
        return False
    return allowed and trust in site.trust.greet_by_name


def _why_better(said: str | None, trust: str) -> str:
    if trust == "vouched":
        return "numbers of that country are not attested: believed as it is"
    return f"this number has reached the customer before: counts as {trust}, not as {said}"


def _summary(who: Customer | None, vip: Customer | None, tier: str, head_start: int) -> str:
    parts = [f"{tier} customer {who.customer_id}" if who else f"unknown caller, {tier}"]
    if vip and vip.owner:
        parts.append(f"owner {vip.owner}")
    return ", ".join([*parts, f"head start {head_start // 1000} s"])


def _until_closing(hours: Hours, site: SitePlan, now: datetime) -> int:
    """Whole ms until the line closes, at least 1; `max_wait` when that comes first."""
    closing = closes_at(hours, site.timezone, now, timedelta(milliseconds=site.max_wait))
    return site.max_wait if closing is None else max(1, (closing - now) // timedelta(milliseconds=1))


def _why_closed(hours: Hours, site: SitePlan, now: datetime) -> str:
    holiday = holiday_name(hours, site.timezone, now)
    return f"the line is closed: {holiday}" if holiday else "the line is closed at this hour"
