"""One live WebSocket with an Asterisk, whoever opened it: what comes by it is read in order, and at a pace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp
from aiohttp import web

from ivr.ari.counts import Counts
from ivr.ari.heard import Heard, Reply, Rubbish, TakenOver, hear
from ivr.ari.rest import SocketRest
from router.logging_ import say

MAX_MESSAGE = 262_144
HEARTBEAT_S = 10.0
A_SECOND, AT_ONCE = 5_000.0, 10_000.0
"""Messages a peer may send before it is read more slowly: TCP then holds it up, and nothing is kept here."""
SLICE = 32
RUBBISH_IN_A_ROW = 50

log = logging.getLogger("vipline.ari")

Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


class Link:
    """`on_heard` is told every event, in order. `counts`: rubbish, slowed, cut."""

    def __init__(self, socket: Socket, on_heard: Callable[[Heard], None], counts: Counts) -> None:
        self._socket = socket
        self._on_heard = on_heard
        self._counts = counts
        self._tokens = AT_ONCE
        self._at = asyncio.get_running_loop().time()
        self._rubbish = 0
        self.taken_over = False
        self.rest = SocketRest(socket.send_str)

    async def close(self) -> None:
        await self._socket.close()

    async def listen(self) -> None:
        """Until the connection is over, for whatever reason."""
        read = 0
        try:
            while not self.taken_over:
                message = await self._socket.receive()
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    return
                self._take(message.data)
                if self._rubbish > RUBBISH_IN_A_ROW:
                    self._counts.refuse("cut")
                    say(log, logging.ERROR, "peer cut off, nothing but rubbish")
                    return
                read += 1
                if read % SLICE == 0:
                    await self._pace()
        finally:
            await self.rest.close()
            await self._socket.close()

    def _take(self, raw: str | bytes) -> None:
        try:
            heard = hear(raw) if isinstance(raw, str) else hear("")
        except Rubbish:
            self._rubbish += 1
            self._counts.refuse("rubbish")
            return
        self._rubbish = 0
        if isinstance(heard, Reply):
            self.rest.heard(heard)
        elif heard is not None:
            self.taken_over = isinstance(heard, TakenOver)
            try:
                self._on_heard(heard)
            except Exception:
                self._counts["stumbled"] += 1
                log.exception("event not taken")

    async def _pace(self) -> None:
        """Others have their turn; who sends more than anybody's calls can give rise to waits."""
        now = asyncio.get_running_loop().time()
        self._tokens = min(AT_ONCE, self._tokens + (now - self._at) * A_SECOND) - SLICE
        self._at = now
        if self._tokens < 0:
            self._counts.refuse("slowed")
            await asyncio.sleep(-self._tokens / A_SECOND)
        else:
            await asyncio.sleep(0)
