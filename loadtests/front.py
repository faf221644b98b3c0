"""One address before several services, as an operator has it: connections go to who says at /readyz that it is ready.

When nobody says so, everybody is tried: to send all away because one server fails over would be the worse outage.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

LOOK_S, ANSWER_S = 0.2, 2.0
CHUNK = 1 << 16

Place = tuple[str, int]


class Front:
    """Passes bytes on, and reads none of them: what was under way with a service that dies is cut off."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = list(places)
        self._ready = set(places)
        self._open: Counter[Place] = Counter()
        self._lines: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        listener = await asyncio.start_server(self._take, "127.0.0.1", port, limit=CHUNK)
        looking = [asyncio.create_task(self._look(place)) for place in self._places]
        try:
            yield
        finally:
            listener.close()
            for task in (*looking, *self._lines):
                task.cancel()
            await asyncio.gather(*looking, *self._lines, return_exceptions=True)

    async def _look(self, place: Place) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_S)) as session:
            while True:
                try:
                    async with session.get(f"http://{place[0]}:{place[1]}/readyz") as answer:
                        ready = answer.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    ready = False
                (self._ready.add if ready else self._ready.discard)(place)
                await asyncio.sleep(LOOK_S)

    def _in_turn(self) -> list[Place]:
        """Who is ready first, and of those whoever has the fewest connections."""
        return sorted(self._places, key=lambda place: (place not in self._ready, self._open[place]))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            for place in self._in_turn():
                try:
                    behind = await asyncio.open_connection(*place, limit=CHUNK)
                except OSError:
                    self._ready.discard(place)
                    continue
                self._open[place] += 1
                try:
                    await self._join(reader, writer, *behind)
                finally:
                    self._open[place] -= 1
                return
        except asyncio.CancelledError:
            pass  # the front ends
        finally:
            writer.transport.abort()
            self._lines.discard(line)

    @staticmethod
    async def _join(
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        behind: asyncio.StreamReader,
        ahead: asyncio.StreamWriter,
    ) -> None:
        """Until either side is gone."""
        ways = [asyncio.ensure_future(_pass_on(reader, ahead)), asyncio.ensure_future(_pass_on(behind, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            ahead.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while words := await reader.read(CHUNK):
            writer.write(words)
            await writer.drain()
