"""Reads a site's event stream as one consumer group: new entries, and those of a process that died in the middle."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from router.domain.events import Event, parse
from router.logging_ import say

BLOCK_MS = 2_000
BATCH = 256
CLAIM_EVERY_S = 5.0
STALE_MS = 30_000
PACE_S = 0.1
"""So long entries gather before they are read: reading one costs nearly what reading many does."""

log = logging.getLogger("vipline.events")


class Connection(Protocol):
    """A connection of our own: it waits in the server, so nothing else may queue behind it."""

    async def call(self, *args: str | bytes | int) -> Any: ...


Handle = Callable[[Sequence[Event]], Awaitable[None]]


class GroupReader:
    """Hands entries to `handle` in stream order and acknowledges them when it returns.

    `types`: the beginnings of the entries wanted; all others are done with at once.
    At least once: a batch whose handler failed, or whose process died, is handed out again. `handle` must not mind.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        group: str,
        consumer: str,
        handle: Handle,
        types: tuple[str, ...] = ("",),
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._group = group
        self._consumer = consumer
        self._handle = handle
        self._types = tuple(one.encode() for one in types)
        self._claim_at = 0.0

    async def run(self) -> None:
        """Read until cancelled; a server that is away is tried again."""
        failed = False
        while True:
            try:
                await self.create()
                if failed:
                    failed = False  # what fails twice is left to time: it must not hold up everything behind it
                    await self.take_up()
                failed = True
                while True:
                    count = await self.read()
                    await asyncio.sleep(0 if count >= BATCH else PACE_S)
            except Exception as error:
                # NOGROUP: the group was cut off or the server lost it; create() makes it again.
                say(log, logging.WARNING, "stream reader failed", group=self._group, error=type(error).__name__)
                self._claim_at = 0.0
                await asyncio.sleep(0.5)

    async def create(self) -> None:
        """Make the group, from the stream's beginning, unless it is there."""
        try:
            await self._do("XGROUP", "CREATE", self._stream, self._group, "0", "MKSTREAM")
        except Exception as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def read(self, block_ms: int = BLOCK_MS) -> int:
        """One batch: how many entries were handled."""
        count = 0
        if time.monotonic() >= self._claim_at:
            count = await self._claim()
        rows = await self._do(
            "XREADGROUP",
            "GROUP",
            self._group,
            self._consumer,
            "COUNT",
            BATCH,
            "BLOCK",
            block_ms,
            "STREAMS",
            self._stream,
            ">",
        )
        if not rows:
            return count
        entries = next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1]
        return count + await self._pass_on(entries)

    async def take_up(self) -> None:
        """What was handed to us and not done with: the server, or the handler, failed in the middle of it."""
        while rows := await self._do(
            "XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", BATCH, "STREAMS", self._stream, "0"
        ):
            entries = next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1]
            if not entries:
                return
            await self._pass_on(entries)

    async def _claim(self) -> int:
        """Entries handed to somebody who has not acknowledged them for long."""
        self._claim_at = time.monotonic() + CLAIM_EVERY_S
        cursor, entries = "0-0", []
        while True:
            cursor, found, *_ = await self._do(
                "XAUTOCLAIM", self._stream, self._group, self._consumer, STALE_MS, cursor, "COUNT", BATCH
            )
            entries += found
            if len(entries) >= BATCH:
                self._claim_at = 0.0  # there may be more of them
            if cursor in (b"0-0", "0-0") or len(entries) >= BATCH:
                return await self._pass_on(entries) if entries else 0

    async def _pass_on(self, entries: Sequence[Any]) -> int:
        events = [read_entry(entry) for entry in entries if entry[1] and _text(entry).startswith(self._types)]
        if events:
            await self._handle(events)
        await self._do("XACK", self._stream, self._group, *(entry[0] for entry in entries))
        return len(entries)

    async def _do(self, *args: Any) -> Any:
        return await self._connection.call(*args)


def read_entry(entry: Any) -> Event:
    """A stream entry as the server sends it, `[id, [b"e", text]]`, or as redis-py makes it, `(id, {b"e": text})`."""
    return parse(entry[0].decode(), _text(entry).decode())


def _text(entry: Any) -> bytes:
    fields = entry[1]
    text: bytes = fields[b"e"] if isinstance(fields, dict) else fields[1]
    return text
