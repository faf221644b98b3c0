"""Twilio's way in: verify, translate, hand over, reply.

POST /hooks/twilio/{site}/voice                      a caller is at the door (set on the phone number)
POST /hooks/twilio/{site}/status                     the caller's leg has ended (set on the phone number)
POST /hooks/twilio/{site}/fallback                   something went wrong with us (set on the phone number)
POST /hooks/twilio/{site}/{page}/{call}/{step}       where our documents send Twilio back to
POST /hooks/twilio/{site}/status-{role}/{call}/{leg} how a leg we placed is doing
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from yarl import query_to_pairs

from config.models import SitePlan
from ivr.adapter import Hearer
from ivr.desk.planned import sorry
from ivr.flow.perform import perform
from ivr.refused import Refusal, counted
from ivr.twilio.addresses import ROOT, Addresses
from ivr.twilio.documents import EMPTY, renderer
from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import Keys
from ivr.twilio.payloads import OF_AGENT, PROVIDER, WAITING, Fields, envelope_of, event_of, report_of
from ivr.twilio.signature import HEADER, SETTINGS, bases_of, has_body_hash, is_signed, read_settings
from ivr.vocabulary import HoldLeft, Role, Script
from router.logging_ import current_call, say

MAX_BODY = 64 * 1024
MAX_FIELDS = 200
READ_S = 5.0
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
XML = {"Content-Type": "text/xml; charset=utf-8"}
OF_CALLER = frozenset(
    {"menu", "identify", "pin", "question", "hold", "key", "left", "connect", "exit", "again", "survey", "over"}
)
_ROLES: Mapping[str, Role] = {"status-agent": "agent", "status-callback": "callback", "status-caller": "caller"}

log = logging.getLogger("vipline.twilio")

Render = Callable[[Script], bytes]


@dataclass(frozen=True, slots=True)
class HookedSite:
    """What one site's hooks work with. `keys` and `plan` are those of the moment."""

    desk: Hearer
    gateway: TwilioGateway
    keys: Callable[[], Keys]
    plan: Callable[[], SitePlan]


@dataclass(frozen=True, slots=True)
class _Site:
    """`in_queue` renders documents to callers who wait, `anywhere` all others."""

    name: str
    given: HookedSite
    anywhere: Render
    in_queue: Render


class TwilioHooks:
    """The routes of all sites. They refuse everything until `serve` has said which sites there are."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._bases = bases_of(public_url) if public_url else ()
        self._sites: dict[str, _Site] = {}

    def serve(self, sites: Mapping[str, HookedSite]) -> None:
        for name, site in sites.items():
            render = partial(renderer, Addresses(self._public_url, name))
            self._sites[name] = _Site(name, site, render(waiting=False), render(waiting=True))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route(method, ROOT + path, counted(PROVIDER, self._desk_of, handler))
            for path, handler in (
                ("/{site}/{page}/{call}/{step}", self._page),  # most requests are for one of these
                ("/{site}/voice", self._voice),
                ("/{site}/status", self._ended),
                ("/{site}/fallback", self._fallback),
            )
            for method in ("POST", "GET")
        ]

    def _desk_of(self, site: str) -> Hearer | None:
        found = self._sites.get(site)
        return found.given.desk if found else None

    async def _voice(self, request: web.Request) -> web.Response:
        site, fields = await self._verified(request)
        call_id = _call_sid(fields)
        return await self._hear(site, "voice", call_id, "0", "caller", call_id, fields)

    async def _page(self, request: web.Request) -> web.Response:
        site, fields = await self._verified(request)
        told = request.match_info
        page, call_id, step = told["page"], told["call"], told["step"]
        if page in _ROLES:
            return await self._note(site, _ROLES[page], call_id, step, fields)
        if page == "callback":
            return await self._hear(site, page, call_id, step, "callback", step, fields)
        if page in OF_AGENT or (page == "over" and not step.isdigit()):  # a caller's step is a number, an offer is none
            return await self._hear(site, page, call_id, step, "agent", step, fields)
        if page in OF_CALLER:
            return await self._hear(site, page, call_id, step, "caller", call_id, fields)
        raise Refusal("no such page", web.HTTPNotFound())

    async def _ended(self, request: web.Request) -> web.Response:
        site, fields = await self._verified(request)
        call_id = _call_sid(fields)
        return await self._note(site, "caller", call_id, call_id, fields)

    async def _fallback(self, request: web.Request) -> web.Response:
        """An apology that needs nobody's help: asked for when we could not answer."""
        site, fields = await self._verified(request)
        say(log, logging.ERROR, "fallback asked for", site=site.name, code=fields.get("ErrorCode")[:8])
        scene = sorry(_call_sid(fields), site.given.plan())
        return web.Response(body=site.anywhere(perform(scene)), headers=XML)

    async def _hear(
        self, site: _Site, page: str, call_id: str, step: str, role: Role, leg_id: str, fields: Fields
    ) -> web.Response:
        current_call.set(call_id)
        event = event_of(page, fields)
        envelope = envelope_of(site.name, role, call_id, leg_id, f"{page}:{step}", fields)
        render = site.in_queue if page in WAITING else site.anywhere
        document = await site.given.desk.hear(page, call_id, step, event, envelope, render)
        if isinstance(event, HoldLeft) and event.reason in ("bridged", "hangup", "full"):
            await site.given.gateway.left(site.name, fields.get("CallSid"), fields.get("QueueSid"))
        return web.Response(body=document, headers=XML)

    async def _note(self, site: _Site, role: Role, call_id: str, leg_id: str, fields: Fields) -> web.Response:
        current_call.set(call_id)
        event = report_of(role, fields)
        if event is not None:
            envelope = envelope_of(site.name, role, call_id, leg_id, fields.get("CallStatus"), fields)
            await site.given.desk.note(event, envelope)
        return web.Response(body=EMPTY, headers=XML)

    async def _verified(self, request: web.Request) -> tuple[_Site, Fields]:
        """The site and the fields of a request that Twilio signed; nothing else is looked at. 403 tells no reason."""
        signatures = request.headers.getall(HEADER, ())
        settings = read_settings(request.headers.getall(SETTINGS, ()))
        site = self._sites.get(request.match_info["site"])
        if len(signatures) != 1 or settings is None or site is None:
            raise Refusal("unsigned", web.HTTPForbidden())
        if (request.content_length or 0) > MAX_BODY:
            raise _too_large(MAX_BODY, request.content_length or 0)
        raw = await _body(request)
        if len(raw) > MAX_BODY:
            raise _too_large(MAX_BODY, len(raw))
        fields = Fields(_pairs(request, raw))
        signed = fields.pairs if request.method == "POST" and request.content_type == FORM else ()
        keys = site.given.keys()
        account = fields.get("AccountSid")
        bases = self._bases or _own_bases(request)
        secrets = keys.secrets.fit(settings, account)
        if not is_signed(signatures[0], secrets, bases, request.raw_path, signed, settings.digest):
            raise Refusal("signature" if secrets else "no secret", web.HTTPForbidden())
        if len(keys.accounts) > 1:
            site.given.gateway.heard(fields.get("CallSid"), account)
        return site, fields


