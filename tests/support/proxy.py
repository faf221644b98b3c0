"""Stands between a service and its server, and does what networks do: loses a reply, or goes silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

CHUNK = 1 << 20


class Proxy:
    """Passes everything on until it is told not to. `rewrite` sees every reply."""

    def __init__(self, url: str, server: Path, rewrite: Callable[[bytes], bytes] | None) -> None:
        self.url = url
        self.lost = 0
        self._server = server
        self._rewrite = rewrite
        self._to_lose = 0
        self._silent_after: bytes | None = None
        self._silent = False
        self._lines: set[asyncio.Task[None]] = set()

    def lose_a_reply(self) -> None:
        """The next command reaches the server; its connection ends before the reply comes back."""
        self._to_lose += 1

    def go_silent_after(self, word: bytes) -> None:
        """Whatever is sent after a command that holds the word, on any connection, arrives nowhere."""
        self._silent_after = word

    @property
    def silent(self) -> bool:
        return self._silent

    def speak(self) -> None:
        """Pass everything on again. Connections that were silenced stay so."""
        self._silent_after, self._silent = None, False

    async def close(self) -> None:
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the service."""
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._server, limit=CHUNK)
            try:
                both = [self._commands(reader, server_writer), self._replies(server_reader, writer)]
                ends = [asyncio.ensure_future(end) for end in both]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for end in ends:
                    end.cancel()
                await asyncio.gather(*ends, return_exceptions=True)
            finally:
                server_writer.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._lines.discard(line)

    async def _commands(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while words := await reader.read(CHUNK):
            if self._silent:
                continue
            server.write(words)
            if self._silent_after is not None and self._silent_after in words:
                self._silent = True

    async def _replies(self, server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while words := await server.read(CHUNK):
            if self._to_lose:
                self._to_lose -= 1
                self.lost += 1
                return
            writer.write(self._rewrite(words) if self._rewrite else words)


@asynccontextmanager
async def proxy(folder: Path, server: Path, rewrite: Callable[[bytes], bytes] | None = None) -> AsyncIterator[Proxy]:
    """A proxy on a socket in `folder` to the server's socket."""
    path = folder / "proxy.sock"
    between = Proxy(f"unix://{path}", server, rewrite)
    listener = await asyncio.start_unix_server(between.accept, path, limit=CHUNK)
    try:
        yield between
    finally:
        listener.close()
        await between.close()
