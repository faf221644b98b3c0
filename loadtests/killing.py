"""Kills what a run shall do without, at its moments, and brings it back as an operator's machine would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from loadtests.meter import Meter
from loadtests.outages import Kind, Outage, moments
from loadtests.servers import PlainServer, linked
from loadtests.services import Ground

AWAY_S = 5.0
"""How long a service or a server is away before it is started again; in short runs less."""
PATIENCE_S, LOOK_S = 60.0, 0.1


class Killer:
    """`outages`: what has been killed so far. `seconds`: how long callers come."""

    def __init__(self, ground: Ground, meter: Meter, kinds: Sequence[Kind], seconds: float) -> None:
        self.outages: list[Outage] = []
        self._ground = ground
        self._meter = meter
        self._moments = moments(kinds, seconds)
        self._away_s = min(AWAY_S, seconds / 12)
        self._turn = count()

    async def run(self, began: asyncio.Event) -> None:
        """From the first caller on until all is back; one after the other, so that what is killed has come back before.

        TimeoutError: something did not come back.
        """
        await began.wait()
        since = time.monotonic()
        act = {"worker": self._worker, "service": self._service, "master": self._master}
        for at_s, kind in self._moments:
            await asyncio.sleep(max(0.0, since + at_s - time.monotonic()))
            outage = Outage(kind, time.time())
            self.outages.append(outage)
            await act[kind](outage)
            outage.back_at = time.time()

    async def _worker(self, outage: Outage) -> None:
        turn = next(self._turn)
        service = self._ground.services[turn % len(self._ground.services)]
        await _until(lambda: len(service.workers()) > 1)
        workers = service.workers()
        outage.at = time.time()
        await service.kill_worker(workers[turn % len(workers)])
        outage.gone_at = time.time()
        await service.replaced()

    async def _service(self, outage: Outage) -> None:
        service = self._ground.services[next(self._turn) % len(self._ground.services)]
        outage.at = time.time()
        await service.kill()
        outage.gone_at = time.time()
        await asyncio.sleep(self._away_s)
        await service.start()
        self._meter.watch_service(service.pid)

    async def _master(self, outage: Outage) -> None:
        nodes = self._ground.nodes
        (master,) = [node for node in nodes if await asyncio.to_thread(_is_master, node)]
        others = [node for node in nodes if node is not master]
        outage.at = time.time()
        master.kill()
        # Not before: started again while another is being elected, it takes what is lost a moment later.
        await _until(lambda: self._all_follow(others))
        await asyncio.sleep(max(0.0, outage.at + self._away_s - time.time()))
        master.launch()
        self._meter.watch_service(master.pid)
        await _until(master.listens)
        await _until(lambda: linked(master))

    def _all_follow(self, nodes: Sequence[PlainServer]) -> bool:
        """One of them is the master by all Sentinels, and the others have found it."""
        places: list[Any] = [one.client.sentinel_get_master_addr_by_name("calls") for one in self._ground.sentinels]
        masters = [node for node in nodes if _is_master(node)]
        return {port for _, port in places} == {node.port for node in masters} and all(
            linked(node) for node in nodes if node not in masters
        )


def _is_master(node: PlainServer) -> bool:
    role: list[bytes] = node.client.role()
    return role[0] == b"master"


async def _until(condition: Callable[[], bool]) -> None:
    """`condition` is asked outside the loop. TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(LOOK_S)