def _too_large(most: int, sent: int) -> Refusal:
    return Refusal("too large", web.HTTPRequestEntityTooLarge(most, sent))


async def _body(request: web.Request) -> bytes:
    if request.content.is_eof():
        return await request.read()
    try:
        async with asyncio.timeout(READ_S):
            return await request.read()
    except TimeoutError:
        raise Refusal("slow", web.HTTPRequestTimeout()) from None


def _pairs(request: web.Request, raw: bytes) -> list[tuple[str, str]]:
    """The fields, decoded, in the order sent. Raises 403 for what cannot be what Twilio signed, 415 and 413."""
    if request.method == "GET":
        return _form(request.raw_path.partition("?")[2])
    if request.content_type == FORM:
        try:
            return _form(raw.decode("ascii"))
        except UnicodeDecodeError:
            raise Refusal("malformed", web.HTTPForbidden()) from None
    if request.content_type == JSON:
        if not has_body_hash(request.raw_path, raw):
            raise Refusal("signature", web.HTTPForbidden())
        return _members(raw)
    raise Refusal("media type", web.HTTPUnsupportedMediaType())


def _form(encoded: str) -> list[tuple[str, str]]:
    try:
        return query_to_pairs(encoded, max_fields=MAX_FIELDS)
    except ValueError:
        raise _too_large(MAX_FIELDS, encoded.count("&") + 1) from None


def _members(raw: bytes) -> list[tuple[str, str]]:
    """The text members of a JSON object."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refusal("malformed", web.HTTPForbidden()) from None
    if not isinstance(body, dict) or len(body) > MAX_FIELDS:
        raise Refusal("malformed", web.HTTPForbidden())
    return [(name, value) for name, value in body.items() if isinstance(value, str)]


def _own_bases(request: web.Request) -> tuple[str, ...]:
    """Without VIPLINE_PUBLIC_URL: the address this connection came in at, never what the request says of itself."""
    own = request.transport.get_extra_info("sockname") if request.transport else None
    if not isinstance(own, tuple):
        return ()
    host, port = (f"[{own[0]}]" if ":" in own[0] else own[0]), own[1]
    hosts = (host, "localhost") if own[0] in ("127.0.0.1", "::1") else (host,)
    return tuple(base for name in hosts for base in bases_of(f"http://{name}:{port}"))


def _call_sid(fields: Fields) -> str:
    call_sid = fields.get("CallSid")
    if not call_sid.isalnum() or len(call_sid) > 64:
        raise Refusal("malformed", web.HTTPBadRequest())
    return call_sid
