"""Deadlines: reads what is due and runs the ordinary transition, which checks again and may do nothing.

Any number of processes sweep the same site. An entry leaves the deadlines only inside the script that acts on it, so a
sweeper that dies half way loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from router.logging_ import say
from router.store.engine import Due

ROUND_S = 0.1
BATCH = 500
SORE_S = 5.0
"""A deadline whose transition failed is left alone so long: one bad record must not busy the process."""

log = logging.getLogger("vipline.sweeper")


class Deadlines(Protocol):
    """The part of the engine a sweeper needs."""

    async def read_due(self, limit: int = 500) -> Due: ...

    async def run_due(self, member: str, due_ms: int) -> None: ...


class Sweeper:
    """One site's. `round_s`: how long it sleeps at most."""

    def __init__(self, engine: Deadlines, round_s: float = ROUND_S) -> None:
        self._engine = engine
        self._round_s = round_s
        self._sore: dict[str, float] = {}
        self._walk: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Sweep until cancelled; a server that is away is tried again."""
        try:
            while True:
                try:
                    pause = await self.sweep()
                except Exception as error:
                    say(log, logging.WARNING, "sweep failed", error=type(error).__name__)
                    pause = 5 * ROUND_S
                await asyncio.sleep(pause)
        finally:
            if self._walk is not None:
                self._walk.cancel()

    async def sweep(self) -> float:
        """One round; answers how long to sleep, s."""
        due = await self._engine.read_due(BATCH)
        entries = [entry for entry in due.entries if not self._is_sore(entry[0])]
        if entries:
            await asyncio.gather(*(self._start(member, due_ms) for member, due_ms in entries))
            return 0.0 if len(due.entries) == BATCH else self._round_s / 10
        if due.next_ms is None or due.entries:
            return self._round_s
        return min(self._round_s, (due.next_ms - due.now_ms) / 1000)

    async def _start(self, member: str, due_ms: int) -> None:
        """A new plan's walk over all waiting calls takes a while: beside the rounds, and one at a time."""
        if not member.startswith("p:"):
            await self._act(member, due_ms)
        elif self._walk is None or self._walk.done():
            self._walk = asyncio.create_task(self._act(member, due_ms))

    async def _act(self, member: str, due_ms: int) -> None:
        try:
            await self._engine.run_due(member, due_ms)
        except Exception as error:
            # The member is an id, never a person: c:<call>, a:<agent>, l:<lane>, g:<group>, p:<version>.
            say(log, logging.ERROR, "deadline failed", member=member, error=type(error).__name__)
            self._sore[member] = time.monotonic() + SORE_S

    def _is_sore(self, member: str) -> bool:
        until = self._sore.get(member)
        if until is None:
            return False
        if until > time.monotonic():
            return True
        del self._sore[member]
        return False
