"""The REST API: what it takes, what it does, and how it fails when it is told to."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any

from aiohttp import web

from loadtests.carriers.twilio.contract import Breach
from loadtests.carriers.twilio.legs import Queue, TwilioLeg
from loadtests.carriers.twilio.lines import Lines

ROOT = "/2010-04-01/Accounts/{account}"
SLOW_S = 1.0
"""Of real time."""

Place = Callable[[str, Mapping[str, str], frozenset[str]], TwilioLeg]
Redirect = Callable[[TwilioLeg, str], Awaitable[None]]


class Refusal(Exception):
    def __init__(self, status: int, code: int, **headers: str) -> None:
        super().__init__(str(code))
        self.status = status
        self.code = code
        self.headers = headers


class RestApi:
    """`place`: account, form, events to report → a leg that is dialled. `redirect`: a leg to another document."""

    def __init__(self, lines: Lines, place: Place, redirect: Redirect) -> None:
        self._lines = lines
        self._place = place
        self._redirect = redirect

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post(ROOT + "/Calls.json", self._serve("create", self._create))
        app.router.add_get(ROOT + "/Calls.json", self._serve("list", self._list))
        app.router.add_post(ROOT + "/Calls/{sid}.json", self._serve("update", self._update))
        app.router.add_get(ROOT + "/Calls/{sid}.json", self._serve("read", self._read))
        app.router.add_post(ROOT + "/Queues.json", self._serve("make", self._create_queue))
        app.router.add_get(ROOT + "/Queues.json", self._serve("queues", self._list_queues))
        app.router.add_delete(ROOT + "/Queues/{sid}.json", self._serve("queue", self._delete_queue))
        return app

    def _serve(self, what: str, act: Any) -> Any:
        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                return await self._handle(what, act, request)
            except Refusal as refusal:
                body = {"code": refusal.code, "message": "refused", "status": refusal.status}
                return web.json_response(body, status=refusal.status, headers=refusal.headers)

        return handler

    async def _handle(self, what: str, act: Any, request: web.Request) -> web.StreamResponse:
        self._authorize(request)
        pairs = [(str(name), str(value)) for name, value in (await request.post()).items()]
        if request.method != "POST":
            pairs = list(request.query.items())
        self._lines.requests.append((what, pairs))
        if self._lines.rest_contract is not None:
            try:
                self._lines.rest_contract.check(request.method, request.path, pairs)
            except Breach as breach:
                self._lines.breaches.append(f"{what}: {breach}")
                raise Refusal(400, 20001) from None
        fault = self._lines.faults.take_rest(what)
        if fault == "busy":
            raise Refusal(429, 20429, **{"Retry-After": "1"})
        if fault == "broken":
            raise Refusal(500, 20500)
        if fault == "silent":
            return await self._silence(request)
        answered: web.StreamResponse = await act(request, pairs)
        if fault == "lost":
            return await self._silence(request)
        if fault == "slow":
            await asyncio.sleep(SLOW_S)
        return answered

    @staticmethod
    async def _silence(request: web.Request) -> web.StreamResponse:
        """The connection ends without a word."""
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    def _authorize(self, request: web.Request) -> None:
        account = request.match_info["account"]
        token = self._lines.accounts.get(account)
        given = request.headers.get("Authorization", "")
        if token is None or given != "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode():
            raise Refusal(401, 20003)

    def _leg(self, request: web.Request) -> TwilioLeg:
        leg = self._lines.legs.get(request.match_info["sid"])
        if leg is None or leg.account != request.match_info["account"]:
            raise Refusal(404, 20404)
        return leg

    async def _create(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        form = dict(pairs)
        events = frozenset(value for name, value in pairs if name == "StatusCallbackEvent")
        leg = self._place(request.match_info["account"], form, events)
        return web.json_response(shown(leg), status=201)

    async def _update(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        leg, form = self._leg(request), dict(pairs)
        if leg.ended:
            raise Refusal(400, 21220)
        if "Status" in form:
            waiting = leg.status in ("queued", "ringing")
            if form["Status"] == "completed" or waiting:
                await self._lines.end(leg, "canceled" if waiting else "completed", sip="487" if waiting else "")
        elif leg.status != "in-progress":
            raise Refusal(400, 21220)
        else:
            await self._redirect(leg, form["Url"])
        return web.json_response(shown(leg))

    async def _read(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        return web.json_response(shown(self._leg(request)))

    async def _list(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        wanted = dict(pairs)
        found = [
            leg
            for leg in reversed(self._lines.legs.values())
            if leg.account == request.match_info["account"]
            and wanted.get("To") in (None, leg.to_number)
            and wanted.get("From") in (None, leg.from_number)
            and wanted.get("Status") in (None, leg.status)
        ]
        return web.json_response({"calls": [shown(leg) for leg in found[: int(wanted.get("PageSize", "50"))]]})

    async def _create_queue(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        name = dict(pairs)["FriendlyName"]
        if name in self._lines.queues:
            raise Refusal(400, 22003)
        return web.json_response(shown_queue(self._lines.queue(name), request.match_info["account"]), status=201)

    async def _list_queues(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        account = request.match_info["account"]
        return web.json_response({"queues": [shown_queue(queue, account) for queue in self._lines.queues.values()]})

    async def _delete_queue(self, request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
        queue = next((q for q in self._lines.queues.values() if q.sid == request.match_info["sid"]), None)
        if queue is None:
            raise Refusal(404, 20404)
        if queue.members:
            raise Refusal(400, 22004)
        del self._lines.queues[queue.name]
        return web.Response(status=204)


def shown(leg: TwilioLeg) -> dict[str, Any]:
    """A call as the API shows it; one that has not been dialled has no start."""
    created = formatdate(leg.created, usegmt=True)
    return {
        "sid": leg.sid,
        "account_sid": leg.account,
        "api_version": "2010-04-01",
        "direction": leg.direction,
        "from": leg.from_number,
        "to": leg.to_number,
        "status": leg.status,
        "date_created": created,
        "start_time": None if leg.status == "queued" else created,
        "parent_call_sid": None,
        "uri": f"/2010-04-01/Accounts/{leg.account}/Calls/{leg.sid}.json",
    }


def shown_queue(queue: Queue, account: str) -> dict[str, Any]:
    return {
        "sid": queue.sid,
        "account_sid": account,
        "friendly_name": queue.name,
        "current_size": len(queue.members),
        "max_size": 1000,
        "average_wait_time": 0,
        "date_created": formatdate(queue.created, usegmt=True),
    }
