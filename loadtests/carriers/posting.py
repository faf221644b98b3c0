"""Posts over HTTP/1.1 on connections that stay open, and nothing else a client might do: a far end that plays thousands
of calls must cost less than the service it asks.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

END = b"\r\n\r\n"


class Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


class Unreachable(ConnectionError):
    """Nobody listens."""


class Broken(ConnectionError):
    """The connection ended, or what came was no answer."""


class _Line(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self) -> None:
        self.open = True
        self._transport: asyncio.Transport
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, and does not say so

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection ended")

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self.open = False
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        at = self._received.find(END)
        if at < 0:
            return
        first, *lines = self._received[:at].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        try:
            whole = at + len(END) + int(headers["content-length"])
            status = int(first.split(" ", 2)[1])
        except (KeyError, IndexError, ValueError):
            self._fail("no answer of known length")
            self.close()
            return
        if len(self._received) < whole:
            return
        body, self._received = self._received[at + len(END) : whole], self._received[whole:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, headers.get("content-type", ""), body))

    def _fail(self, why: str) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Broken(why))


class Posts:
    """As many connections to each address as are needed at once."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[_Line]] = defaultdict(list)
        self._lines: set[_Line] = set()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, fresh: bool = False) -> Answer:
        """Of plain http. Raises Unreachable, Broken; when it is cancelled, the connection is given up.

        `fresh`: over a connection of its own, since an idle one may be as broken as that of the try before.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = (
            f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n{head}Content-Length: {len(body)}\r\n\r\n"
        )
        line = None if fresh else self._idle_line(host, port)
        if line is None:
            line = await self._new_line(host, port)
        try:
            answer = await line.ask(request.encode("latin-1") + body)
        except BaseException:
            line.close()
            self._lines.discard(line)
            raise
        if line.open:
            self._idle[host, port].append(line)
        else:
            self._lines.discard(line)
        return answer

    async def close(self) -> None:
        for line in self._lines:
            line.close()
        self._lines.clear()
        self._idle.clear()

    def _idle_line(self, host: str, port: int) -> _Line | None:
        idle = self._idle[host, port]
        while idle:
            line = idle.pop()
            if line.open:
                return line
            self._lines.discard(line)
        return None

    async def _new_line(self, host: str, port: int) -> _Line:
        try:
            _, line = await asyncio.get_running_loop().create_connection(_Line, host, port)
        except OSError as error:
            raise Unreachable(str(error)) from None
        self._lines.add(line)
        return line
