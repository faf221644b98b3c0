"""Asterisks that connect to us: a WebSocket below /hooks/ari/, opened with the user and a password of the plan."""

from __future__ import annotations

import asyncio
import binascii
import hmac
import logging
from base64 import b64decode
from collections.abc import Callable

from aiohttp import web

from config.ari import Ari
from ivr.ari.asterisk import passwords
from ivr.ari.exchange import Exchange
from ivr.ari.link import HEARTBEAT_S, MAX_MESSAGE
from router.app_keys import FLIGHTS
from router.logging_ import say

ROOT = "/hooks/ari"
LOOK_EVERY_S = 0.25

log = logging.getLogger("vipline.ari")


class AriHooks:
    """`part` gives a site's section of the plan, `exchange` the one of that name, where this process keeps it.

    `refused` is told the site whenever somebody was not let in.
    """

    def __init__(
        self,
        part: Callable[[str], Ari | None],
        exchange: Callable[[str, str], Exchange | None],
        refused: Callable[[str], None],
    ) -> None:
        self._part = part
        self._exchange = exchange
        self._refused = refused

    def routes(self) -> list[web.RouteDef]:
        return [web.get(ROOT + "/{site}/{asterisk}", self._connect)]

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        """401 without a reason to whoever does not know the password; 503 where another process speaks with it."""
        site, name = request.match_info["site"], request.match_info["asterisk"]
        part = self._part(site)
        settings = part.asterisks.get(name) if part else None
        user, password = _login(request)
        known = settings is not None and settings.url is None and hmac.compare_digest(user, settings.user.encode())
        fits = [hmac.compare_digest(password, word.encode()) for word in (passwords(settings) if settings else ())]
        if not known or not any(fits):
            self._refused(site)
            say(log, logging.WARNING, "asterisk refused", site=site if part else "?")
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="ari"'})
        exchange = self._exchange(site, name)
        if exchange is None or not exchange.asterisk.awaited:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
        socket = web.WebSocketResponse(
            protocols=("ari",), heartbeat=HEARTBEAT_S, max_msg_size=MAX_MESSAGE, timeout=1.0, compress=False
        )
        await socket.prepare(request)
        over = exchange.asterisk.welcome(socket)
        flights = request.app[FLIGHTS]
        flights.end()  # it stays as long as both live: nobody who stops waits for it
        try:
            while over is not None and not over.is_set() and not flights.stopping:
                try:
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await over.wait()
                except TimeoutError:
                    continue
        finally:
            flights.begin()
            await socket.close()
        return socket


def _login(request: web.Request) -> tuple[bytes, bytes]:
    """User and password as they were sent; empty when they were not."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic" or len(given) > 1_000:
        return b"", b""
    try:
        user, _, password = b64decode(given.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return user, password
