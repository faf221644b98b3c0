"""Calls as telephony tells of them: they come, something happens on the line, the caller answers a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from config.models import SitePlan, Trust
from config.values import Language
from router.api import idempotency
from router.api.call_shapes import Call, CallState, CallSummary
from router.api.call_view import call_reply, call_summaries, read, shown
from router.api.callbacks import callable_number
from router.api.ids import CallId, Lane, Name, OfferId
from router.api.paging import Page, cut
from router.api.problem import Problem, busy, invalid
from router.api.reply import Reply
from router.api.route import AGENT, SUPERVISOR, TELEPHONY, Ctx, Routes
from router.api.shapes import Body, Instant, Listing, listing
from router.callbacks import is_callback, keep_place
from router.domain.errors import ChoiceGone, OfferGone, PlanMoved, WrongState
from router.domain.events import CALL_STATES
from router.relay import live_calls
from router.routing import Incoming, route
from router.site import Site
from router.store.rows import CallFacts, CallRow

calls = Routes("Calls")

Number = Annotated[str, StringConstraints(max_length=256)]
Scalar = Annotated[str, StringConstraints(max_length=2_000)] | int | float | bool | None
AttributeName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class NewCall(Body):
    """`trust` left out: the platform vouches for the number."""

    model_config = ConfigDict(validate_by_name=False, validate_by_alias=True)

    call_id: CallId
    from_: Number | None = Field(alias="from", description="as the carrier sends it; null or `anonymous` when withheld")
    to: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    language: Language | None = None
    skills: Annotated[tuple[Name, ...], Field(max_length=16)] = ()
    trust: Trust | None = None
    attributes: Annotated[dict[AttributeName, Scalar], Field(max_length=50)] = Field(default_factory=dict)


class CallEvent(Body):
    event_id: EventId
    type: Literal["digits", "answered", "bridged", "hangup"]
    leg: Literal["caller", "agent"] | None = None
    offer_id: OfferId | None = None
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9*#A-Da-d]{1,64}$")] | None = None
    reason: Literal["normal", "busy", "no_answer", "declined", "device", "network"] = "normal"
    at: Instant | None = None


class ChoiceMade(Body):
    choice: Literal["wait", "transfer", "callback"]


class CallQuery(Page):
    state: CallState | None = None
    lane: Lane | None = None
    tier: Name | None = None
    agent: Name | None = None


@calls.post("/v1/calls", roles=TELEPHONY, answers={201: Call, 200: Call}, refusals=(422, 503))
async def create_call(ctx: Ctx, body: NewCall) -> Reply:
    """A call has come in: it is recognised, gets its ladder and is matched at once. 200: it was here before."""
    _check_skills(ctx.site.plan, body.skills)
    incoming = Incoming(
        call_id=body.call_id,
        from_=body.from_,
        to=body.to,
        language=body.language,
        skills=body.skills,
        trust=body.trust,
        attributes=body.attributes,
    )
    try:
        routed = await route(ctx.site, incoming)
    except PlanMoved:
        raise busy("plan-moved", "The plan keeps changing; send the call again.") from None
    return await call_reply(ctx, body.call_id, 201 if routed.created else 200)


@calls.get("/v1/calls", roles=TELEPHONY | SUPERVISOR, answers={200: Listing[CallSummary]}, refusals=(422,))
async def list_calls(ctx: Ctx, query: CallQuery) -> Reply:
    """Calls that have not ended, by id; timelines are on each call's own page."""
    if query.state == "ended":
        raise invalid("/state", "ended calls are not listed; each stands at /v1/calls/{call_id} for `retain_ended`")
    found: set[str] = set()
    async for call_ids in live_calls(ctx.site):
        found.update(await _matching(ctx.site, call_ids, query))
    ids, cursor = cut(sorted(found), query)
    return Reply.json(listing(await call_summaries(ctx.site, ids), cursor))


@calls.get("/v1/calls/{call_id}", roles=TELEPHONY | SUPERVISOR | AGENT, answers={200: Call}, refusals=(404,))
async def get_call(ctx: Ctx) -> Reply:
    """One call, with the timeline that explains every decision."""
    return await shown(ctx, await read(ctx, ctx.call_id))


