"""Writes to a site's server without pause, and knows what it was told: how long nobody answered, what was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from router.store.channel import Channel, ChannelError, ServerError

PAUSE_S = 0.005


class Pulse:
    """`acknowledged`: numbers whose writing was answered. `beats`: when, s."""

    def __init__(self, channel: Channel, site: str) -> None:
        self.acknowledged: set[int] = set()
        self.refused = 0
        self.beats = [time.monotonic()]
        self._channel = channel
        self._key = f"{{{site}}}:pulse:{id(self)}"

    @property
    def longest_pause_s(self) -> float:
        return max(after - before for before, after in zip(self.beats, self.beats[1:], strict=False))

    def since(self, moment: float) -> list[float]:
        """Answers after a moment of `time.monotonic`."""
        return [beat for beat in self.beats if beat > moment]

    async def lost(self) -> int:
        """How many acknowledged numbers the server does not know any more."""
        known = await self._channel.call("SMEMBERS", self._key)
        return len(self.acknowledged - set(map(int, known)))

    async def beat(self) -> None:
        """Until cancelled."""
        for number in count():
            try:
                await self._channel.call("SADD", self._key, number)
                self.acknowledged.add(number)
                self.beats.append(time.monotonic())
            except (ChannelError, ServerError):
                self.refused += 1
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def pulse(channel: Channel, site: str) -> AsyncIterator[Pulse]:
    """Beating inside the block."""
    found = Pulse(channel, site)
    task = asyncio.create_task(found.beat())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
