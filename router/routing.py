"""A call comes in: who is it, what does the plan say, where does it go. One look-up, one script."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from config.models import SitePlan
from router.directory.lookup import LookUp
from router.directory.meeting import Meeting
from router.directory.phones import CallerIdentity, identify
from router.directory.record import customer_of
from router.domain.customer import Caller, CallFacts, Customer
from router.domain.errors import PlanMoved
from router.domain.policy import Decision, decide
from router.domain.standing import ATTESTATION_FAILED
from router.site import Site
from router.store.call_transitions import Routed
from router.store.rows import know_meta

TRIES = 8
SHOWN_CONTACTS = 5


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call as telephony tells of it. `from_` is what the carrier sent, None when withheld.

    `provider`: whose adapter carries it; empty when its media are elsewhere.
    """

    call_id: str
    from_: str | None
    to: str
    language: str | None = None
    skills: tuple[str, ...] = ()
    trust: str | None = None
    proof: str | None = None
    attributes: Mapping[str, Any] | None = None
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who the number may belong to. `facts`: the call as the policy sees it."""

    identity: CallerIdentity
    found: LookUp
    facts: CallFacts


async def route(site: Site, incoming: Incoming) -> Routed:
    """Identify, decide, enter the ladder. Raises PlanMoved when the plan keeps changing, SiteFull."""
    return await enter(site, incoming, await recognise(site, incoming))


async def recognise(site: Site, incoming: Incoming) -> Recognised:
    """One look-up; never raises."""
    plan = site.plan
    region = plan.region
    identity = identify(incoming.from_, region)
    found = await site.directory.look_up(identity, Meeting.of(incoming.call_id, plan))
    facts = CallFacts(
        call_id=incoming.call_id,
        from_number=identity.key if identity.known else None,
        to=dialled(incoming.to, region),
        language=incoming.language,
        skills=incoming.skills,
        trust=incoming.trust,
        proof=incoming.proof,
        recent=found.recent,
    )
    site.local.looked_up(found.source, found.elapsed_ms, found.missed)
    return Recognised(identity, found, facts)


async def enter(
    site: Site, incoming: Incoming, known: Recognised, kind: str = "api", step: str = "", question_ms: int | None = None
) -> Routed:
    """Decide, enter the ladder. `kind`: `adapter` where we carry the call ourselves. Raises PlanMoved, SiteFull.

    `question_ms`: how long the owner-busy question stands, where not as long as the plan says.
    `step`: the carrier's request that asks for it; raises StepRepeated, StepGone then, too.
    Only a number that is believed takes over the place of its earlier call: else whoever fakes it gets the place.
    """
    found = known.found
    for _ in range(TRIES):
        active, began = site.active, time.perf_counter()
        caller = found.caller(active.plan)
        decision = decide(caller, known.facts, active.plan, datetime.now(UTC))
        candidate = found.candidate(caller.customer.customer_id) if caller else None
        now_ms = int(time.time() * 1000)
        last = candidate.last_agent(active.plan.prefer_last_agent, now_ms) if candidate and decision.trusted else None
        await site.engine.know_lanes(decision.later)
        try:
            routed = await site.engine.route_call(
                incoming.call_id,
                decision.ladder,
                kind=kind,
                plan_version=active.version,
                identity=known.identity.key if decision.trusted else "",
                last_agent=last or "",
                meta=pack(incoming, known.identity, known.facts, caller, decision, found),
                why="; ".join(decision.ladder.reasons),
                tier=decision.tier,
                step=step,
                question_ms=question_ms,
            )
            site.local.decided(time.perf_counter() - began)
            return routed
        except PlanMoved:
            step = ""  # taken by now
            await site.keeper.catch_up()
    raise PlanMoved


@lru_cache(maxsize=1_024)
def dialled(number: str, region: str) -> str:
    """The number dialled as the plan lists it: E.164 where it is one."""
    identity = identify(number, region)
    return identity.key if identity.kind == "number" else number


def language_of(meta: Mapping[str, Any], plan: SitePlan) -> str:
    """As the policy decides it: chosen on this call, of the number dialled, the customer's, the site's."""
    number = plan.numbers.get(str(meta.get("to") or ""))
    customer = meta.get("customer") or {}
    return str(meta.get("language") or (number and number.language) or customer.get("language") or plan.language)


def pack(
    incoming: Incoming,
    identity: CallerIdentity,
    facts: CallFacts,
    caller: Caller | None,
    decision: Decision,
    found: LookUp,
    asked: str = "",
) -> str:
    """What the hot path never reads: all that a new plan, an agent's screen or a callback needs to know again.

    `asked`: what the caller is about to prove, see ivr/desk. Where the network says that the number is faked nobody is
    taken for its customer, by whoever reads this; `claimed_id` only says whose it is.
    """
    if caller and ATTESTATION_FAILED in decision.flags and not facts.proof:
        claimed, caller = caller.customer.customer_id, None
    else:
        claimed = ""
    customer = caller.customer if caller else None
    candidate = found.candidate(customer.customer_id) if customer else None
    meta: dict[str, Any] = {
        "from": incoming.from_,
        "identity": identity.key,
        "trusted": decision.trusted,
        "to": facts.to,
        "language": facts.language,
        "skills": list(facts.skills),
        "trust": facts.trust,
        "proof": facts.proof,
        "flags": list(decision.flags),
        "attributes": dict(incoming.attributes or {}),
        "provider": incoming.provider,
        "found_in": found.source,
        "customer": _compact(customer) if customer else None,
        "shared": caller.shared if caller else False,
        "reached": caller.reached if caller else False,
        "customer_tier": decision.customer_tier,
        "greet_by_name": decision.greet_by_name,
        "needs": list(decision.skills),
        "head_start_ms": decision.ladder.head_start_ms,
        "exit": decision.ladder.exit,
        "message": decision.message,
        "message_language": decision.message_language,
        "contacts": [
            {
                "at": contact.at,
                "agent_id": contact.agent_id or None,
                "outcome": contact.outcome,
                "call_id": contact.call_id,
            }
            for contact in (candidate.contacts[:SHOWN_CONTACTS] if candidate else ())
        ],
    }
    meta |= {name: value for name, value in (("asked", asked), ("claimed_id", claimed)) if value}
    if decision.closes:
        meta["closes"] = True
    if decision.later:
        lanes = dict.fromkeys(lane for step in decision.later for lane in step.lanes)
        meta["later"] = f"{decision.later[-1].name};{' '.join(lanes)}"
    text = json.dumps(meta, ensure_ascii=False, separators=(",", ":"))
    know_meta(text, meta)
    return text


def unpack(call_id: str, meta: Mapping[str, Any]) -> tuple[Caller | None, CallFacts]:
    """The caller and the call as they were when it was routed."""
    stored = meta.get("customer")
    shared, reached = bool(meta.get("shared")), bool(meta.get("reached"))
    caller = Caller(customer_of(stored), shared, reached) if stored else None
    facts = CallFacts(
        call_id=call_id,
        from_number=meta.get("identity") or None,
        to=meta.get("to", ""),
        language=meta.get("language"),
        skills=tuple(meta.get("skills", ())),
        trust=meta.get("trust"),
        proof=meta.get("proof"),
        flags=tuple(meta.get("flags", ())),
    )
    return caller, facts


def _compact(customer: Customer) -> dict[str, Any]:
    """The customer without what is empty."""
    found = {name: getattr(customer, name) for name in Customer.__dataclass_fields__}
    compact: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if value not in (None, "", ())
    }
    compact |= {name: asdict(part) for name in ("account", "value_parts") if (part := compact.get(name))}
    return compact
