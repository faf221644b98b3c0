"""kill -9 in the middle of everything: of the server, of the service, of both."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from router.store.embedded import EmbeddedServer, socket_path
from tests.support.fleet import ServiceProcess, service, services
from tests.support.load import under_load
from tests.support.waiting import wait_until

LOST = "the connection to the server ended"


def stream_url(process: ServiceProcess) -> str:
    return f"unix://{socket_path(process.data)}"


async def test_the_server_dies_under_two_services(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer, seed: int
) -> None:
    keeper = asyncio.create_task(fresh_server.keep_alive())
    async with (
        services(2, tmp_path, config, redis=fresh_server.url) as pair,
        under_load([process.base for process in pair], fresh_server.url, seed) as load,
    ):
        for death in (1, 2):
            await load.more(30)
            assert fresh_server.pid is not None
            os.kill(fresh_server.pid, signal.SIGSTOP)
            await wait_until(lambda: load.asking > 1)  # somebody loses an answer, however idle the machine
            os.kill(fresh_server.pid, signal.SIGKILL)
            await wait_until(lambda death=death: fresh_server.restarts == death)  # type: ignore[misc]
        await load.more(30)
        await load.finish()
        assert all(process.log.count(LOST) >= 2 for process in pair)
        assert await load.faults() == []
    fresh_server.stop()
    await keeper


async def test_a_service_dies_and_its_server_with_it(tmp_path: Path, config: Path, seed: int) -> None:
    async with service(tmp_path, config) as process, under_load([process.base], stream_url(process), seed) as load:
        await load.more(40)
        await process.kill()
        began = time.monotonic()
        await process.start()
        print(f"serving again after {time.monotonic() - began:.2f} s")
        await load.more(40)
        await load.finish()
        assert load.unanswered > 0
        assert await load.faults() == []


async def test_an_embedded_server_dies_alone(tmp_path: Path, config: Path, seed: int) -> None:
    async with service(tmp_path, config) as process, under_load([process.base], stream_url(process), seed) as load:
        await load.more(30)
        os.kill(process.server_pid(), signal.SIGKILL)
        began = time.monotonic()
        await load.more(1)
        print(f"taking calls again after {time.monotonic() - began:.2f} s")
        await load.more(29)
        await load.finish()
        assert await load.faults() == []
