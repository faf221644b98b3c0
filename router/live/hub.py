"""One reader of a site's stream in a process, for all who watch: viewers never ask the server themselves.

A viewer's backlog is the names of what has changed since it was told last, never the changes: whoever reads slowly gets
fewer and larger deltas, each with the newest state, and nothing grows with time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from router.domain.events import Event, order, parse
from router.domain.timeline import why
from router.events.stream import read_entry
from router.live.picture import Picture
from router.live.reading import draw
from router.logging_ import say
from router.store.engine import Engine

BATCH = 512
BLOCK_MS = 1_000
PACE_S = 0.1
LINGER_S = 30.0
STALE_S = 300.0
"""The trimmer leaves the last ten minutes: whoever read less than five ago has missed nothing."""
BACKLOG = 20_000
REMEMBER = 2_000
"""Calls that ended of which it is still known how."""
RETRY_S = 0.5
PATIENCE_S = 5.0
PAGE = 1_000

Name = tuple[str, str]
"""What changed: ("c", call), ("a", agent) or ("g", group)."""

log = logging.getLogger("vipline.live")


class Told(NamedTuple):
    """One thing that happened to a call, and why. `entry_id`: its place in the stream."""

    type: str
    why: str
    entry_id: str
    at_ms: int


class Waiting(Protocol):
    """A connection of our own, that may wait in the server."""

    async def call(self, *args: str | bytes | int) -> Any: ...

    async def close(self) -> None: ...


class Viewer:
    """One who watches. `pending` None: needs a snapshot; else what to tell, which must not be changed in place."""

    def __init__(self) -> None:
        self.pending: frozenset[Name] | None = frozenset()
        self.wake = asyncio.Event()
        self.closed = False

    def add(self, changed: frozenset[Name]) -> None:
        if self.pending is not None:
            self.pending = changed if not self.pending else self.pending | changed
            if len(self.pending) > BACKLOG:
                self.pending = None
        self.wake.set()

    def begin_anew(self) -> None:
        self.pending = None
        self.wake.set()

    def close(self) -> None:
        self.closed = True
        self.wake.set()


class Hub:
    """One site's, in one process. It reads while anybody watches, and a little longer."""

    def __init__(self, engine: Engine, connect: Callable[[], Waiting]) -> None:
        self._engine = engine
        self._connect = connect
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._drawn = asyncio.Event()
        self._left_at = 0.0
        self._closed = False
        self.picture = Picture()
        self.told: dict[str, Told] = {}
        """Call → the last thing that happened to it."""
        self.ended: dict[str, Told] = {}
        """Calls that ended lately → how."""
        self.reads = 0

    @property
    def position(self) -> str:
        """The newest entry the picture contains."""
        return self.picture.last

    @property
    def watched(self) -> int:
        return len(self._viewers)

    async def attach(self, last_id: str | None = None) -> Viewer:
        """Begin to watch, after entry `last_id` if everything since is still there. Raises TimeoutError."""
        self._left_at = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        async with asyncio.timeout(PATIENCE_S):
            await self._drawn.wait()
        # From here on it is told what changes, while what it missed is looked up.
        viewer = Viewer()
        self._viewers.add(viewer)
        try:
            missed = await self._since(last_id) if last_id is not None else None
            viewer.begin_anew() if missed is None else viewer.add(missed)
        except BaseException:
            self.detach(viewer)
            raise
        if self._closed:
            viewer.close()
        return viewer

    def detach(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        self._left_at = time.monotonic()

    async def close(self) -> None:
        """Send everybody home, at once."""
        self._closed = True
        for viewer in self._viewers:
            viewer.close()
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.1)

    async def _run(self) -> None:
        connection = self._connect()
        try:
            while True:
                try:
                    await self._draw()
                    await self._follow(connection)
                    return
                except Exception as error:
                    say(log, logging.WARNING, "live view failed", error=type(error).__name__)
                    self._drawn.clear()
                    await asyncio.sleep(RETRY_S)
        finally:
            self._drawn.clear()
            await connection.close()

    async def _draw(self) -> None:
        """Begin with what the server holds; everybody who watches gets it."""
        server = self._engine.connection
        stream, newest = self._engine.keys.events, "0-0"
        if await server.call("EXISTS", stream):
            rows = await server.call("XREVRANGE", stream, "+", "-", "COUNT", "1")
            newest = rows[0][0].decode() if rows else "0-0"
        picture = Picture(last=newest)
        await draw(self._engine, picture)
        self.told = await self._tell_last(list(picture.calls))
        self.picture = picture
        self._drawn.set()
        for viewer in self._viewers:
            viewer.begin_anew()

    async def _tell_last(self, call_ids: list[str]) -> dict[str, Told]:
        """What happened last to each call, from its timeline."""
        found: dict[str, Told] = {}
        for at in range(0, len(call_ids), PAGE):
            page = call_ids[at : at + PAGE]
            commands = [["LRANGE", self._engine.keys.history(call_id), "-1", "-1"] for call_id in page]
            for call_id, rows in zip(page, await self._engine.connection.call_many(commands), strict=True):
                if isinstance(rows, list) and rows:
                    entry_id, _, text = rows[0].decode().partition(" ")
                    found[call_id] = _told(parse(entry_id, text), call_id)
        return found

    async def _follow(self, connection: Waiting) -> None:
        """Until nobody has watched for a while. Raises TimeoutError after a gap, and what the connection raises.

        A server that was killed may come back without its last second, which we have shown: then we begin anew as well.
        """
        read_at = time.monotonic()
        while self._viewers or time.monotonic() - self._left_at < LINGER_S:
            rows = await connection.call(
                "XREAD", "COUNT", BATCH, "BLOCK", BLOCK_MS, "STREAMS", self._engine.keys.events, self.picture.last
            )
            self.reads += 1
            if time.monotonic() - read_at > STALE_S or not await self._still_there(self.picture.last):
                raise TimeoutError
            read_at = time.monotonic()
            if rows:
                entries = next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1]
                self._publish([read_entry(entry) for entry in entries])
                await asyncio.sleep(PACE_S)

    async def _still_there(self, entry_id: str) -> bool:
        server, stream = self._engine.connection, self._engine.keys.events
        return entry_id == "0-0" or bool(await server.call("XRANGE", stream, entry_id, entry_id))

    def _publish(self, events: list[Event]) -> None:
        changed: set[Name] = set()
        for event in events:
            was_there = event.fields.get("call") in self.picture.calls
            try:
                call_id, agent_id = self.picture.take(event)
            except (KeyError, ValueError) as error:
                say(log, logging.WARNING, "entry not shown", type=event.type, error=type(error).__name__)
                self.picture.last = event.entry_id
                continue
            changed |= names_of(event)
            if call_id in self.picture.calls:
                self.told[call_id] = _told(event, call_id)
            elif was_there:
                # Its timeline may have been written too late for the drawing: then nothing was told of it yet.
                self.told.pop(call_id, None)
                self.ended[call_id] = _told(event, call_id)
                if len(self.ended) > REMEMBER:
                    del self.ended[next(iter(self.ended))]
            if agent_id:
                changed.add(("a", agent_id))
        if changed:
            shared = frozenset(changed)
            for viewer in self._viewers:
                viewer.add(shared)

    async def _since(self, last_id: str) -> frozenset[Name] | None:
        """What changed after `last_id` up to now; None when entries in between are gone, or too many."""
        until = time.monotonic() + PATIENCE_S
        while order(self.position) < order(last_id):
            # The process it comes from was ahead of us.
            if time.monotonic() > until:
                return None
            await asyncio.sleep(0.05)
        newest = self.position
        server, stream = self._engine.connection, self._engine.keys.events
        # Of everything since the beginning the stream keeps the end.
        if (last_id == "0-0" and newest != last_id) or not await self._still_there(last_id):
            return None
        changed: set[Name] = set()
        after = last_id
        while True:
            entries = await server.call("XRANGE", stream, f"({after}", newest, "COUNT", str(PAGE))
            for entry in entries:
                changed |= names_of(read_entry(entry))
            if len(changed) > BACKLOG:
                return None
            if len(entries) < PAGE:
                return frozenset(changed)
            after = entries[-1][0].decode()


def _told(event: Event, call_id: str) -> Told:
    return Told(event.type, why(event, call_id), event.entry_id, event.at_ms)


def names_of(event: Event) -> set[Name]:
    """What an entry changes, by the entry alone."""
    if event.type.startswith("group."):
        return {("g", event.fields.get("group", ""))}
    found = {("c", call_id) for call_id in event.call_ids}
    if agent_id := event.fields.get("agent"):
        found.add(("a", agent_id))
    return found
