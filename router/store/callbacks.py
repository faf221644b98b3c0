"""The callbacks of a site, newest first: an index of call ids by the time they were booked."""

from __future__ import annotations

import time
from typing import Any, Protocol

FORGET_MS = 40 * 86_400_000
"""Their records have ended and gone by then; the index forgets them too."""


class Commands(Protocol):
    async def call(self, *args: str | bytes | int) -> Any: ...


class Callbacks:
    """`key` names the index."""

    def __init__(self, channel: Commands, key: str) -> None:
        self._channel = channel
        self._key = key

    async def since(self, from_ms: int | None = None) -> list[tuple[str, int]]:
        """(callback id, booked at) from that time on, newest first."""
        start = "-inf" if from_ms is None else from_ms
        flat = await self._channel.call("ZRANGE", self._key, "+inf", start, "BYSCORE", "REV", "WITHSCORES")
        return [(flat[at].decode(), int(float(flat[at + 1]))) for at in range(0, len(flat), 2)]

    async def booked_at(self, callback_id: str) -> int | None:
        score = await self._channel.call("ZSCORE", self._key, callback_id)
        return None if score is None else int(float(score))

    async def forget(self, *callback_ids: str) -> None:
        if callback_ids:
            await self._channel.call("ZREM", self._key, *callback_ids)

    async def forget_old(self) -> None:
        await self._channel.call("ZREMRANGEBYSCORE", self._key, "-inf", int(time.time() * 1000) - FORGET_MS)
