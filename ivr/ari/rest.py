"""Commands on their way to an Asterisk: over HTTP, or over the WebSocket that its events come by."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol
from urllib.parse import quote, urlencode

import aiohttp

from ivr.ari.commands import Answer, Command
from ivr.ari.heard import Reply
from ivr.ari.http import Broken, Http, Unconnected

DEADLINE_S = 5.0
AT_ONCE = 64
"""Connections for commands: Asterisk gives each a thread of its own (`sessionlimit` in http.conf, 100 as it comes)."""
WAITING = 2_000
"""Commands of one Asterisk that may be on their way; more are refused at once."""


class NotSent(Exception):
    """Nothing has happened, and the same may be tried again."""


class NoAnswer(Exception):
    """It was sent, and nobody knows what became of it."""


class Rest(Protocol):
    async def ask(self, command: Command) -> Answer:
        """Raises NotSent and NoAnswer."""
        ...

    async def close(self) -> None: ...


class HttpRest:
    """`passwords` are tried in turn as long as they are refused; the one that fits is kept."""

    def __init__(self, url: str, user: str, passwords: tuple[str, ...], deadline_s: float = DEADLINE_S) -> None:
        self._http = Http(url, AT_ONCE, min(2.0, deadline_s))
        self._logins = [aiohttp.encode_basic_auth(user, password) for password in passwords]
        self._deadline_s = deadline_s
        self._under_way = 0

    async def close(self) -> None:
        self._http.close()

    async def ask(self, command: Command) -> Answer:
        if self._under_way >= WAITING:
            raise NotSent("too many commands")
        self._under_way += 1
        try:
            for login in tuple(self._logins):
                found = await self._ask(command, login)
                if found.status != 401:
                    if login != self._logins[0]:
                        self._logins.sort(key=lambda one: one != login)
                    return found
            return Answer(401)
        finally:
            self._under_way -= 1

    async def _ask(self, command: Command, login: str) -> Answer:
        query = f"?{urlencode(command.query, quote_via=quote)}" if command.query else ""
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._http.ask(command.method, f"/ari/{command.path}{query}", login)
        except Unconnected:
            raise NotSent("cannot connect") from None
        except (Broken, TimeoutError):
            if command.method == "GET":
                raise NotSent("no answer") from None
            raise NoAnswer("no answer") from None
        return Answer(response.status, _body(response.body))


def _body(raw: bytes) -> object:
    try:
        return json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return None


class SocketRest:
    """Commands over the WebSocket. `send` writes one message; `heard` takes what came back."""

    def __init__(self, send: Callable[[str], Awaitable[None]], deadline_s: float = DEADLINE_S) -> None:
        self._send = send
        self._deadline_s = deadline_s
        self._numbers = count(1)
        self._open: dict[str, asyncio.Future[Answer]] = {}

    async def close(self) -> None:
        """Whoever still waits will never know."""
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(NoAnswer("connection lost"))

    def heard(self, reply: Reply) -> None:
        waiting = self._open.get(reply.request_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(reply.status, reply.body))

    async def ask(self, command: Command) -> Answer:
        if len(self._open) >= WAITING:
            raise NotSent("too many commands")
        number = str(next(self._numbers))
        message = {
            "type": "RESTRequest",
            "transaction_id": number,
            "request_id": number,
            "method": command.method,
            "uri": command.path,
            "query_strings": [{"name": name, "value": value} for name, value in command.query.items()],
        }
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[number] = waiting
        try:
            async with asyncio.timeout(self._deadline_s):
                try:
                    await self._send(json.dumps(message))
                except (ConnectionError, RuntimeError):
                    raise NotSent("connection lost") from None
                return await waiting
        except TimeoutError:
            raise NoAnswer("no answer") from None
        finally:
            del self._open[number]
