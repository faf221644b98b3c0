"""Callbacks that keep the caller's place. Booking a time comes with slots; until then `scheduled` is a 422."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from router.api.etag import check_preconditions, not_modified, tag_of
from router.api.ids import CallId, Name
from router.api.paging import Page, cut
from router.api.problem import Problem, invalid, not_found
from router.api.reply import Reply
from router.api.route import SUPERVISOR, TELEPHONY, Ctx, Routes
from router.api.shapes import Answer, Body, Instant, Listing, Reason, When, listing
from router.api.times import ms_of, rfc3339
from router.callbacks import callback_id_of, dialled, is_theirs, keep_place, state_of
from router.domain.errors import UnknownCall, WrongState
from router.site import Site
from router.store.rows import CallRow

callbacks = Routes("Callbacks")

CallbackState = Literal[
    "booked", "due", "waiting", "dialling", "connected", "done", "missed", "superseded", "cancelled"
]


class NewCallback(Body):
    kind: Literal["scheduled", "keep_place"]
    call_id: CallId | None = None
    customer_id: Name | None = None
    phone: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(
        None, description="where to call; left out: the number the call came from"
    )
    at: Instant | None = None
    agent_id: Name | None = None
    topic: Reason = ""


class CallbackChange(Body):
    at: Instant | None = None
    agent_id: Name | None = None
    topic: Reason | None = None


class CallbackQuery(Page):
    agent: Name | None = None
    state: CallbackState | None = None
    from_: Instant | None = Field(None, alias="from", description="booked at or after")


class Callback(Answer):
    callback_id: str = Field(description="also the id of the call it becomes")
    kind: Literal["keep_place"]
    state: CallbackState
    call_id: str | None = Field(description="the call whose place it keeps")
    customer_id: str | None
    phone: str | None
    agent_id: str | None
    topic: str
    booked_at: When
    accepted_at: When = Field(description="when the caller came; the place counts from here")


@callbacks.post(
    "/v1/callbacks", roles=TELEPHONY | SUPERVISOR, answers={201: Callback, 200: Callback}, refusals=(404, 409, 422)
)
async def book(ctx: Ctx, body: NewCallback) -> Reply:
    """Call this caller back instead of having them wait; the place is kept. 200: it was booked before."""
    if body.kind == "scheduled":
        raise invalid("/kind", "there are no slots yet; keep_place is what can be booked")
    if body.call_id is None:
        raise invalid("/call_id", "say whose place is kept")
    for name in ("at", "agent_id", "customer_id"):
        if getattr(body, name) is not None:
            raise invalid(f"/{name}", "belongs to kind scheduled; a kept place is called when its turn comes")
    row = await ctx.site.engine.read_call(body.call_id)
    if row is None:
        raise UnknownCall
    callback_id = callback_id_of(body.call_id)
    if await ctx.site.engine.read_call(callback_id) is not None:
        return await _reply(ctx, callback_id)
    theirs = body.phone is not None and await is_theirs(ctx.site, row.meta, body.phone)
    phone = callable_number(ctx.site, row, "/phone", body.phone, theirs)
    return await _reply(ctx, await keep_place(ctx.site, row, phone, body.topic), 201)


@callbacks.get("/v1/callbacks", roles=TELEPHONY | SUPERVISOR, answers={200: Listing[Callback]}, refusals=(422,))
async def list_callbacks(ctx: Ctx, query: CallbackQuery) -> Reply:
    """Callbacks, by id."""
    booked = dict(await ctx.site.callbacks.since(None if query.from_ is None else ms_of(query.from_)))
    rows = await ctx.site.engine.read_calls(list(booked)) if booked else []
    found = {
        row.call_id: callback_body(row, booked[row.call_id])
        for row in rows
        if row is not None and query.agent in (None, row.agent_id) and query.state in (None, state_of(row))
    }
    ids, cursor = cut(sorted(found), query)
    return Reply.json(listing([found[callback_id] for callback_id in ids], cursor))


@callbacks.get(
    "/v1/callbacks/{callback_id}",
    roles=TELEPHONY | SUPERVISOR,
    answers={200: Callback, 304: None},
    refusals=(404,),
)
async def get_callback(ctx: Ctx) -> Reply:
    """One callback."""
    return await _reply(ctx, ctx.ids["callback_id"])


@callbacks.patch(
    "/v1/callbacks/{callback_id}", roles=SUPERVISOR, answers={200: Callback}, refusals=(404, 409, 412, 422)
)
async def change(ctx: Ctx, body: CallbackChange) -> Reply:
    """Move a callback to another time or agent. One that keeps a place has neither, so this is a 409."""
    row, booked_ms = await _find(ctx)
    check_preconditions(ctx.request, _etag(callback_body(row, booked_ms)))
    raise Problem(409, "place-kept", "This callback keeps a place in line; it is called when its turn comes.")


@callbacks.delete(
    "/v1/callbacks/{callback_id}", roles=TELEPHONY | SUPERVISOR, answers={204: None}, refusals=(404, 409, 412)
)
async def cancel(ctx: Ctx) -> Reply:
    """Cancel a callback that has not been reached yet."""
    row, booked_ms = await _find(ctx)
    check_preconditions(ctx.request, _etag(callback_body(row, booked_ms)))
    if state_of(row) == "cancelled":
        return Reply.nothing()
    if row.state == "ended":
        raise WrongState("The callback is over.")
    await ctx.site.engine.cancel_callback(row.call_id)
    return Reply.nothing()


def callback_body(row: CallRow, booked_ms: int) -> dict[str, Any]:
    customer = row.meta.get("customer") or {}
    return {
        "callback_id": row.call_id,
        "kind": "keep_place",
        "state": state_of(row),
        "call_id": row.meta.get("call_id"),
        "customer_id": customer.get("customer_id"),
        "phone": row.meta.get("phone"),
        "agent_id": row.agent_id,
        "topic": row.meta.get("topic", ""),
        "booked_at": rfc3339(booked_ms),
        "accepted_at": rfc3339(row.facts.accepted_ms),
    }


async def _find(ctx: Ctx) -> tuple[CallRow, int]:
    callback_id = ctx.ids["callback_id"]
    booked_ms = await ctx.site.callbacks.booked_at(callback_id)
    row = None if booked_ms is None else await ctx.site.engine.read_call(callback_id)
    if row is None or booked_ms is None:
        raise not_found("unknown-callback", "No such callback here.")
    return row, booked_ms


async def _reply(ctx: Ctx, callback_id: str, status: int = 200) -> Reply:
    row = await ctx.site.engine.read_call(callback_id)
    booked_ms = await ctx.site.callbacks.booked_at(callback_id)
    if row is None or booked_ms is None:
        raise not_found("unknown-callback", "No such callback here.")
    body = callback_body(row, booked_ms)
    if ctx.request.method == "GET" and not_modified(ctx.request, _etag(body)):
        return Reply(304, headers={"ETag": _etag(body)})
    return Reply.json(body, status, etag=_etag(body))


def callable_number(site: Site, row: CallRow, where: str, phone: str | None = None, theirs: bool = False) -> str:
    """The number a callback of this call dials; a 422 at `where` if none may be."""
    number, why = dialled(row.meta, site.plan, phone, theirs)
    if why:
        raise invalid(where, why)
    return number


def _etag(body: dict[str, Any]) -> str:
    return tag_of(repr(sorted(body.items())))
