"""jambonz's way in: verify, translate, hand over, reply. POST only: of a GET nothing that matters is signed.

POST /hooks/jambonz/{site}/voice                      a caller is at the door (the application's calling webhook)
POST /hooks/jambonz/{site}/status                     how a caller's leg is doing (its call status webhook)
POST /hooks/jambonz/{site}/{page}/{call}/{step}       where our documents send jambonz back to
POST /hooks/jambonz/{site}/status-{role}/{call}/{leg} how a leg we placed is doing
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from config.telephony import Trunk
from ivr.adapter import Hearer
from ivr.jambonz.addresses import ROOT, Addresses
from ivr.jambonz.documents import Writer, encode, next_part, place_of
from ivr.jambonz.keys import Keys
from ivr.jambonz.meeting import Meetings
from ivr.jambonz.payloads import (
    ASKED_AS,
    OF_AGENT,
    PROVIDER,
    Body,
    bound_of,
    envelope_of,
    event_of,
    has_ended,
    is_about,
    is_sid,
    report_of,
    tag_of,
    text_of,
)
from ivr.jambonz.signature import HEADER, is_signed
from ivr.refused import Refusal, counted
from ivr.vocabulary import FETCHED, Event, Hangup, InputNone, Join, PromptFinished, Role, Route, Script
from router.logging_ import current_call

MAX_BODY = 64 * 1024
READ_S = 5.0
OF_CALLER = frozenset(
    {"menu", "identify", "question", "hold", "key", "left", "connect", "exit", "again", "survey", "over"}
    | {"pin", "bridged", "unmet"}
)
IN_LOOP = frozenset({"hold", "key"})
JSON = {"Content-Type": "application/json; charset=utf-8"}
_ROLES: Mapping[str, Role] = {"status-agent": "agent", "status-callback": "callback", "status-caller": "caller"}
_PAUSE = encode([{"verb": "pause", "length": 1}])
_STAY = encode([])
"""For who needs nothing more where they are; it is never sent, see JambonzHooks._hear."""


@dataclass(frozen=True, slots=True)
class HookedSite:
    """What one site's hooks work with. `keys` and `trunks` are those of the moment, as its plan has them."""

    name: str
    desk: Hearer
    keys: Callable[[], Keys]
    trunks: Callable[[], Mapping[str, Trunk]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page that was asked for."""

    page: str
    call_id: str
    step: str
    role: Role

    @property
    def leg_id(self) -> str:
        return self.call_id if self.role == "caller" else self.step.removesuffix(FETCHED)


class JambonzHooks:
    """The routes of all sites. They refuse everything until `serve` has said which sites there are."""

    def __init__(self, public_url: str, meetings: Meetings) -> None:
        self._public_url = public_url
        self._meetings = meetings
        self._sites: dict[str, HookedSite] = {}

    def serve(self, site: HookedSite) -> None:
        self._sites[site.name] = site

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(ROOT + path, counted(PROVIDER, self._desk_of, handler))
            for path, handler in (
                ("/{site}/{page}/{call}/{step}", self._page),  # most requests are for one of these
                ("/{site}/voice", self._voice),
                ("/{site}/status", self._ended),
            )
        ]

    def _desk_of(self, site: str) -> Hearer | None:
        found = self._sites.get(site)
        return found.desk if found else None

    async def _voice(self, request: web.Request) -> web.Response:
        site, body = await self._verified(request)
        call_id = text_of(body, "call_sid")
        if not is_sid(call_id):
            raise Refusal("malformed", web.HTTPBadRequest())
        return await self._hear(site, _Asked("voice", call_id, "0", "caller"), body)

    async def _page(self, request: web.Request) -> web.Response:
        site, body = await self._verified(request)
        asked = _asked(**request.match_info)
        if not is_about(body, asked.call_id, asked.leg_id, asked.role):
            raise Refusal("another leg", web.HTTPForbidden())
        current_call.set(asked.call_id)
        if asked.page in _ROLES or has_ended(body):  # what a leg still owes when it is over is told as its end
            return await self._note(site, asked, body)
        if asked.page == "wait":
            return await self._wait(site, asked, body)
        return await self._hear(site, asked, body)

    async def _ended(self, request: web.Request) -> web.Response:
        """Of callers' own legs; a number that a caller was handed to has a leg too, which is nobody's here."""
        site, body = await self._verified(request)
        call_id = text_of(body, "call_sid")
        if not is_sid(call_id):
            raise Refusal("malformed", web.HTTPBadRequest())
        if body.get("direction") == "outbound":
            return web.Response(status=204)
        return await self._note(site, _Asked("status-caller", call_id, call_id, "caller"), body)

    async def _hear(self, site: HookedSite, asked: _Asked, body: Body) -> web.Response:
        page, call_id, step = asked.page, asked.call_id, asked.step
        current_call.set(call_id)
        event = event_of(page, body, site.trunks())
        bound = bound_of(body)
        if isinstance(event, InputNone):
            following = next_part(bound, place_of(page, step), tag_of(body))
            if following is not None:
                return web.Response(body=following, headers=JSON)
        writer = Writer(Addresses(self._public_url, site.name), site.keys().speech, bound)
        joins: list[Join] = []

        def render(script: Script) -> bytes:
            joins.extend(command for command in script if isinstance(command, Join))
            if page == "bridged" and not script:
                return writer.meeting(step, Route("left", call_id, _counted(step)), Route("wait", call_id, step))
            return writer.document(script) if script or page not in IN_LOOP else _STAY

        self._follow(asked, text_of(body, "call_sid"))
        document = await self._ask(site, asked, event, body, render)
        for join in joins:
            self._meetings.fetch(site.name, site.desk, join, text_of(body, "call_sid"))
        if document == _STAY or (page in IN_LOOP and self._meetings.is_meeting(call_id)):
            # Whichever of two documents comes last is played: this one must not take the caller out of the room.
            return web.Response(status=204)
        return web.Response(body=document, headers=JSON)

    def _follow(self, asked: _Asked, sid: str) -> None:
        """What a page says of a caller's way to a room, and out of it."""
        if asked.role == "agent":
            if asked.page in ("over", "lost"):
                self._meetings.over(asked.call_id, asked.leg_id)
            return
        self._meetings.heard(asked.call_id, sid)
        if asked.page == "bridged":
            self._meetings.came(asked.call_id, asked.step)
        elif asked.page not in IN_LOOP:
            self._meetings.over(asked.call_id)

    async def _wait(self, site: HookedSite, asked: _Asked, body: Body) -> web.Response:
        """A caller alone in the room: the agent is about to come, or will not any more."""
        stands = False

        def look(script: Script) -> bytes:
            nonlocal stands
            stands = not any(isinstance(command, Hangup) for command in script)
            return b""

        join = _Asked("join", asked.call_id, asked.step, "agent")
        await self._ask(site, join, PromptFinished(), body, look)
        if not stands:
            self._meetings.release(site.name, site.desk, asked.call_id, asked.step)
        return web.Response(body=_PAUSE, headers=JSON)

    async def _ask(
        self, site: HookedSite, asked: _Asked, event: Event, body: Body, render: Callable[[Script], bytes]
    ) -> bytes:
        page = ASKED_AS.get(asked.page, asked.page)
        key = f"{asked.page}:{asked.step}"
        envelope = envelope_of(site.name, asked.role, asked.call_id, asked.leg_id, key, body)
        return await site.desk.hear(page, asked.call_id, asked.step, event, envelope, render)

    async def _note(self, site: HookedSite, asked: _Asked, body: Body) -> web.Response:
        current_call.set(asked.call_id)
        event = report_of(asked.role, body)
        if has_ended(body):
            self._meetings.over(asked.call_id, asked.leg_id if asked.role == "agent" else None)
        if event is not None:
            key = text_of(body, "call_status")
            envelope = envelope_of(site.name, asked.role, asked.call_id, asked.leg_id, key, body)
            await site.desk.note(event, envelope)
        return web.Response(status=204)

    async def _verified(self, request: web.Request) -> tuple[HookedSite, Body]:
        """The site and the body of a request its jambonz signed; nothing else is looked at. 403 gives no reason."""
        signatures = request.headers.getall(HEADER, ())
        site = self._sites.get(request.match_info["site"])
        if site is None or len(signatures) != 1:
            raise Refusal("unsigned", web.HTTPForbidden())
        raw = await _read(request)
        secrets = site.keys().secrets
        if not is_signed(signatures, secrets, raw, time.time()):
            raise Refusal("signature" if secrets else "no secret", web.HTTPForbidden())
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refusal("malformed", web.HTTPBadRequest())
        return site, body


def _asked(site: str, page: str, call: str, step: str) -> _Asked:
    """Which page of which leg. Raises 404."""
    if page in _ROLES:
        return _Asked(page, call, step, _ROLES[page])
    if page == "callback":
        return _Asked(page, call, step, "callback")
    if page in OF_AGENT or (page == "over" and not step.isdigit()):  # a caller's step is a number, an offer is none
        return _Asked(page, call, step, "agent")
    if page in OF_CALLER or page == "wait":
        return _Asked(page, call, step, "caller")
    raise Refusal("no such page", web.HTTPNotFound())


def _counted(offer_id: str) -> str:
    """A caller's step is a number: of a talk, its offer's."""
    return "".join(filter(str.isdigit, offer_id)) or "0"


async def _read(request: web.Request) -> bytes:
    """The raw body. Raises 413, 415, 408."""
    if request.content_type != "application/json":
        raise Refusal("not json", web.HTTPUnsupportedMediaType())
    size = request.content_length or 0
    if size > MAX_BODY:
        raise Refusal("too large", web.HTTPRequestEntityTooLarge(MAX_BODY, size))
    try:
        async with asyncio.timeout(READ_S):
            raw = await request.read()
    except TimeoutError:
        raise Refusal("slow", web.HTTPRequestTimeout()) from None
    if len(raw) > MAX_BODY:
        raise Refusal("too large", web.HTTPRequestEntityTooLarge(MAX_BODY, len(raw)))
    return raw
