"""Processes that freeze and die while they dial: nobody is rung twice, and no ring is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.desk_stage import ADA, Line, offer_of
from tests.support.outbox_process import FarProvider, freeze, outbox_process, thaw
from tests.support.outbox_stage import booked, caller, settled
from tests.support.service import DATABASE, Api
from tests.support.waiting import wait_until


@pytest.fixture
async def provider() -> AsyncIterator[FarProvider]:
    async with FarProvider().running() as found:
        yield found


@pytest.fixture
def redis(database: str) -> str:
    return f"{database}?db={DATABASE}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


async def leg_of(api: Api, call_id: str, leg_id: str) -> str:
    found = await api.site.channel.call("HGET", api.site.keys.own(f"o:{call_id}"), f"leg:{leg_id}")
    return found.decode() if found else ""


async def rings(api: Api) -> str:
    """Ada calls and her agent is to be rung; answers the offer."""
    await api.ready("agent-7")
    await caller(api).calls(ADA)
    return await offer_of(api, "n1")


@pytest.mark.parametrize("when", ["before/originate", "originate"])
async def test_frozen_in_the_middle_of_sending(
    api: Api, redis: str, config: Path, provider: FarProvider, when: str
) -> None:
    """Before the request is out: it never goes out. After: whoever took over finds the leg."""
    gate = provider.gates[when] = asyncio.Event()
    async with outbox_process(redis, config, provider) as first:
        offer = await rings(api)
        await wait_until(lambda: any(path.startswith(when) for path in provider.asked))
        freeze(first)
        del provider.gates[when]
        gate.set()  # the answer waits in the frozen process's socket
        async with outbox_process(redis, config, provider):
            await wait_until(lambda: provider.placed == [offer], timeout=10)
            await settled(api)
            thaw(first)
            await wait_until(lambda: f"find/{offer}" in provider.asked)
            await asyncio.sleep(0.5)  # it hears what was answered while it slept, and goes on
            assert provider.placed == [offer]
            assert provider.ended() == []
            assert await leg_of(api, "n1", offer) == "sid-1"


async def dialled(api: Api, provider: FarProvider) -> tuple[Line, str]:
    """Priya is to be called back, and an agent has taken it; answers the callback and the offer."""
    back = await booked(api)
    await api.ready("agent-4")
    await wait_until(lambda: len(provider.placed) == 1, timeout=10)
    offer = await offer_of(api, back.call_id)
    agent = caller(api, back.call_id)
    await agent.picks_up(offer)
    await agent.takes(offer)
    return back, offer


async def test_killed_while_the_customer_is_dialled(api: Api, redis: str, config: Path, provider: FarProvider) -> None:
    """Whoever comes next finds the leg, and does not dial again."""
    async with outbox_process(redis, config, provider) as first:
        call = asyncio.create_task(dialled(api, provider))
        await wait_until(lambda: len(provider.placed) == 1, timeout=10)
        gate = provider.gates["originate"] = asyncio.Event()
        back, offer = await call
        await wait_until(lambda: len(provider.placed) == 2, timeout=10)
        first.kill()
        await first.wait()
        del provider.gates["originate"]
        gate.set()
    async with outbox_process(redis, config, provider):
        await settled(api)
        assert provider.placed == [offer, f"{offer}c"]
        assert await leg_of(api, back.call_id, f"{offer}c") == "sid-2"
