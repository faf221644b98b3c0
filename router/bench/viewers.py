"""What it costs to show a site to many: CPU for each viewer and delta, beside that of plainly writing the same bytes.

The whole service runs here. The change that makes a delta is paid for with or without viewers: it is measured first
without, and taken off.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.synchronize
import os
import selectors
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from config.settings import Settings
from router.api.live import LIVE
from router.api.server import Runner
from router.app import create_app
from router.app_keys import SERVICE
from router.bench.serving import listening

VIEWERS, ROUNDS, CHANGES = 200, 3, 100
EVERY_S, LONGEST_S = 0.02, 30.0
BEARER = "the-bench"
FILES = {
    "plan.yaml": "title: Bench\nlanguage: en\nregion: US\ntimezone: UTC\ntiers:\n  - {name: standard, ladder: all}\n"
    "default_tier: standard\ngroups: {all: {}}\nladders:\n  all:\n    - {step: all, to: all}\n",
    "agents.yaml": "agents:\n  - {agent_id: agent-1, name: Ann, groups: {all: 1}}\n",
}

Stop = multiprocessing.synchronize.Event
_prefixes = count(1)


@dataclass(frozen=True, slots=True)
class Cost:
    """µs for each viewer and delta of `size` bytes, and for a plain write of as many."""

    viewed: float
    plain: float
    ratio: float
    size: int


def _watch(port: int, path: str, viewers: int, cores: set[int], stop: Stop) -> None:
    """All viewers, in a process of their own: what they cost is not ours."""
    if cores and sys.platform == "linux":
        os.sched_setaffinity(0, cores)
    waiting = selectors.DefaultSelector()
    for _ in range(viewers):
        viewer = socket.create_connection(("127.0.0.1", port))
        viewer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BEARER}\r\n\r\n".encode())
        viewer.setblocking(False)
        waiting.register(viewer, selectors.EVENT_READ, viewer)
    while not stop.is_set():
        for key, _ in waiting.select(0.2):
            with suppress(BlockingIOError):
                key.data.recv(1 << 16)


async def _watched(
    port: int,
    path: str,
    viewers: int,
    cores: Iterable[int],
    come: Callable[[], bool],
    work: Callable[[], Awaitable[int]],
) -> tuple[float, int]:
    """CPU seconds of this process while all watch, and how many deltas came of it."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    watching = spawn.Process(target=_watch, args=(port, path, viewers, set(cores), stop), daemon=True)
    watching.start()
    try:
        async with asyncio.timeout(LONGEST_S):
            while not come():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)  # the snapshots are on their way
        began = time.process_time()
        deltas = await work()
        return time.process_time() - began, deltas
    finally:
        stop.set()
        await asyncio.to_thread(watching.join)


async def cost(
    url: str, *, viewers: int = VIEWERS, rounds: int = ROUNDS, changes: int = CHANGES, cores: Iterable[int] = ()
) -> Cost:
    """`changes` of one agent in each round. `cores`: where the viewers' process may run."""
    with TemporaryDirectory(prefix="vipline-viewers-") as name:
        for file, text in FILES.items():
            (Path(name) / file).write_text(text)
        settings = Settings(
            listen="127.0.0.1:0", data=Path(name), config=Path(name), redis=url, prefix=f"viewers{next(_prefixes)}"
        )
        app = create_app(settings, BEARER, adapters=())
        runner = Runner(app, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = int(runner.addresses[0][1])
            found = [await _round(app, port, viewers, changes, list(cores)) for _ in range(rounds)]
        finally:
            await runner.cleanup()
    return sorted(found, key=lambda one: one.ratio)[len(found) // 2]


async def _round(app: web.Application, port: int, viewers: int, changes: int, cores: list[int]) -> Cost:
    screen, engine = app[LIVE].screen("main"), app[SERVICE].sites["main"].engine

    async def drive() -> int:
        before = screen.hub.reads
        for number in range(changes):
            await (engine.agent_ready("agent-1") if number % 2 else engine.agent_away("agent-1", "break", ""))
            await asyncio.sleep(EVERY_S)
        return screen.hub.reads - before

    began = time.process_time()
    await drive()
    alone = time.process_time() - began
    cpu, deltas = await _watched(port, "/v1/live", viewers, cores, lambda: screen.hub.watched == viewers, drive)
    viewed = (cpu - alone) / max(1, deltas) / viewers * 1e6
    size = len(screen.delta(frozenset({("a", "agent-1")})))
    plain = await _plain(size, viewers, changes, cores)
    return Cost(viewed, plain, viewed / plain, size)


async def _plain(size: int, viewers: int, changes: int, cores: list[int]) -> float:
    """µs of one write of so many bytes to one of as many open answers."""
    answers: list[web.StreamResponse] = []
    over = asyncio.Event()

    async def stay(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        answers.append(answer)
        await over.wait()
        return answer

    async def work() -> int:
        for _ in range(changes):
            for answer in answers:
                await answer.write(b"x" * size)
            await asyncio.sleep(EVERY_S)
        return changes

    async with listening([web.get("/", stay)]) as port:
        cpu, writes = await _watched(port, "/", viewers, cores, lambda: len(answers) == viewers, work)
        over.set()
    return cpu / writes / viewers * 1e6
