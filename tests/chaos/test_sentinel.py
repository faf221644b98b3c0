"""A master watched by three Sentinels dies under load, and what was acknowledged is still there."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from pathlib import Path

from router.store.connect import open_store
from tests.support.fleet import service
from tests.support.load import under_load
from tests.support.pulse import pulse
from tests.support.servers import DOWN_AFTER_MS, sentinel_trio

OUTAGE_MAX = 6.0
"""Of the time after which Sentinels take a master for dead."""


async def test_the_master_dies_under_load(tmp_path: Path, config: Path, seed: int) -> None:
    async with AsyncExitStack() as stack:
        url, nodes, _ = stack.enter_context(sentinel_trio(tmp_path / "sentinels"))
        process = await stack.enter_async_context(service(tmp_path, config, redis=url))
        store = await open_store(url)
        stack.push_async_callback(store.close)
        beat = await stack.enter_async_context(pulse(store.channel_for("main"), "main"))
        load = await stack.enter_async_context(under_load([process.base], url, seed))
        await load.more(30)
        nodes[0].kill()
        killed_at = time.monotonic()
        await load.more(40)
        await load.finish()
        ratio = beat.longest_pause_s * 1000 / DOWN_AFTER_MS
        print(f"outage {beat.longest_pause_s:.2f} s = {ratio:.1f} times down-after")
        assert beat.since(killed_at)
        assert ratio <= OUTAGE_MAX
        assert await beat.lost() == 0
        assert await load.faults() == []
