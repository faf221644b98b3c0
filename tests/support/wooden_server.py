"""A server that answers from a script of bytes: for what a real one does too rarely to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a channel in."""
    await reader.readuntil(b"vipline\r\n")
    writer.write(b"+OK\r\n")
    await reader.readuntil(b"PING\r\n")
    writer.write(b"+PONG\r\n")


@asynccontextmanager
async def wooden_server(folder: Path, *talks: Talk) -> AsyncIterator[str]:
    """Listens on a socket in `folder`; the first connection is held by the first talk, the last one repeats."""
    remaining = list(talks)
    path = folder / "wooden.sock"

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(accept, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()