@calls.post("/v1/calls/{call_id}/events", roles=TELEPHONY, answers={200: Call}, refusals=(404, 409, 422))
async def call_event(ctx: Ctx, body: CallEvent) -> Reply:
    """Something happened on the line. Sent twice with the same `event_id`, it happens once."""
    name = idempotency.scope(body.event_id.encode().hex(), "event", ctx.call_id, "")

    async def act() -> Reply:
        await _happen(ctx, await read(ctx, ctx.call_id), body)
        return Reply.nothing()

    async def same() -> str:
        return ""

    done = await idempotency.once(ctx.site.channel, ctx.site.keys.own(f"y:{name}"), same, act)
    return done if done.status >= 400 else await call_reply(ctx, ctx.call_id)


@calls.post("/v1/calls/{call_id}/choice", roles=TELEPHONY, answers={200: Call}, refusals=(404, 409, 422))
async def choose(ctx: Ctx, body: ChoiceMade) -> Reply:
    """The caller's answer to the owner-busy question. 409 `choice-gone` when it is over."""
    if body.choice not in ctx.site.plan.question.options:
        raise invalid("/choice", "the plan does not offer this choice")
    if body.choice != "callback":
        await ctx.site.engine.choose(ctx.call_id, body.choice)
        return await call_reply(ctx, ctx.call_id)
    row = await read(ctx, ctx.call_id)
    if row.state != "choosing" and row.outcome != "callback":
        raise ChoiceGone
    phone = callable_number(ctx.site, row, "/choice") if row.state == "choosing" else None
    try:
        await keep_place(ctx.site, row, phone)
    except WrongState:
        raise ChoiceGone from None
    return await call_reply(ctx, ctx.call_id)


async def _happen(ctx: Ctx, row: CallRow, event: CallEvent) -> None:
    engine, call_id = ctx.site.engine, row.call_id
    if event.type == "digits":
        # Keys mean something to a menu; a platform that has one of its own sends the choice itself.
        if event.digits is None:
            raise invalid("/digits", "needed for an event of type digits")
    elif event.type == "answered" and (event.leg or ("caller" if is_callback(row) else "agent")) == "agent":
        await engine.accept_offer(call_id, _agent_of(row, event), _offer_of(row, event))
    elif event.type in ("answered", "bridged"):
        await engine.connect_call(call_id, _offer_of(row, event))
    elif event.leg != "agent":
        await engine.abandon_call(call_id)
    elif row.state == "connected" and event.reason in ("device", "network"):
        await engine.lose_leg(call_id, _offer_of(row, event), event.reason)
    elif row.state == "connected" or row.state == "ended":
        await engine.complete_call(call_id, offer_id=_offer_of(row, event))
    else:
        cause = "declined" if event.reason == "normal" else event.reason
        await engine.fail_leg(call_id, _offer_of(row, event), cause)


def _offer_of(row: CallRow, event: CallEvent) -> str:
    """The offer the event is about. Only a callback's dial may leave it out: it has one at a time."""
    if event.offer_id is not None:
        return event.offer_id
    if is_callback(row) and row.offer_id is not None:
        return row.offer_id
    raise invalid("/offer_id", "say which offer this is about")


def _agent_of(row: CallRow, event: CallEvent) -> str:
    offer_id = _offer_of(row, event)
    if row.agent_id is None or row.offer_id != offer_id:
        raise OfferGone
    return row.agent_id


async def _matching(site: Site, call_ids: Sequence[str], query: CallQuery) -> list[str]:
    """Those the query means, by four fields each: the whole of them is read for one page only."""
    wanted = [("HMGET", site.keys.call(call_id), "st", "ln", "mx", "ag") for call_id in call_ids]
    found = []
    for call_id, fields in zip(call_ids, await site.channel.call_many(wanted), strict=True):
        letter, lanes, facts, agent_id = ((field or b"").decode() for field in fields)
        if (
            query.state in (None, CALL_STATES.get(letter))
            and query.tier in (None, CallFacts.parse(facts).tier)
            and query.agent in (None, agent_id)
            and (query.lane is None or query.lane in lanes.split())
            and letter not in ("", "e")
        ):
            found.append(call_id)
    return found


def _check_skills(plan: SitePlan, skills: tuple[str, ...]) -> None:
    errors = [
        {"pointer": f"/skills/{place}", "detail": "the plan has no such skill"}
        for place, skill in enumerate(skills)
        if skill not in plan.skills
    ]
    if errors:
        raise Problem(422, "invalid", f"{errors[0]['pointer']}: {errors[0]['detail']}", errors=errors)
