"""One connection's life: words out, replies in, each to the future that waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import hiredis

Word = str | bytes | int
# hiredis' stubs know a one-word command only, and no buffers.
pack = cast(Callable[[tuple[Word, ...]], bytes], hiredis.pack_command)
_NOTHING: Final = object()
ELSEWHERE = frozenset({"MOVED", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "UNBLOCKED", "NOREPLICAS"})
"""Refusals of a server that is not, or not any more, in charge, or that was elected just now and waits for its replicas
(`min-replicas-to-write`). None of them carries anything out.
"""


class ChannelError(Exception):
    """A command got no answer."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())


class ConnectionLost(ChannelError):
    """The connection ended before the answer came: the command may or may not have been carried out. Repeat it."""


class Congested(ConnectionLost):
    """Too many commands already wait for the server; this one was not sent."""


class Moved(ConnectionLost):
    """Another server is in charge now; the command was not carried out."""


class TimedOut(ChannelError):
    """The server was silent for the whole deadline: the command may or may not have been carried out. Repeat it."""


class NotReplicated(ChannelError):
    """The command was carried out, and no replica has it yet: a failover now would undo it. Repeat it."""


class ServerError(Exception):
    """The server refused the command; the message is its own, beginning with a code such as NOSCRIPT."""

    @property
    def code(self) -> str:
        return str(self).partition(" ")[0]


class Unfit(ServerError):
    """This server must not hold our state; the message says why and what to do."""


class Wire(asyncio.BufferedProtocol):
    """One connection's life."""

    def __init__(self, resumed: Callable[[], None], follows: bool) -> None:
        self.transport: asyncio.Transport
        self.in_flight: deque[asyncio.Future[Any]] = deque()
        self.held = False
        self.leaving = False
        self.ended = asyncio.Event()
        self._resumed = resumed
        self._follows = follows
        self._buffer = memoryview(bytearray(65_536))
        reader = hiredis.Reader(replyError=ServerError, notEnoughData=_NOTHING)
        self._feed = cast(Callable[[memoryview, int, int], None], reader.feed)
        self._gets = reader.gets

    def ask(self, command: tuple[Word, ...]) -> asyncio.Future[Any]:
        """One command by itself, before the channel uses the connection."""
        future = asyncio.get_running_loop().create_future()
        self.in_flight.append(future)
        self.transport.write(pack(command))
        return future

    def leave(self) -> None:
        """Send nothing more; end when every answer is in."""
        self.held = self.leaving = True
        if not self.in_flight:
            self.transport.abort()

    def abandon(self) -> None:
        """End now: answers that still come would be out of step."""
        self.held = True
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        # Answers that make no sense, or that nobody asked for, raise: the loop then logs it and ends the connection.
        gets, in_flight = self._gets, self.in_flight
        self._feed(self._buffer, 0, nbytes)
        while (reply := gets()) is not _NOTHING:
            future = in_flight.popleft()
            if isinstance(reply, ServerError):
                self._refused(future, reply)
            elif not future.done():  # a cancelled one stays in the queue, to be in step
                future.set_result(reply)
        if self.leaving and not in_flight:
            self.transport.abort()

    def _refused(self, future: asyncio.Future[Any], refusal: ServerError) -> None:
        moved = self._follows and refusal.code in ELSEWHERE
        if moved:
            self.held = self.leaving = True
        if not future.done():
            future.set_exception(Moved() if moved else refusal)

    def pause_writing(self) -> None:
        self.held = True

    def resume_writing(self) -> None:
        self.held = self.leaving
        self._resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.held = True  # the channel may still be about to flush: what it wrote here would never be answered
        fail_all(self.in_flight, ConnectionLost)
        self.in_flight.clear()
        self.ended.set()


def fail_all(futures: Iterable[asyncio.Future[Any]], error: type[ChannelError]) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error())
