"""A new release is put in place while calls come in: no request fails, no reply is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from loadtests.carriers.twilio import FakeTwilio
from loadtests.processes import workers_of
from router.store.embedded import EmbeddedServer, socket_path
from tests.support.fleet import ServiceProcess, client, service, services
from tests.support.lines import SPEED, TOKEN, Lines, carried_by
from tests.support.load import AGENTS
from tests.support.servers import free_port
from tests.support.service import SECRET
from tests.support.tape import read_stream
from tests.support.waiting import wait_until

PLATFORMS = 3
LINGER_S = 0.6
LOOKS_EVERY_S = 0.1


class Platform:
    """Sends one call after another and never repeats itself: whatever goes wrong is in `failures`."""

    def __init__(self, name: int, where: Callable[[], str]) -> None:
        self.answered: set[str] = set()
        self.failures: list[str] = []
        self._name = name
        self._where = where

    async def send(self) -> None:
        """Until cancelled. Every second platform keeps its connections."""
        headers = {"Authorization": f"Bearer {SECRET}"}
        connector = aiohttp.TCPConnector(force_close=bool(self._name % 2))
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            for number in count():
                call_id = f"call-{self._name}-{number}"
                body = {"call_id": call_id, "from": f"+447700900{self._name:03}", "to": "+12025550199"}
                try:
                    async with session.post(f"{self._where()}/v1/calls", json=body) as response:
                        await response.read()
                        if response.status != 201:
                            self.failures.append(f"{call_id}: {response.status}")
                except aiohttp.ClientError as error:
                    self.failures.append(f"{call_id}: {error!r}")
                else:
                    self.answered.add(call_id)
                await asyncio.sleep(0.06)


class Crowd:
    """Platforms at work inside the block."""

    def __init__(self, where: Callable[[], str]) -> None:
        self.platforms = [Platform(number, where) for number in range(PLATFORMS)]

    @property
    def failures(self) -> list[str]:
        return [failure for platform in self.platforms for failure in platform.failures]

    @property
    def answered(self) -> set[str]:
        return set().union(*(platform.answered for platform in self.platforms))

    async def more(self) -> None:
        """Return when every platform has been answered some more times."""
        goals = [(platform, len(platform.answered) + 6) for platform in self.platforms]
        await wait_until(lambda: all(len(platform.answered) >= goal for platform, goal in goals), 30)

    async def __aenter__(self) -> Crowd:
        self._sending = [asyncio.create_task(platform.send()) for platform in self.platforms]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)


async def accepted_once(url: str, crowd: Crowd) -> None:
    """Everything that was answered stands in the stream, once."""
    answered = crowd.answered  # before the stream is read: meanwhile there will be more
    accepted = [event.fields["call"] for event in await read_stream(url) if event.type == "call.accepted"]
    assert len(accepted) == len(set(accepted))
    assert answered <= set(accepted)


async def test_workers_are_replaced_one_after_another(tmp_path: Path, config: Path) -> None:
    """The carrier's stand-in fails the test when a request of its own is not answered as it should be."""
    fake, port = FakeTwilio(TOKEN, speed=SPEED), free_port()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(fake.running())
        carried_by(fake, config)
        settings: dict[str, Any] = {"port": port, "workers": 2, "public_url": f"http://127.0.0.1:{port}"}
        process = await stack.enter_async_context(service(tmp_path, config, **settings))
        api = await stack.enter_async_context(client(process))
        await api.ready(*AGENTS)
        lines = Lines(fake, process.base)
        crowd = await stack.enter_async_context(Crowd(lambda: process.base))
        await wait_until(lambda: len(workers_of(process.pid)) == 2)
        before = set(workers_of(process.pid))
        await crowd.more()
        process.signal(signal.SIGUSR2)
        while '"workers replaced"' not in process.log:
            await lines.more(1)
            await asyncio.sleep(0.3)
        await crowd.more()
        await wait_until(lambda: len(workers_of(process.pid)) == 2, 10)
        assert before.isdisjoint(workers_of(process.pid))
        assert crowd.failures == []
        await accepted_once(f"unix://{socket_path(process.data)}", crowd)
        assert {offer: times for offer, times in lines.rings().items() if times > 1} == {}
        await fake.fall_silent()


@pytest.mark.parametrize("restarts", [1, pytest.param(2, marks=pytest.mark.soak)])
async def test_services_are_restarted_one_after_another(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer, restarts: int
) -> None:
    """Behind a balancer that asks /readyz and sends calls to whoever says yes."""
    async with AsyncExitStack() as stack:
        settings: dict[str, Any] = {"redis": fresh_server.url, "linger_s": LINGER_S}
        pair = await stack.enter_async_context(services(2, tmp_path, config, **settings))
        balancer = Balancer(pair)
        balancing = asyncio.create_task(balancer.look())
        crowd = await stack.enter_async_context(Crowd(balancer.where))
        for process in pair[:restarts]:
            await crowd.more()
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0
            await crowd.more()
            await process.start()
        await crowd.more()
        assert crowd.failures == []
        await accepted_once(fresh_server.url, crowd)
        balancing.cancel()
        await asyncio.gather(balancing, return_exceptions=True)


class Balancer:
    """Sends to each process in turn that was ready when it looked last."""

    def __init__(self, processes: list[ServiceProcess]) -> None:
        self._processes = processes
        self._ready = list(processes)
        self._turn = count()

    def where(self) -> str:
        return self._ready[next(self._turn) % len(self._ready)].base

    async def look(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                self._ready = [process for process in self._processes if await _is_ready(session, process)]
                await asyncio.sleep(LOOKS_EVERY_S)


async def _is_ready(session: aiohttp.ClientSession, process: ServiceProcess) -> bool:
    try:
        async with session.get(f"{process.base}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
