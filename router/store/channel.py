"""One connection that everybody in this process shares: commands of one loop tick leave in one write.

A command costs the process a few µs instead of a hundred. Replies come back in the order of the commands, so a
queue of futures is all the bookkeeping there is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from router.store.address import Address, parse_address
from router.store.connecting import open_wire
from router.store.wire import (
    ChannelError,
    Congested,
    ConnectionLost,
    Moved,
    ServerError,
    TimedOut,
    Wire,
    Word,
    fail_all,
    pack,
)

__all__ = ["Channel", "ChannelError", "Congested", "ConnectionLost", "Moved", "ServerError", "TimedOut", "Word"]

log = logging.getLogger(__name__)

DEADLINE_S = 5.0
FOLLOWER_CONNECT_S = 1.0
"""Where another server may have taken over, a silent one is not waited for any longer."""
LEAVE_S = 0.05
"""For answers of a server that another has replaced: of one that froze and wakes they would not be true any more."""
# Commands that may stand here while the server cannot be reached or does not read.
HELD_MAX = 20_000
_TICKS_PER_DEADLINE = 10
_SLOWEST_RETRY_S = 0.25
_LASTED_S = 1.0


class Channel:
    """Commands in, replies out, in order. Reconnects by itself; belongs to the loop it was opened in."""

    def __init__(
        self, where: Callable[[], Awaitable[Address]], *, deadline_s: float = DEADLINE_S, follows: bool = False
    ) -> None:
        """`where` is asked before every connecting. `follows`: it may name another place after a MOVED or READONLY."""
        self.deadline_s = deadline_s
        self.reconnects = 0
        self._where = where
        self._follows = follows
        self._connect_s = min(deadline_s, FOLLOWER_CONNECT_S) if follows else deadline_s
        self._loop = asyncio.get_running_loop()
        self._packed: list[bytes] = []
        self._unsent: list[asyncio.Future[Any]] = []
        self._flush_due = False
        self._wire: Wire | None = None
        self._up = asyncio.Event()
        self._obstacle: Exception | None = None
        self._closed = False
        self._sent = 0
        self._marks: deque[int] = deque(maxlen=_TICKS_PER_DEADLINE)
        self._timer = self._loop.call_later(deadline_s / _TICKS_PER_DEADLINE, self._sweep)
        self._keeper = self._loop.create_task(self._keep_connected())

    @classmethod
    async def open(cls, url: str, *, deadline_s: float = DEADLINE_S) -> Channel:
        """A channel that is connected. Raises ConnectionLost, or ServerError when the server will not let us in."""
        address = parse_address(url)

        async def where() -> Address:
            return address

        channel = cls(where, deadline_s=deadline_s)
        await channel.connected()
        return channel

    async def connected(self) -> None:
        """Return when the server answers. After the deadline ConnectionLost or, shut out, ServerError: then closed."""
        try:
            async with asyncio.timeout(self.deadline_s):
                await self._up.wait()
        except TimeoutError:
            await self.close()
            if isinstance(self._obstacle, ServerError):
                raise self._obstacle from None
            raise ConnectionLost(f"no server answered within {self.deadline_s:g} s: {self._obstacle}") from None
        except asyncio.CancelledError:
            await self.close()  # nobody holds it who could
            raise

    @property
    def is_connected(self) -> bool:
        return self._wire is not None

    @property
    def pending(self) -> int:
        """Commands without an answer."""
        return len(self._unsent) + (len(self._wire.in_flight) if self._wire else 0)

    async def call(self, *args: Word) -> Any:
        """One command and its reply: bytes, int, list or None. Raises ServerError, ConnectionLost, TimedOut."""
        try:
            return await self.send(*args)
        except Moved:
            return await self._call_there(args)

    async def call_many(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """All commands in one write; their replies in order, a refusal as a ServerError value."""
        futures: list[asyncio.Future[Any]] = []
        try:
            futures.extend(self.send(*command) for command in commands)
            for future in futures:
                with contextlib.suppress(ServerError):
                    await future
        except BaseException:
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # seen: whoever asked learns of the first
            raise
        return [future.exception() or future.result() for future in futures]

    def send(self, *args: Word) -> asyncio.Future[Any]:
        """Queue one command; its reply is awaited later, or never if the future is cancelled. Raises Congested."""
        if self._closed or len(self._unsent) >= HELD_MAX:
            self._require_room()
        packed = pack(args)
        future = self._loop.create_future()
        self._packed.append(packed)
        self._unsent.append(future)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)
        return future

    def renew(self) -> None:
        """Take the answers still owed, if they come soon, then connect to where the server is now."""
        if self._wire is not None and not self._wire.leaving:
            self._wire.leave()
            self._loop.call_later(LEAVE_S, self._wire.abandon)

    async def close(self) -> None:
        """Leave. Whoever still waits gets ConnectionLost."""
        self._closed = True
        self._timer.cancel()
        self._keeper.cancel()
        fail_all(self._unsent, ConnectionLost)
        self._unsent, self._packed = [], []
        # Before anything is waited for: whoever closes may be cancelled meanwhile.
        wire = self._wire
        if wire is not None:
            wire.abandon()
            await wire.ended.wait()
        await asyncio.gather(self._keeper, return_exceptions=True)

    def _require_room(self) -> None:
        if self._closed:
            raise ConnectionLost("the channel is closed")
        if self._wire is None or self._wire.held:
            raise Congested

    def _flush(self) -> None:
        self._flush_due = False
        wire = self._wire
        if wire is None or wire.held or not self._packed:
            return
        self._seal()
        wire.in_flight.extend(self._unsent)
        self._sent += len(self._unsent)
        wire.transport.write(b"".join(self._packed))
        self._unsent, self._packed = [], []

    def _seal(self) -> None:
        """Nothing more comes into this batch."""

    def _sweep(self) -> None:
        """End what has waited for a whole deadline, without a timer or a clock reading per command.

        A mark says how many commands had been queued at that tick: answers come in order, so if fewer have been
        answered a deadline later, the difference is overdue.
        """
        self._timer = self._loop.call_later(self.deadline_s / _TICKS_PER_DEADLINE, self._sweep)
        wire = self._wire
        answered = self._sent - (len(wire.in_flight) if wire else 0)
        queued = self._sent + len(self._unsent)
        if len(self._marks) == _TICKS_PER_DEADLINE and (overdue := self._marks[0] - answered) > 0:
            log.warning("%d commands got no answer within %g s", overdue, self.deadline_s)
            if wire:
                sent = min(overdue, len(wire.in_flight))
                fail_all([wire.in_flight.popleft() for _ in range(sent)], TimedOut)
                wire.abandon()
                overdue -= sent
            fail_all(self._unsent[:overdue], TimedOut)
            del self._unsent[:overdue], self._packed[:overdue]
            self._sent += overdue
        self._marks.append(queued)

    async def _call_there(self, args: tuple[Word, ...]) -> Any:
        """Repeat a command that was refused for want of the right server, until the new one is known."""
        give_up_at = self._loop.time() + self.deadline_s
        while True:
            try:
                return await self.send(*args)
            except Moved:
                if self._loop.time() > give_up_at:
                    raise

    async def _keep_connected(self) -> None:
        """Connect again and again: at once after a connection that lasted, then ever more patiently."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(_SLOWEST_RETRY_S, pause * 2 + 0.01)
            try:
                async with asyncio.timeout(self._connect_s):
                    wire = await open_wire(await self._where(), self._flush, self._follows)
            except (OSError, TimeoutError, ChannelError, ServerError) as error:
                self._obstacle = error
                continue
            began = self._loop.time()
            if not wire.ended.is_set():
                self._wire = wire
                self._up.set()
                self._flush()
                await wire.ended.wait()
                self._wire = None
                self._up.clear()
            self.reconnects += 1
            log.warning("the connection to the server ended, connecting again")
            if self._loop.time() - began > _LASTED_S:
                pause = 0.0
