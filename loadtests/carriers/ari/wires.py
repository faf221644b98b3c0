"""The far end's sockets: the WebSocket its events leave by, opened by either side, and its HTTP server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any

import aiohttp
from aiohttp import web

from loadtests.carriers.ari.channels import Channels
from loadtests.carriers.ari.contract import Breach
from loadtests.carriers.ari.rest import Reply

RECONNECT_S, CONNECT_S = 0.05, 0.5
Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Take = Callable[[str, str, dict[str, str]], Awaitable[Reply]]


class Wires:
    """`take`: carries out a command: method, path, query."""

    def __init__(self, asterisk: Channels, user: str, password: str, take: Take) -> None:
        self._asterisk = asterisk
        self._user = user
        self._password = password
        self._take = take
        self._socket: Socket | None = None
        self.stalled = asyncio.Event()
        self.stalled.set()
        self.refuses = False

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ari/events", self._events)
        app.router.add_route("*", "/ari/{path:.*}", self._command)
        return app

    async def drop(self) -> None:
        """The connection is gone, as by a cut cable."""
        socket, self._socket, self._asterisk.out = self._socket, None, None
        if isinstance(socket, web.WebSocketResponse) and socket._req is not None and socket._req.transport is not None:
            socket._req.transport.abort()
        elif isinstance(socket, aiohttp.ClientWebSocketResponse):
            socket._response.close()

    def _login(self, request: web.Request) -> bool:
        given = f"{self._user}:{self._password}".encode()
        return request.headers.get("Authorization") == "Basic " + base64.b64encode(given).decode()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not self._login(request):
            return web.Response(status=401)
        if self.refuses:
            return web.Response(status=503)
        if request.query.get("app") != self._asterisk.app:
            self._asterisk.breaches.append(f"connected for {request.query.get('app')!r}")
        socket = web.WebSocketResponse(protocols=("ari",), compress=False)
        await socket.prepare(request)
        await self.serve(socket)
        return socket

    async def connect(self, urls: str) -> None:
        """Asterisk's outbound WebSocket: it connects to us, again and again, to several addresses in turn."""
        turns = cycle(urls.split())
        headers = {"Authorization": aiohttp.encode_basic_auth(self._user, self._password)}
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError):
                    async with asyncio.timeout(CONNECT_S):
                        socket = await session.ws_connect(next(turns), protocols=("ari",), headers=headers)
                    try:
                        await self.serve(socket)
                    finally:
                        socket._response.close()
                await asyncio.sleep(RECONNECT_S)

    async def serve(self, socket: Socket) -> None:
        """Until it closes. Whoever was connected before is told that it was replaced."""
        if self._socket is not None:
            before = self._socket
            with contextlib.suppress(ConnectionError, RuntimeError):
                await before.send_str(json.dumps(self._asterisk.event("ApplicationReplaced")))
        self._socket = socket
        out = self._asterisk.out = asyncio.Queue()
        self._asterisk.connections += 1
        writing = asyncio.create_task(self._write(socket, out))
        try:
            async for message in socket:
                await self.stalled.wait()
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._asked(socket, json.loads(message.data))
        finally:
            writing.cancel()
            if self._socket is socket:
                self._socket = self._asterisk.out = None

    async def _write(self, socket: Socket, out: asyncio.Queue[str]) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                text = await out.get()
                await self.stalled.wait()
                await socket.send_str(text)

    async def _asked(self, socket: Socket, message: dict[str, Any]) -> None:
        """A command over the WebSocket; Asterisk takes one after the other."""
        if self._asterisk.contract is not None:
            try:
                self._asterisk.contract.message(message)
            except Breach as breach:
                self._asterisk.breaches.append(f"over the WebSocket: {breach}")
        query = {one["name"]: one["value"] for one in message.get("query_strings", ())}
        status, body = await self._take(message["method"], "/" + message["uri"], query)
        if status < 0:
            return
        told = {
            "transaction_id": message["transaction_id"],
            "request_id": message["request_id"],
            "status_code": status,
            "reason_phrase": "said",
            "uri": message["uri"],
        }
        if body is not None:
            told |= {"content_type": "application/json", "message_body": json.dumps(body)}
        reply = self._asterisk.event("RESTResponse", **told)
        with contextlib.suppress(ConnectionError, RuntimeError):
            await socket.send_str(json.dumps(reply))

    async def _command(self, request: web.Request) -> web.StreamResponse:
        if not self._login(request):
            return web.Response(status=401)
        path = request.raw_path.partition("?")[0].removeprefix("/ari")
        status, body = await self._take(request.method, path, dict(request.query))
        if status < 0:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if body is None:
            return web.Response(status=status)
        return web.json_response(body, status=status)
