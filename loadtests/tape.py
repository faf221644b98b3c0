"""The event stream as it is written, followed from outside the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.domain.events import Event
from router.events.stream import read_entry
from router.store.channel import Channel, ChannelError, ServerError
from router.store.keyspace import Keyspace

STREAM = Keyspace("main").events
PAGE = 2_000
LOOK_S, PATIENCE_S = 0.01, 0.1


class Tape:
    """`events`: all of it, oldest first. Each is also told to `listen`."""

    def __init__(self, listen: Callable[[Event], None]) -> None:
        self.events: list[Event] = []
        self._listen = listen

    async def follow(self, url: str) -> None:
        """Until cancelled; a server that is away is waited for."""
        channel = await Channel.open(url)
        try:
            while True:
                try:
                    await self._read(channel)
                except (ChannelError, ServerError):
                    await asyncio.sleep(PATIENCE_S)
        finally:
            await channel.close()

    async def _read(self, channel: Channel) -> None:
        after = f"({self.events[-1].entry_id}" if self.events else "-"
        rows = await channel.call("XRANGE", STREAM, after, "+", "COUNT", PAGE)
        for row in rows:
            event = read_entry(row)
            self.events.append(event)
            self._listen(event)
        if len(rows) < PAGE:
            await asyncio.sleep(LOOK_S)
