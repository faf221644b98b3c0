"""`Idempotency-Key`: a repeated request gets the first answer for 24 hours and does nothing.

One record a key, scoped to token, method and path. While the first request runs the record says so, and a second one
is told to come back. It ends by itself unless it is renewed: when the process dies, or never learns that the record is
its own, the repeat is carried out a few seconds later (every transition is idempotent of its own). Refusals of what was
sent (400, 404, 422 …) and answers from 500 on are not kept: nothing was done, and the repeat may be right.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from router.api.problem import Problem
from router.api.reply import Reply
from router.store.channel import ChannelError

KEEP_MS = 24 * 3_600_000
RUNNING_MS = 3_000
REMEMBERED = frozenset({409, 412})
"""Refusals that depend on the moment: a repeat must not succeed where its first did not."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Commands(Protocol):
    async def call(self, *args: str | bytes | int) -> Any: ...


def scope(key: str, token_id: str, method: str, path: str) -> str:
    """The short name under which a key is remembered; 422 when the key is not one."""
    if not _KEY.fullmatch(key):
        raise Problem(422, "bad-header", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
    return hashlib.sha256("\n".join((token_id, method, path, key)).encode()).hexdigest()[:32]


class BodyDigest:
    """Tells one body from another."""

    def __init__(self, raw: bytes = b"") -> None:
        self._hash = hashlib.sha256(raw)

    def update(self, raw: bytes) -> None:
        self._hash.update(raw)

    def value(self) -> str:
        return self._hash.hexdigest()[:32]


async def once(
    channel: Commands,
    name: str,
    digest: Callable[[], Awaitable[str]],
    act: Callable[[], Awaitable[Reply]],
) -> Reply:
    """Carry out `act`, or give the answer it gave before. `name` is the whole key in the server.

    `digest` tells the body apart; for a stream it is known only when the stream has been read.
    """
    running = json.dumps({"running": True})
    if await channel.call("SET", name, running, "NX", "PX", RUNNING_MS) is None:
        return await _repeat(channel, name, digest)
    try:
        async with _renewed(channel, name):
            reply = await act()
    except Problem as problem:
        if problem.status not in REMEMBERED:
            await channel.call("DEL", name)
            raise
        reply = Reply.of_problem(problem)
    except BaseException:
        await channel.call("DEL", name)
        raise
    record = json.dumps({"digest": await digest(), "reply": reply.dump()})
    await channel.call("SET", name, record, "PX", KEEP_MS)
    return reply


@asynccontextmanager
async def _renewed(channel: Commands, name: str) -> AsyncIterator[None]:
    """Meanwhile the record does not end. GT: an answer that somebody else has recorded is kept its own time."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RUNNING_MS / 3000)
            with suppress(ChannelError):
                await channel.call("PEXPIRE", name, RUNNING_MS, "GT")

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()


async def _repeat(channel: Commands, name: str, digest: Callable[[], Awaitable[str]]) -> Reply:
    raw = await channel.call("GET", name)
    record: dict[str, Any] = json.loads(raw) if raw is not None else {"running": True}
    if record.get("running"):
        raise Problem(
            409, "in-progress", "The first request with this key is still running.", headers={"Retry-After": "1"}
        )
    if record["digest"] != await digest():
        raise Problem(422, "key-reused", "This Idempotency-Key was used with another body.")
    return Reply.load(record["reply"], repeated=True)
