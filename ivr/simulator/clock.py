"""What time it is at the exchange. A clock may be shared with a virtual site's engine: then both live in one time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable
from contextlib import suppress
from itertools import count
from typing import Protocol, TypeVar

from router.store.sending import VirtualClock

T = TypeVar("T")


class Clock(Protocol):
    """`now_ms`: Unix ms. `sleep` takes the clock's own seconds."""

    @property
    def now_ms(self) -> int: ...

    async def sleep(self, seconds: float) -> None: ...


class SteppedClock(VirtualClock):
    """Stands still until it is stepped to the next thing to happen."""

    def __init__(self, now_ms: int) -> None:
        super().__init__(now_ms)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    @property
    def next_ms(self) -> int | None:
        """When the first sleeper wakes; None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def step_to(self, now_ms: int) -> None:
        """It is `now_ms`; whoever was to wake by then wakes, in order."""
        self.now_ms = max(self.now_ms, now_ms)
        while (at_ms := self.next_ms) is not None and at_ms <= self.now_ms:
            heapq.heappop(self._sleepers)[2].set_result(None)

    async def sleep(self, seconds: float) -> None:
        waking = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now_ms + round(seconds * 1000), next(self._numbers), waking))
        await waking


async def within(clock: Clock, seconds: float | None, wanted: Awaitable[T]) -> T | None:
    """What comes of `wanted` within so many of the clock's seconds (None: whenever); None: it is not done by then."""
    work = asyncio.ensure_future(wanted)
    if seconds is None:
        return await work
    limit = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, limit}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        for task in (work, limit):
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
