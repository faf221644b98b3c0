"""The process that leads everything freezes for longer than its leases, and wakes amid what it was doing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from loadtests.carriers.twilio import FakeTwilio
from loadtests.verdict import Verdict
from router.store.channel import Channel
from router.store.embedded import EmbeddedServer
from router.store.keyspace import Keyspace
from tests.support.fleet import ServiceProcess, client, service
from tests.support.lines import SPEED, TOKEN, Lines, carried_by
from tests.support.load import AGENTS, HEAD_STARTS
from tests.support.readers import as_told, caught_up
from tests.support.servers import free_port
from tests.support.tape import read_stream
from tests.support.waiting import wait_until


@asynccontextmanager
async def pair(folder: Path, config: Path, redis: str) -> AsyncIterator[tuple[ServiceProcess, ServiceProcess]]:
    """The first leads, the second is the one whom carriers ask."""
    port = free_port()
    common: dict[str, Any] = {
        "program": "tests.support.impatient",
        "redis": redis,
        "public_url": f"http://127.0.0.1:{port}",
    }
    async with (
        service(folder / "leads", config, port=free_port(), **common) as first,
        service(folder / "asked", config, port=port, **common) as second,
    ):
        yield first, second


@pytest.mark.parametrize("frozen_s", [3.0, pytest.param(30.0, marks=pytest.mark.soak)])
async def test_it_does_no_harm(tmp_path: Path, config: Path, fresh_server: EmbeddedServer, frozen_s: float) -> None:
    fake, channel = FakeTwilio(TOKEN, speed=SPEED), await Channel.open(fresh_server.url)
    async with fake.running():
        carried_by(fake, config)
        async with pair(tmp_path, config, fresh_server.url) as (leader, asked), client(asked) as api:
            lines = Lines(fake, asked.base)
            await api.ready(*AGENTS)
            await lines.more(9)
            led_by = await leads(channel)
            leader.signal(signal.SIGSTOP)
            began = asyncio.get_running_loop().time()
            rung = len(lines.rings())
            await lines.more(9)
            await wait_until(lambda: len(lines.rings()) > rung + 3, 20)
            assert await leads(channel) not in (None, led_by)
            await asyncio.sleep(began + frozen_s - asyncio.get_running_loop().time())  # the freeze itself
            leader.signal(signal.SIGCONT)
            await lines.more(9)
            await lines.over()
            await wait_until(lambda: caught_up(channel), 30)
            events = await read_stream(fresh_server.url)
            await fake.fall_silent()
            print(f"{lines.calls} calls, {lines.rings().total()} rings, {len(events)} entries")
            assert {offer: times for offer, times in lines.rings().items() if times > 1} == {}
            verdict = Verdict(HEAD_STARTS).read(events)
            assert verdict.close((), {}, ()) == []
            assert verdict.counts["call.accepted"] + verdict.counts["call.greeting"] >= lines.calls
            await as_told(channel, events)
    await channel.close()


async def leads(channel: Channel) -> bytes | None:
    """Whose turn it is to dial."""
    found: bytes | None = await channel.call("GET", Keyspace("main").own("outbox:by"))
    return found
