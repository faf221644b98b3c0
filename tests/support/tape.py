"""A site's event stream as somebody outside sees it: followed while things happen, and read whole afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from router.domain.events import Event
from router.events.stream import read_entry
from router.store.channel import ChannelError, ServerError
from router.store.connect import open_store
from router.store.keyspace import Keyspace

STREAM = Keyspace("main").events
PATIENCE_MS = 500
PAGE = 5_000


class Tape:
    """`events` is what has been seen so far; each is also told to `listen`. Outages are waited out.

    `url` is of any kind that the service takes.
    """

    def __init__(self, url: str, listen: Callable[[Event], None]) -> None:
        self.events: list[Event] = []
        self._url = url
        self._listen = listen
        self._follower = asyncio.create_task(self._follow())

    async def close(self) -> None:
        self._follower.cancel()
        with suppress(asyncio.CancelledError):
            await self._follower

    async def whole(self) -> list[Event]:
        """The stream from its beginning. AssertionError: something seen before is not in it any more."""
        seen = list(self.events)
        found = await read_stream(self._url)
        kept = {event.entry_id for event in found}
        undone = [event for event in seen if event.entry_id not in kept]
        assert not undone, f"{len(undone)} entries were seen and are gone, the first is {undone[0].raw}"
        return found

    async def _follow(self) -> None:
        store = await open_store(self._url)
        channel = store.blocking("main")
        last = "0"
        try:
            while True:
                try:
                    reply = await channel.call("XREAD", "COUNT", PAGE, "BLOCK", PATIENCE_MS, "STREAMS", STREAM, last)
                except (ChannelError, ServerError):
                    await asyncio.sleep(0.02)
                    continue
                for entry in reply[0][1] if reply else ():
                    event = read_entry(entry)
                    last = event.entry_id
                    self.events.append(event)
                    self._listen(event)
        finally:
            await channel.close()
            await store.close()


async def read_stream(url: str) -> list[Event]:
    """Every entry, oldest first."""
    found: list[Event] = []
    start = "-"
    store = await open_store(url)
    try:
        while page := await store.channel_for("main").call("XRANGE", STREAM, start, "+", "COUNT", PAGE):
            found += map(read_entry, page)
            start = f"({found[-1].entry_id}"
    finally:
        await store.close()
    return found
