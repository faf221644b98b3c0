"""Customers: one by one, by number, or a whole file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from config.people import CustomerSeed, CustomerWrite, OnlyPin, pin_of
from router.api import idempotency
from router.api.body import parse_json, parse_value
from router.api.etag import check_preconditions, expected_version, is_conditional, not_modified
from router.api.paging import Page, bad_cursor, cursor_at
from router.api.problem import Problem, invalid
from router.api.reply import Reply
from router.api.route import ADMIN, SUPERVISOR, Ctx, Routes, idempotency_key
from router.api.shapes import Answer, Listing, listing
from router.directory.customers import ABSENT
from router.directory.errors import UnknownCustomer
from router.directory.importing import ImportReport, import_customers
from router.directory.phones import identify
from router.directory.pins import digest_of_secret
from router.directory.planned import check_names
from router.directory.record import Stored
from router.forget import forget
from router.site import Site

customers = Routes("Customers")

IMPORT_TYPES: dict[str, Literal["csv", "ndjson"]] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}
MAX_PHONE = 128


class CustomerQuery(Page):
    phone: str | None = Field(None, max_length=MAX_PHONE, description="everybody who has this number, in any spelling")
    number: str | None = Field(None, pattern=r"^[0-9]{3,20}$", description="whoever has this customer number")


class BadLine(Answer):
    line: int
    reason: str


class Imported(Answer):
    """Good lines are kept, whatever the others are like."""

    created: int
    updated: int
    unchanged: int
    bad: int
    bad_lines: list[BadLine] = Field(description="the first hundred, counted from 1, the header included")


@customers.put(
    "/v1/customers/{customer_id}",
    roles=SUPERVISOR,
    answers={200: CustomerSeed, 201: CustomerSeed},
    refusals=(412, 422),
    holds_pin=True,
)
async def put_customer(ctx: Ctx, body: CustomerWrite) -> Reply:
    """Create or replace a customer. A PIN is kept as a hash and never shown; left out, it stays as it is."""
    seed = CustomerSeed(customer_id=ctx.ids["customer_id"], **body.model_dump())
    check_customer(ctx.site, seed)
    current = await _version(ctx)
    check_preconditions(ctx.request, current)
    expected = expected_version(ctx.request, current, ABSENT)
    outcome, stored = await ctx.site.customers.put(seed, expected=expected, pin=pin_of(body))
    return _reply(stored, 201 if outcome == "created" else 200)


@customers.get("/v1/customers/{customer_id}", roles=SUPERVISOR, answers={200: CustomerSeed, 304: None}, refusals=(404,))
async def get_customer(ctx: Ctx) -> Reply:
    """One customer."""
    stored = await ctx.site.customers.get(ctx.ids["customer_id"])
    etag = f'"{stored.version}"'
    return Reply(304, headers={"ETag": etag}) if not_modified(ctx.request, etag) else _reply(stored)


@customers.patch(
    "/v1/customers/{customer_id}",
    roles=SUPERVISOR,
    answers={200: CustomerSeed},
    refusals=(404, 412, 415, 422),
    accepts=("application/merge-patch+json", "application/json"),
    holds_pin=True,
)
async def patch_customer(ctx: Ctx, raw: bytes) -> Reply:
    """Change some members (RFC 7386): those named are replaced, null removes one; `pin` too, which is never shown."""
    patch = parse_json(raw)
    if not isinstance(patch, dict):
        raise invalid("", "a patch is a JSON object")
    pin = parse_value(OnlyPin, {"pin": patch.pop("pin")}) if "pin" in patch else None
    current = await _version(ctx)
    check_preconditions(ctx.request, current)
    stored = await ctx.site.customers.patch(
        ctx.ids["customer_id"],
        patch,
        expected=expected_version(ctx.request, current, ABSENT),
        check=lambda seed: check_customer(ctx.site, seed),
        pin=pin_of(pin) if pin else None,
    )
    return _reply(stored)


@customers.delete("/v1/customers/{customer_id}", roles=ADMIN, answers={204: None}, refusals=(404, 412))
async def delete_customer(ctx: Ctx) -> Reply:
    """Erase the person: record, numbers, history, callbacks. Anonymous counters stay."""
    current = await _version(ctx)
    check_preconditions(ctx.request, current)
    erased = await ctx.site.customers.erase(
        ctx.ids["customer_id"], expected=expected_version(ctx.request, current, ABSENT)
    )
    await forget(ctx.site, ctx.ids["customer_id"], erased)
    return Reply.nothing()


@customers.get("/v1/customers", roles=SUPERVISOR, answers={200: Listing[CustomerSeed]}, refusals=(422,))
async def list_customers(ctx: Ctx, query: CustomerQuery) -> Reply:
    """All customers, those who share a telephone number, or whose customer number it is."""
    if query.number is not None:
        owner = await ctx.site.customers.find_owner(query.number)
        return Reply.json(listing([owner.body()] if owner else [], None))
    if query.phone is not None:
        identity = identify(query.phone, ctx.site.plan.region)
        found = (await ctx.site.customers.find(identity.key, query.limit)).customers if identity.known else ()
        return Reply.json(listing([stored.body() for stored in found], None))
    try:
        page = await ctx.site.customers.page(query.limit, query.after())
    except ValueError:
        raise bad_cursor() from None
    return Reply.json(
        listing([stored.body() for stored in page.customers], cursor_at(page.cursor) if page.cursor else None)
    )


@customers.post(
    "/v1/customers/import",
    roles=SUPERVISOR,
    answers={200: Imported},
    refusals=(413, 415, 422),
    streams=True,
    accepts=("text/csv", "application/x-ndjson"),
)
async def import_file(ctx: Ctx) -> Reply:
    """Create or replace customers from CSV with a header, or one JSON object a line; up to 512 MiB."""
    format_ = IMPORT_TYPES.get(ctx.request.content_type)
    if format_ is None:
        raise Problem(415, "not-a-list", "Send text/csv or application/x-ndjson.")
    body = _Stream(ctx.request)

    async def act() -> Reply:
        report: ImportReport = await import_customers(
            body.chunks(), format_, ctx.site.customers, check=lambda seed: check_customer(ctx.site, seed)
        )
        return Reply.json(report.body())

    key = ctx.request.headers.get("Idempotency-Key")
    if key is None:
        return await act()
    name = idempotency_key(ctx, key)
    return await idempotency.once(ctx.site.channel, name, lambda: body.digest(name), act)


def check_customer(site: Site, seed: CustomerSeed) -> None:
    """Tier and skills must be the plan's. Raises InvalidCustomer."""
    check_names(seed, site.plan)


class _Stream:
    """The body as it comes, and what tells it from another."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._digest = idempotency.BodyDigest()

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk, _ in self._request.content.iter_chunks():
            self._digest.update(chunk)
            yield chunk

    async def digest(self, salt: str) -> str:
        """Reads what has not been read yet. Lines may hold PINs, so there is no quick way back."""
        async for _ in self.chunks():
            pass
        return await digest_of_secret(self._digest.value().encode(), salt)


async def _version(ctx: Ctx) -> str | None:
    """The ETag of the customer as it is; read only when the request depends on it."""
    if not is_conditional(ctx.request):
        return None
    try:
        return f'"{(await ctx.site.customers.get(ctx.ids["customer_id"])).version}"'
    except UnknownCustomer:
        return None


def _reply(stored: Stored, status: int = 200) -> Reply:
    body: dict[str, Any] = stored.body()
    return Reply.json(body, status, etag=f'"{stored.version}"')
