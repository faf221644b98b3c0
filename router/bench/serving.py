"""The process that is measured serves; another one sends what was made before, and nothing of it is counted."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from router.api.flights import Flights
from router.api.limits import Limits
from router.app_keys import FLIGHTS, LIMITS, SERVICE
from router.bench.carrier import Requests
from router.service import Service

FLOOR = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
ANSWER = b'{"state":"ready"}'


class Sender:
    """The other process."""

    def __init__(self, ask: asyncio.StreamWriter, answer: asyncio.StreamReader) -> None:
        self._ask, self._answer = ask, answer

    async def cpu(self, port: int, requests: Requests, expected: bytes, status: int = 200) -> float:
        """What this process spends on one of these requests, µs; raises when one is not answered as expected."""
        self._ask.write(f"{port} {len(requests)}\n".encode())
        for request in requests:
            self._ask.write(b"%d\n%b" % (len(request), request))
        await self._ask.drain()
        await self._answer.readline()
        started = time.process_time()
        self._ask.write(b"go\n")
        line = await self._answer.readline()
        spent = time.process_time() - started
        told = json.loads(line)
        if told["statuses"] != {str(status): len(requests)} or expected not in told["body"].encode():
            raise RuntimeError(f"they were answered {told}")
        return spent * 1e6 / len(requests)


@asynccontextmanager
async def sending(cores: Iterable[int]) -> AsyncIterator[Sender]:
    """`cores`: where it may run; none: anywhere."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "router.bench.sender",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    if sys.platform == "linux" and (found := set(cores)):
        os.sched_setaffinity(process.pid, found)
    assert process.stdin
    assert process.stdout
    try:
        yield Sender(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        await process.wait()


async def form_only(request: web.Request) -> web.Response:
    """The floor of a carrier's hook."""
    await request.post()
    return web.Response(body=FLOOR, headers={"Content-Type": "text/xml; charset=utf-8"})


async def json_only(request: web.Request) -> web.Response:
    """The floor of a request over the API."""
    await request.json()
    return web.Response(body=ANSWER, headers={"Content-Type": "application/json"})


@asynccontextmanager
async def listening(
    routes: Iterable[web.AbstractRouteDef], *middlewares: object, service: Service | None = None
) -> AsyncIterator[int]:
    """The port at which this process serves them."""
    app = web.Application(middlewares=middlewares)  # type: ignore[arg-type]
    app[FLIGHTS], app[LIMITS] = Flights(), Limits(0, 0)
    if service is not None:
        app[SERVICE] = service
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()
