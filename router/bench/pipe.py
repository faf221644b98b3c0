"""A connection that sends a whole block in one pipeline and does nothing else: it is the server that is measured."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import hiredis

Word = str | bytes | int
_READ = 1 << 20


class Refused(RuntimeError):
    """The server refused a command."""


class Pipe:
    """Blocking, on a unix socket. `call` and `call_many` are what store.engine asks of a connection."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._reader = hiredis.Reader(replyError=Refused)

    def close(self) -> None:
        self._socket.close()

    def run(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The replies in order. Raises the first refusal, when all are read."""
        return self.pump(self.pack(commands), len(commands))

    @staticmethod
    def pack(commands: Sequence[Sequence[Word]]) -> bytes:
        return b"".join(hiredis.pack_command(cast(tuple[str], tuple(command))) for command in commands)

    def pump(self, packed: bytes, count: int) -> list[Any]:
        """Sends packed commands and takes `count` replies."""
        self._socket.sendall(packed)
        replies: list[Any] = []
        while len(replies) < count:
            received = self._socket.recv(_READ)
            if not received:
                raise ConnectionError("the server has gone")
            self._reader.feed(received)
            while (reply := self._reader.gets()) is not False:
                replies.append(reply)
        for reply in replies:
            if isinstance(reply, Refused):
                raise reply
        return replies

    def timed(self, commands: Sequence[Sequence[Word]]) -> tuple[float, list[Any]]:
        """Wall time from the first byte sent to the last reply read, µs; packing is not in it."""
        packed = self.pack(commands)
        started = perf_counter()
        replies = self.pump(packed, len(commands))
        return (perf_counter() - started) * 1e6, replies

    async def call(self, *args: Word) -> Any:
        return self.run([args])[0]

    async def call_many(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        return self.run(commands)
