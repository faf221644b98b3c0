"""The plans of one site: an append-only log, newest last.

It is a stream whose ids are the versions. The server refuses version n + 1 unless n is the newest, so two people who
publish at once cannot both succeed; and whoever sees a new entry can finish what a dead publisher began.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, Protocol

from router.store.channel import ServerError

KEPT = 50


class Commands(Protocol):
    async def call(self, *args: str | bytes | int) -> Any: ...


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One published plan as it was written. `source`: `file` or `api`; `files`: digest of the files last published."""

    version: int
    text: str
    author: str
    source: str
    at_ms: int
    digest: str
    files: str


class Plans:
    """`key` names the stream."""

    def __init__(self, channel: Commands, key: str) -> None:
        self._channel = channel
        self._key = key

    async def newest(self) -> PlanVersion | None:
        rows = await self._channel.call("XREVRANGE", self._key, "+", "-", "COUNT", 1)
        return _read(rows[0]) if rows else None

    async def newer_than(self, version: int) -> PlanVersion | None:
        """The newest version if it is newer; costs next to nothing when it is not."""
        rows = await self._channel.call("XREVRANGE", self._key, "+", f"({version}-0", "COUNT", 1)
        return _read(rows[0]) if rows else None

    async def versions(self, before: int | None, limit: int) -> list[PlanVersion]:
        """Newest first; `before` is exclusive."""
        end = "+" if before is None else f"({before}-0"
        rows = await self._channel.call("XREVRANGE", self._key, end, "-", "COUNT", limit)
        return [_read(row) for row in rows]

    async def add(self, previous: PlanVersion | None, text: str, author: str, source: str) -> PlanVersion | None:
        """The new version, or None when somebody else has published since `previous`."""
        digest = digest_of(text)
        files = digest if source == "file" else (previous.files if previous else "")
        version = (previous.version if previous else 0) + 1
        at_ms = int(time.time() * 1000)
        fields = ("text", text, "author", author, "source", source, "at", at_ms, "digest", digest, "files", files)
        try:
            await self._channel.call("XADD", self._key, f"{version}-0", *fields)
        except ServerError as error:
            if "equal or smaller" in str(error):
                return None
            raise
        await self._channel.call("XTRIM", self._key, "MAXLEN", KEPT)
        return PlanVersion(version, text, author, source, at_ms, digest, files)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(row: list[Any]) -> PlanVersion:
    entry_id, flat = row
    pairs = dict(zip(flat[::2], flat[1::2], strict=True))
    return PlanVersion(
        version=int(entry_id.partition(b"-")[0]),
        text=pairs[b"text"].decode(),
        author=pairs[b"author"].decode(),
        source=pairs[b"source"].decode(),
        at_ms=int(pairs[b"at"]),
        digest=pairs[b"digest"].decode(),
        files=pairs[b"files"].decode(),
    )
