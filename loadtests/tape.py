"""The event stream as it is written, followed from outside the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.domain.events import Event
from router.events.stream import read_entry
from router.store.channel import Channel, ChannelError, ServerError
from router.store.connect import open_store
from router.store.keyspace import Keyspace

SITE = "main"
STREAM = Keyspace(SITE).events
PAGE = 2_000
LOOK_S, PATIENCE_S = 0.01, 0.1


class Tape:
    """`events`: all of it, oldest first. Each is also told to `listen`."""

    def __init__(self, listen: Callable[[Event], None]) -> None:
        self.events: list[Event] = []
        self._listen = listen

    async def follow(self, url: str) -> None:
        """Until cancelled; a server that is away is waited for, and a new master followed."""
        store = await open_store(url)
        try:
            while True:
                try:
                    await self._read(store.channel_for(SITE))
                except (ChannelError, ServerError):
                    await asyncio.sleep(PATIENCE_S)
        finally:
            await store.close()

    async def compare(self, url: str) -> list[str]:
        """Hold what was read to what the server has in the end, and go on with that. Answers what was lost, in words.

        Nothing is said of what was trimmed.
        """
        store = await open_store(url)
        try:
            kept: list[Event] = []
            while rows := await store.channel_for(SITE).call(
                "XRANGE", STREAM, f"({kept[-1].entry_id}" if kept else "-", "+", "COUNT", PAGE
            ):
                kept += map(read_entry, rows)
        finally:
            await store.close()
        ids = {event.entry_id for event in kept}
        begin = next((at for at, event in enumerate(self.events) if event.entry_id in ids), len(self.events))
        lost = [event for event in self.events[begin:] if event.entry_id not in ids]
        self.events = self.events[:begin] + kept
        return [f"{len(lost)} entries were written and are gone, the first: {lost[0].raw}"] if lost else []

    async def _read(self, channel: Channel) -> None:
        after = f"({self.events[-1].entry_id}" if self.events else "-"
        rows = await channel.call("XRANGE", STREAM, after, "+", "COUNT", PAGE)
        for row in rows:
            event = read_entry(row)
            self.events.append(event)
            self._listen(event)
        if len(rows) < PAGE:
            await asyncio.sleep(LOOK_S)
