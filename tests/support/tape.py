"""A site's event stream as somebody outside sees it: followed while things happen, and read whole afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.domain.events import Event
from router.events.stream import read_entry
from router.store.keyspace import Keyspace

STREAM = Keyspace("main").events
PATIENCE_MS = 500
PAGE = 5_000


class Tape:
    """`events` is what has been seen so far; each is also told to `listen`. Outages are waited out."""

    def __init__(self, url: str, listen: Callable[[Event], None]) -> None:
        self.events: list[Event] = []
        self._url = url
        self._listen = listen
        self._redis = Redis.from_url(url, protocol=2)
        self._follower = asyncio.create_task(self._follow())

    async def close(self) -> None:
        while not self._follower.done():  # redis-py can lose a cancellation while it connects
            self._follower.cancel()
            await asyncio.wait([self._follower], timeout=0.1)
        await self._redis.aclose()

    async def whole(self) -> list[Event]:
        """The stream from its beginning. AssertionError: something seen before is not in it any more."""
        seen = list(self.events)
        found = await read_stream(self._url)
        kept = {event.entry_id for event in found}
        undone = [event for event in seen if event.entry_id not in kept]
        assert not undone, f"{len(undone)} entries were seen and are gone, the first is {undone[0].raw}"
        return found

    async def _follow(self) -> None:
        last = "0"
        while True:
            try:
                reply: Any = await self._redis.xread({STREAM: last}, PAGE, PATIENCE_MS)
            except (RedisError, OSError):
                await asyncio.sleep(0.02)
                continue
            for entry in reply[0][1] if reply else ():
                event = read_entry(entry)
                last = event.entry_id
                self.events.append(event)
                self._listen(event)


async def read_stream(url: str) -> list[Event]:
    """Every entry, oldest first."""
    found: list[Event] = []
    start = "-"
    async with Redis.from_url(url, protocol=2) as client:
        while page := await client.xrange(STREAM, start, "+", PAGE):
            found += map(read_entry, page)
            start = f"({found[-1].entry_id}"
    return found
