"""A call made ready for the API, and for whom (call_shapes.py says what it looks like)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from config.parts import in_language
from router.api.problem import Problem
from router.api.reply import Reply
from router.api.route import Ctx
from router.api.times import rfc3339
from router.callbacks import dialled
from router.domain.errors import UnknownCall
from router.domain.events import Event, Told
from router.domain.judging import Estimate
from router.domain.timeline import tell
from router.routing import language_of
from router.site import Site
from router.store.rows import KINDS, CallFacts, CallRow

LOOKED_AT = 200
"""Calls ahead that are looked at for who came later."""
TOLD = frozenset({"rejected", "overflowed_out"})


async def read(ctx: Ctx, call_id: str) -> CallRow:
    """The call, if it exists and the token may see it."""
    row = await ctx.site.engine.read_call(call_id)
    if row is None:
        raise UnknownCall
    # An agent sees the calls offered to it, and those it has talked to.
    if ctx.token.role == "agent" and row.agent_id != ctx.token.agent_id:
        raise Problem(403, "wrong-agent", "An agent sees only calls that are offered to it.")
    return row


async def call_reply(ctx: Ctx, call_id: str, status: int = 200) -> Reply:
    """The call after what was just done with it, to whoever did it."""
    row = await ctx.site.engine.read_call(call_id)
    if row is None:
        raise UnknownCall
    return await shown(ctx, row, status)


async def shown(ctx: Ctx, row: CallRow, status: int = 200) -> Reply:
    return Reply.json(await call_body(ctx.site, row, with_profile=ctx.token.role != "telephony"), status)


async def call_summary(site: Site, row: CallRow, events: Sequence[Event] = ()) -> dict[str, Any]:
    """What a list shows of a call."""
    customer = row.meta.get("customer")
    return {
        "call_id": row.call_id,
        "kind": KINDS[row.facts.kind],
        "state": row.state,
        "outcome": row.outcome,
        "customer": None if customer is None else _customer(customer, row.meta),
        "tier": row.facts.tier,
        "step": row.step.name or None,
        "lanes": list(row.lanes) if row.state != "ended" else [],
        "position": await site.engine.position(row),
        "accepted_at": rfc3339(row.facts.accepted_ms),
        "waited_ms": _waited_ms(row, events, site.now_ms()),
        "agent_id": row.agent_id,
    }


async def call_summaries(site: Site, call_ids: Sequence[str]) -> list[dict[str, Any]]:
    """What a list shows of these calls; one that is gone meanwhile is left out."""
    rows = await site.engine.read_calls(list(call_ids)) if call_ids else []
    return await asyncio.gather(*(call_summary(site, row) for row in rows if row is not None))


async def call_body(site: Site, row: CallRow, *, with_profile: bool) -> dict[str, Any]:
    """The whole of a call, timeline included."""
    events = await site.history.read(row.call_id)
    summary = await call_summary(site, row, events)
    meta = row.meta
    offered = row.state in ("offered", "connected") and row.offer_id is not None
    details = {
        "estimate_ms": estimate_shown(await site.estimates.of(row)),
        "choice": _choice(site, row) if row.state == "choosing" else None,
        "offer": await _offer(site, row, events) if offered else None,
        "found_in": meta.get("found_in"),
        "greet_by_name": bool(meta.get("greet_by_name")),
        "flags": list(meta.get("flags", ())),
        "passed_by": await _passed_by(site, row),
        "announced": await _announced(site, row, events),
        "chosen": _chosen(events),
        "survey": int(answer) if (answer := str(meta.get("survey", ""))).isdecimal() else None,
        "exit": meta.get("exit"),
        "message": await _message(site, row) if row.outcome in TOLD else None,
        "callback_id": _callback_id(row, events),
        "notes": meta.get("notes") if with_profile else None,
        "profile": _profile(row, events) if with_profile and meta.get("customer") else None,
        "timeline": [
            {"seq": told.seq, "at": rfc3339(told.at_ms), "event": told.event, "why": told.why}
            for told in tell([event.with_words(meta) for event in events], row.call_id)
        ],
    }
    return summary | details


async def _passed_by(site: Site, row: CallRow) -> str | None:
    """One sentence on those ahead who have waited for less; None when there are none."""
    if row.letter not in "qw" or not row.lanes or row.step.lanes == 0:
        return None
    lane, better = site.keys.lane(row.lanes[-row.step.lanes]), f"({row.rank}"
    ahead = await site.channel.call("ZRANGE", lane, "-inf", better, "BYSCORE", "LIMIT", 0, LOOKED_AT)
    packed = await site.channel.call_many([("HGET", site.keys.call(one.decode()), "mx") for one in ahead])
    found = [CallFacts.parse(facts.decode()) for facts in packed if isinstance(facts, bytes)]
    later = Counter(facts.tier for facts in found if facts.accepted_ms > row.facts.accepted_ms)
    if not later:
        return None
    tiers = ", ".join(f"{count} {tier}" for tier, count in sorted(later.items()))
    return f"{later.total()} who came later stand before it, by a longer head start or a boost: {tiers}"


async def _announced(site: Site, row: CallRow, events: Sequence[Event]) -> dict[str, Any] | None:
    """While the call lasts from what is kept with it, later from what happened to it."""
    kept = await site.channel.call("HGET", site.keys.documents(row.call_id), "told")
    told = Told.parse(kept.decode()) if kept else None
    told = told or next((event.told for event in reversed(events) if event.told), None)
    return None if told is None else {"p50": told.p50_ms, "p90": told.p90_ms, "at": rfc3339(told.at_ms)}


def _chosen(events: Sequence[Event]) -> str | None:
    ends = [event.fields for event in events if event.type == "call.ended"]
    if any((end.get("was"), end.get("outcome")) == ("q", "callback") for end in ends):
        return "callback"
    own = [event for event in events if event.type == "call.choice" and event.fields.get("by") == "caller"]
    return own[-1].fields.get("choice") if own else None


async def _message(site: Site, row: CallRow) -> str | None:
    """What who was sent away heard: the closed queue's own words, else the plan's."""
    view = await site.engine.view_call(row.call_id)
    if view is None or not view.closing:
        return row.meta.get("message")
    return in_language(view.closing, language_of(row.meta, site.plan), site.plan.language)[0]


def _waited_ms(row: CallRow, events: Sequence[Event], now_ms: int) -> int:
    """The promise clock: until the first talk, or the end, or now. Without the events a talk began with its offer."""
    until = next((event.at_ms for event in events if event.type == "call.connected"), None)
    if until is None and row.state == "connected" and row.offer_id is not None:
        until = int(row.offer_id.partition("-")[0])
    return max(0, (until or row.ended_ms or now_ms) - row.facts.accepted_ms)


def _choice(site: Site, row: CallRow) -> dict[str, Any]:
    options = site.plan.question.options
    if dialled(row.meta, site.plan)[1]:
        options = tuple(one for one in options if one != "callback")
    return {
        "options": list(options),
        "default": row.step.when_busy.partition(":")[2] or "transfer",
        "expires_at": rfc3339(row.step.due_ms or row.facts.accepted_ms),
    }


async def _offer(site: Site, row: CallRow, events: Sequence[Event]) -> dict[str, Any]:
    taken = ("call.accepted_offer", "call.connected")
    accepted = [event.at_ms for event in events if event.type in taken and event.fields.get("offer") == row.offer_id]
    due = None
    if row.letter == "o":
        due = await site.channel.call("ZSCORE", site.keys.deadlines, f"a:{row.agent_id}")
    return {
        "offer_id": row.offer_id,
        "agent_id": row.agent_id,
        "expires_at": None if due is None else rfc3339(int(float(due))),
        "accepted_at": rfc3339(accepted[0]) if accepted else None,
    }


def estimate_shown(estimate: Estimate | None) -> dict[str, int] | None:
    return None if estimate is None else {"p50": estimate.p50_ms, "p90": estimate.p90_ms}


def _customer(customer: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": customer["customer_id"],
        "name": customer.get("name", ""),
        "tier": meta.get("customer_tier", ""),
    }


def _callback_id(row: CallRow, events: Sequence[Event]) -> str | None:
    booked = (event for event in events if event.type == "callback.booked" and event.fields.get("old") == row.call_id)
    return next((event.fields.get("call") for event in booked), None)


def _profile(row: CallRow, events: Sequence[Event]) -> dict[str, Any]:
    meta = row.meta
    customer = meta["customer"]
    contacts = [contact | {"at": rfc3339(contact["at"])} for contact in meta.get("contacts", [])]
    follow_up = contacts[0] if contacts and contacts[0]["outcome"] == "follow_up" else None
    return {
        "title": customer.get("title", ""),
        "language": customer.get("language"),
        "account": customer.get("account"),
        "tags": list(customer.get("tags", [])),
        "notes": customer.get("notes", ""),
        "contacts": contacts,
        "open_issue": follow_up,
        "came_by": [told.why for told in tell(events, row.call_id) if told.event in ("call.accepted", "call.offered")],
    }
