"""The REST API: what it takes, what it does, and how it fails when it is told to. Updates are accepted, then tried."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.lines import Lines
from loadtests.carriers.jambonz.schemas import Breach, check_update

ROOT = "/v1/Accounts/{account}/Calls"
SLOW_S = 1.0
"""Of real time."""
NOT_NOW = "current call state is incompatible with requested action for call_sid "
GONE = "call session is gone for call_sid "

Place = Callable[[Mapping[str, Any]], JambonzLeg]
Change = Callable[[JambonzLeg, Mapping[str, Any]], None]
Act = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RestApi:
    """`place`: what was asked for → a leg that is dialled. `change`: a leg, and what is asked of it."""

    def __init__(self, lines: Lines, place: Place, change: Change) -> None:
        self._lines = lines
        self._place = place
        self._change = change

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post(ROOT, self._serve("create", self._create))
        app.router.add_get(ROOT, self._serve("list", self._list))
        for method in ("POST", "PUT"):
            app.router.add_route(method, ROOT + "/{sid}", self._serve("update", self._update))
        return app

    def _serve(self, what: str, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                return await self._handle(what, act, request)
            except Refusal as refusal:
                return web.json_response({"msg": str(refusal)}, status=refusal.status)
            except Breach as breach:
                self._lines.breaches.append(f"{what}: {breach}")
                return web.json_response({"msg": str(breach)}, status=400)

        return handler

    async def _handle(self, what: str, act: Act, request: web.Request) -> web.StreamResponse:
        lines = self._lines
        if request.headers.get("Authorization") != f"Bearer {lines.key}":
            raise Refusal(401, "unauthorized")
        if request.match_info["account"] != lines.account:
            raise Refusal(403, "unauthorized request for account")
        body = await request.json() if request.can_read_body else {}
        lines.requests.append((what, body))
        fault = lines.faults.take_rest(what)
        if fault == "busy":
            raise Refusal(429, "too many requests")
        if fault == "broken":
            raise Refusal(500, "Call Failure")
        if fault == "silent":
            await asyncio.sleep(60)
        answer = await act(request, body)
        if fault == "slow":
            await asyncio.sleep(SLOW_S)
        if fault == "lost" and request.transport is not None:
            request.transport.abort()
        return answer

    async def _create(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if self._lines.schemas is not None:
            self._lines.schemas.verb("rest:dial", body)
        for name in ("speech_synthesis_vendor", "speech_recognizer_vendor"):
            if "application_sid" not in body and name not in body:
                raise Breach(f"neither application_sid nor {name}")
        return web.json_response({"sid": self._place(body).sid}, status=201)

    async def _update(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        check_update(body)
        leg = self._lines.legs.get(request.match_info["sid"])
        if leg is None or leg.ended:
            raise Refusal(422, GONE + request.match_info["sid"])
        word = body.get("call_status")
        ringing = leg.direction == "outbound" and leg.status in ("trying", "ringing", "early-media")
        if (word == "completed" and leg.status != "in-progress") or (word == "no-answer" and not ringing):
            raise Refusal(422, NOT_NOW + leg.sid)
        self._change(leg, body)
        return web.Response(status=202)

    async def _list(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        direction = request.query.get("direction")
        found = [leg for leg in self._lines.legs.values() if direction in (None, leg.direction)]
        return web.json_response([shown(leg) for leg in reversed(found)])


def shown(leg: JambonzLeg) -> dict[str, Any]:
    """A call as the API lists it."""
    told = {
        "call_sid": leg.sid,
        "account_sid": leg.account,
        "direction": leg.direction,
        "from": leg.from_number,
        "to": leg.to_number,
        "call_status": leg.status,
        "sip_status": leg.sip_status,
    }
    return told if leg.tag is None else told | {"customer_data": leg.tag}
