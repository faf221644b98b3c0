"""A master watched by three Sentinels dies under load, and what was acknowledged is still there."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from router.store.connect import open_store
from tests.support.fleet import service
from tests.support.load import under_load
from tests.support.pulse import pulse
from tests.support.readers import as_told, caught_up
from tests.support.servers import DOWN_AFTER_MS, sentinel_trio
from tests.support.tape import read_stream
from tests.support.waiting import wait_until

FROZEN_S = 8.0
OUTAGE_MAX = 10.0
"""Of the time after which Sentinels take a master for dead."""


@pytest.mark.parametrize("dies", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["killed", "frozen"])
async def test_the_master_is_gone_under_load(tmp_path: Path, config: Path, seed: int, dies: bool) -> None:
    async with AsyncExitStack() as stack:
        url, nodes, _ = stack.enter_context(sentinel_trio(tmp_path / "sentinels"))
        process = await stack.enter_async_context(service(tmp_path, config, redis=url))
        store = await open_store(url)
        stack.push_async_callback(store.close)
        beat = await stack.enter_async_context(pulse(store.channel_for("main"), "main"))
        load = await stack.enter_async_context(under_load([process.base], url, seed))
        await load.more(15)
        gone_at = time.monotonic()
        if dies:
            nodes[0].kill()
        else:
            os.kill(nodes[0].pid, signal.SIGSTOP)
        await load.more(20)
        if not dies:
            await asyncio.sleep(gone_at + FROZEN_S - time.monotonic())  # the freeze itself
            os.kill(nodes[0].pid, signal.SIGCONT)
            await load.more(15)
        await load.finish()
        ratio = beat.longest_pause_s * 1000 / DOWN_AFTER_MS
        print(f"outage {beat.longest_pause_s:.2f} s = {ratio:.1f} times down-after")
        assert beat.since(gone_at)
        assert ratio <= OUTAGE_MAX
        assert await beat.lost() == 0
        assert await load.faults() == []
        await wait_until(lambda: caught_up(store.channel_for("main")), 10)
        await as_told(store.channel_for("main"), await read_stream(url))
