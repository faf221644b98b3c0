"""What it costs to show a site to many: CPU for each viewer and delta, beside that of plainly writing the bytes."""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.synchronize
import selectors
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiohttp import web

from router.api.live import LIVE
from tests.support.service import SECRET, Api
from tests.support.waiting import wait_until

VIEWERS = 200
SECONDS = 4.0
RATE = 50

Stop = multiprocessing.synchronize.Event


def read_all(address: tuple[str, int], path: str, stop: Stop) -> None:
    """The viewers, in a process of their own: their cost is not ours."""
    waiting = selectors.DefaultSelector()
    for _ in range(VIEWERS):
        viewer = socket.create_connection(address)
        viewer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\r\n".encode())
        viewer.setblocking(False)
        waiting.register(viewer, selectors.EVENT_READ)
    while not stop.is_set():
        for key, _ in waiting.select(0.2):
            with suppress(BlockingIOError):
                key.fileobj.recv(1 << 16)  # type: ignore[union-attr]


async def watched(
    base: str, path: str, come: Callable[[], bool], work: Callable[[], Awaitable[int]]
) -> tuple[float, int]:
    """CPU seconds of this process, and deltas, while all viewers watch."""
    host, port = base.removeprefix("http://").split(":")
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    viewers = spawn.Process(target=read_all, args=((host, int(port)), path, stop), daemon=True)
    viewers.start()
    try:
        await wait_until(come, 30)
        await asyncio.sleep(0.5)
        began = time.process_time()
        deltas = await work()
        return time.process_time() - began, deltas
    finally:
        stop.set()
        await asyncio.to_thread(viewers.join)


@pytest.mark.soak
async def test_a_viewer_costs_little_more_than_its_bytes(api: Api) -> None:
    hub, engine = api.app[LIVE].screen("main").hub, api.site.engine

    async def drive() -> int:
        before, until, number = hub.reads, time.monotonic() + SECONDS, 0
        while time.monotonic() < until:
            number += 1
            await (engine.agent_ready("agent-3") if number % 2 else engine.agent_away("agent-3", "break", ""))
            await asyncio.sleep(1 / RATE)
        return hub.reads - before

    began = time.process_time()
    await drive()
    alone = time.process_time() - began
    cpu, deltas = await watched(api.base, "/v1/live", lambda: hub.watched == VIEWERS, drive)
    per_viewer = (cpu - alone) / deltas / VIEWERS
    screen = api.app[LIVE].screen("main")
    size = len(screen.delta(frozenset({("a", "agent-3")})))
    floor = await plain(size)
    ratio = per_viewer / floor
    print(f"{per_viewer * 1e6:.0f} µs a viewer and delta of {size} bytes, plainly {floor * 1e6:.0f}: {ratio:.1f}")
    assert ratio < 5


async def plain(size: int) -> float:
    """CPU seconds of one plain write of so many bytes to one of as many open answers."""
    answers: list[web.StreamResponse] = []

    async def stay(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        answers.append(answer)
        await asyncio.Event().wait()
        return answer

    app = web.Application()
    app.router.add_get("/", stay)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]

        async def work() -> int:
            rounds = round(SECONDS * 10)
            for _ in range(rounds):
                for answer in answers:
                    await answer.write(b"x" * size)
                await asyncio.sleep(0.1)
            return rounds

        cpu, rounds = await watched(f"http://{host}:{port}", "/", lambda: len(answers) == VIEWERS, work)
        return cpu / rounds / VIEWERS
    finally:
        await runner.cleanup()
