"""Two services on one server: each may take any request, freeze, die or come back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.store.embedded import EmbeddedServer
from tests.support.fleet import ServiceProcess, client, services
from tests.support.lateness import lateness
from tests.support.load import under_load
from tests.support.waiting import wait_until

FROZEN_S = 10.0
"""Longer than a request and a command wait for their answer."""

Pair = list[ServiceProcess]


@pytest.fixture
async def pair(tmp_path: Path, config: Path, fresh_server: EmbeddedServer) -> AsyncIterator[Pair]:
    async with services(2, tmp_path, config, redis=fresh_server.url) as started:
        yield started


def bases(pair: Pair) -> list[str]:
    return [process.base for process in pair]


async def test_they_share_the_work_and_follow_each_other_s_plans(
    pair: Pair, fresh_server: EmbeddedServer, seed: int
) -> None:
    async with (
        client(pair[0]) as here,
        client(pair[1]) as there,
        under_load(bases(pair), fresh_server.url, seed) as load,
    ):
        took = []
        for wait_ms in (200, 400, 300):
            await load.more(25)
            plan = (await here.get("/v1/plan")).json["plan"]
            plan["ladders"]["vip"][0]["wait"] = wait_ms
            version = (await here.put("/v1/plan", plan)).json["version"]
            began = time.monotonic()

            async def followed(version: int = version) -> bool:
                return bool((await there.get("/v1/plan")).json["version"] == version)

            await wait_until(followed)
            took.append(time.monotonic() - began)
        await load.finish()
        print(f"a plan was followed after {[round(s * 1000) for s in took]} ms")
        assert min(took) < 3
        assert await load.faults() == []


async def test_one_is_killed_and_the_other_goes_on(pair: Pair, fresh_server: EmbeddedServer, seed: int) -> None:
    async with under_load(bases(pair), fresh_server.url, seed) as load:
        await load.more(40)
        await pair[0].kill()
        await load.more(40)
        await pair[0].start()
        await load.more(40)
        await load.finish()
        assert load.unanswered > 0
        assert await load.faults() == []


async def test_one_is_frozen_and_wakes(pair: Pair, fresh_server: EmbeddedServer, seed: int) -> None:
    async with under_load(bases(pair), fresh_server.url, seed, calls_per_s=20) as load:
        await load.more(20)
        pair[0].signal(signal.SIGSTOP)
        frozen_at = time.monotonic()
        await load.more(20)
        ended = len(load.ended)
        await asyncio.sleep(frozen_at + FROZEN_S - time.monotonic())  # the freeze itself
        assert len(load.ended) > ended
        pair[0].signal(signal.SIGCONT)
        await load.more(20)
        await load.finish()
        assert await load.faults() == []
        assert max(lateness(load.tape.events)) < FROZEN_S * 1000 / 4  # the other one acts on all deadlines
