"""One process per site dials: a lease, renewed while it leads. What was claimed is fenced besides (claims.py)."""

from __future__ import annotations

import time

from router.store.channel import Channel

LEASE_MS = 10_000


class Leader:
    """`name` is of one process and one term."""

    def __init__(self, channel: Channel, key: str, name: str, lease_ms: int = LEASE_MS) -> None:
        self._channel = channel
        self._key = key
        self._name = name
        self._lease_ms = lease_ms
        self._until = 0.0

    async def leads(self) -> bool:
        """Takes or renews the lease; asks the server no more than thrice a lease."""
        now = time.monotonic()
        if now < self._until - self._lease_ms * 2 / 3000:
            return True
        self._until = 0.0
        if not await self._channel.call("SET", self._key, self._name, "NX", "PX", str(self._lease_ms)):
            if await self._channel.call("GET", self._key) != self._name.encode():
                return False
            # Ours a moment ago. Should it have passed to another just now, that one's lease is a little longer.
            await self._channel.call("PEXPIRE", self._key, str(self._lease_ms))
        self._until = now + self._lease_ms / 1000
        return True

    async def resign(self) -> None:
        """The next one need not wait."""
        if self._until and await self._channel.call("GET", self._key) == self._name.encode():
            await self._channel.call("DEL", self._key)
        self._until = 0.0
