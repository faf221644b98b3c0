"""Views when their process stops or dies: they end at once, and go on elsewhere where they ended."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import aiohttp

from router.store.embedded import EmbeddedServer
from tests.support.fleet import client, services
from tests.support.sse import Wall, watching


async def test_a_view_goes_on_at_the_next_process(tmp_path: Path, config: Path, fresh_server: EmbeddedServer) -> None:
    """The first is stopped, the second has it: one snapshot, nothing missed, nothing twice."""
    wall = Wall()
    async with services(2, tmp_path, config, redis=fresh_server.url) as (first, second):
        async with client(first) as api, watching(api, wall) as view:
            await view.next()
            await api.call("c1", None)
            await view.until(lambda wall: "c1" in wall.calls)
            began = time.monotonic()
            first.signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(5):
                    while True:
                        await view.next()
            except (EOFError, aiohttp.ClientError):
                assert time.monotonic() - began < 4
            assert await first.ended() == 0
        async with client(second) as api:
            await api.call("c2", None)
            async with watching(api, wall) as view:
                await view.until(lambda wall: "c2" in wall.calls)
                await api.post("/v1/calls/c1/events", {"event_id": "e1", "type": "hangup"})
                await view.until(lambda wall: "c1" not in wall.calls)
    assert wall.kinds.count("snapshot") == 1
    assert set(wall.calls) == {"c2"}
