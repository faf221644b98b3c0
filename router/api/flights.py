"""Requests under way: a stopping process waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

SETTLE_S = 0.05
"""What was sent just before the listening ended is in a buffer somewhere."""


class Flights:
    """`stopping`: answers from now on tell their clients to go elsewhere. `on_stop` ends those that never end."""

    def __init__(self) -> None:
        self.count = 0
        self.stopping = False
        self.on_stop: Callable[[], Awaitable[None]] | None = None
        self._landed = asyncio.Event()

    def begin(self) -> None:
        self.count += 1

    def end(self) -> None:
        self.count -= 1
        if not self.count:
            self._landed.set()

    async def stop(self) -> None:
        """From now on the process is stopping; those who watch are sent home at once."""
        self.stopping = True
        if self.on_stop is not None:
            await self.on_stop()

    async def drain(self, patience_s: float) -> int:
        """Wait until none is under way; answers how many still are when patience ends."""
        await self.stop()
        await asyncio.sleep(SETTLE_S)
        try:
            async with asyncio.timeout(patience_s):
                while self.count:
                    self._landed.clear()
                    await self._landed.wait()
        except TimeoutError:
            pass
        return self.count
