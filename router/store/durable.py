"""A channel whose answers are given only when a replica has what they tell of.

What leaves in one write is followed by a `WAIT` on the same connection: one wait for all commands of a loop tick, and
each answer is held back until it is over. A `SET` goes before it, because a connection waits for its own last write
only: the repeat of a command that was carried out but never replicated writes nothing, and would pass for safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from router.store.address import Address
from router.store.channel import DEADLINE_S, Channel
from router.store.wire import Moved, NotReplicated, ServerError, Word, pack

WAIT_MS = 1_000
REPLICAS = 1


class DurableChannel(Channel):
    """`mark`: a key of the slot that the channel's commands go to."""

    def __init__(
        self,
        where: Callable[[], Awaitable[Address]],
        mark: str,
        *,
        deadline_s: float = DEADLINE_S,
        follows: bool = False,
    ) -> None:
        super().__init__(where, deadline_s=deadline_s, follows=follows)
        self._barrier_words = pack(("SET", mark, "")) + pack(("WAIT", REPLICAS, WAIT_MS))
        self._barrier: asyncio.Future[Any] | None = None

    async def call(self, *args: Word) -> Any:
        """One command and its reply. Raises NotReplicated, too."""
        give_up_at = self._loop.time() + self.deadline_s
        while True:
            barrier = self._next_barrier()
            try:
                reply = await self.send(*args)
            except Moved:
                if self._loop.time() > give_up_at:
                    raise
                continue
            await _passed(barrier)
            return reply

    async def call_many(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """All commands in one write. Raises NotReplicated, too."""
        if not commands:
            return []
        barrier = self._next_barrier()
        replies = await super().call_many(commands)
        await _passed(barrier)
        return replies

    def _next_barrier(self) -> asyncio.Future[Any]:
        """The end of the batch that is being gathered."""
        if self._barrier is None:
            self._barrier = self._loop.create_future()
            self._barrier.add_done_callback(_seen)
        return self._barrier

    def _seal(self) -> None:
        barrier, self._barrier = self._next_barrier(), None
        mark = self._loop.create_future()
        mark.add_done_callback(_seen)
        self._packed.append(self._barrier_words)
        self._unsent += (mark, barrier)


async def _passed(barrier: asyncio.Future[Any]) -> None:
    try:
        # Shielded: one who stops waiting must not end it for the others of the batch.
        replicas = await asyncio.shield(barrier)
    except ServerError as refusal:
        raise NotReplicated from refusal  # a replica itself, by now
    if replicas < REPLICAS:
        raise NotReplicated


def _seen(future: asyncio.Future[Any]) -> None:
    """Nobody may be left who asks how it went."""
    if not future.cancelled():
        future.exception()
