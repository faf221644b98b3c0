"""All troubles in random order, for minutes: `make soak`."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from router.store.embedded import EmbeddedServer
from tests.support.fleet import ServiceProcess, client, services
from tests.support.load import Load, under_load
from tests.support.proxy import Proxy, proxy
from tests.support.waiting import wait_until

TROUBLES = 15
CALLS_BETWEEN = 60


class Trouble:
    """Each method makes one, and returns when it is over but for its consequences."""

    def __init__(self, server: EmbeddedServer, between: Proxy, pair: list[ServiceProcess], seed: int) -> None:
        self._server = server
        self._between = between
        self._pair = pair
        self._random = random.Random(seed)

    async def next(self, load: Load) -> None:
        kinds: list[Callable[[Load], Awaitable[None]]] = [
            self._server_dies,
            self._service_dies,
            self._service_stops,
            self._service_freezes,
            self._replies_are_lost,
            self._plan_changes,
        ]
        await self._random.choice(kinds)(load)

    async def _server_dies(self, load: Load) -> None:
        deaths = self._server.restarts
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGKILL)
        await wait_until(lambda: self._server.restarts > deaths)

    async def _service_dies(self, load: Load) -> None:
        await self._ends(signal.SIGKILL, load)

    async def _service_stops(self, load: Load) -> None:
        await self._ends(signal.SIGTERM, load)

    async def _ends(self, number: int, load: Load) -> None:
        process = self._random.choice(self._pair)
        process.signal(number)
        await process.ended()
        await load.more(5)
        await process.start()

    async def _service_freezes(self, load: Load) -> None:
        process = self._random.choice(self._pair)
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(1, 12))  # the freeze itself
        process.signal(signal.SIGCONT)

    async def _replies_are_lost(self, load: Load) -> None:
        for _ in range(20):
            lost = self._between.lost
            self._between.lose_a_reply()
            await wait_until(lambda lost=lost: self._between.lost > lost, 30)  # type: ignore[misc]

    async def _plan_changes(self, load: Load) -> None:
        async with client(self._random.choice(self._pair)) as api:
            plan = (await api.get("/v1/plan")).json["plan"]
            plan["ladders"]["vip"][0] |= {"wait": self._random.randrange(50, 1000), "max_waiting": 5}
            await api.put("/v1/plan", plan)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(5))
async def test_everything_at_once(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer, number: int, seed: int
) -> None:
    keeper = asyncio.create_task(fresh_server.keep_alive())
    chosen = seed * 1000 + number
    async with (
        proxy(tmp_path, fresh_server.socket_path) as between,
        services(2, tmp_path, config, redis=between.url) as pair,
        under_load([process.base for process in pair], fresh_server.url, chosen) as load,
    ):
        trouble = Trouble(fresh_server, between, pair, chosen)
        for _ in range(TROUBLES):
            await load.more(CALLS_BETWEEN)
            await trouble.next(load)
        await load.more(CALLS_BETWEEN)
        await load.finish()
        assert await load.faults() == []
    fresh_server.stop()
    await keeper
