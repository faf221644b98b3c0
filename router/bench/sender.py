"""Sends requests that were made before, from a process of its own: `python -m router.bench.sender`.

On stdin, again and again: a line with the port and how many requests there are, then each as its length in a line and
its bytes. Answers `ready`; after any line it sends them, so many at once, and answers with a line of JSON: how many had
which status, and the last body.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator

import uvloop

AT_ONCE = 32
"""Connections, each with one request under way."""


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    """Connections are opened once: what is measured is requests."""

    def __init__(self) -> None:
        self._connections: dict[int, list[Connection]] = {}
        self._statuses: Counter[int] = Counter()
        self._body = b""

    async def connect(self, port: int) -> None:
        if port not in self._connections:
            opening = [asyncio.open_connection("127.0.0.1", port) for _ in range(AT_ONCE)]
            self._connections[port] = await asyncio.gather(*opening)

    async def send(self, port: int, requests: Iterator[bytes]) -> dict[str, object]:
        self._statuses = Counter()
        await asyncio.gather(*(self._exchange(*one, requests) for one in self._connections[port]))
        return {"statuses": self._statuses, "body": self._body.decode()}

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: Iterator[bytes]
    ) -> None:
        """Requests one after the other, until none is left."""
        for request in left:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
            self._body = await reader.readexactly(length)
            self._statuses[int(head.split(b" ", 2)[1])] += 1


def main() -> None:
    """Until stdin ends. Nothing happens on the connections while it is read."""
    ask, answer = sys.stdin.buffer, sys.stdout
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sender = Sender()
        while line := ask.readline():
            port, count = map(int, line.split())
            requests = [ask.read(int(ask.readline())) for _ in range(count)]
            runner.run(sender.connect(port))
            print("ready", file=answer, flush=True)
            ask.readline()
            print(json.dumps(runner.run(sender.send(port, iter(requests)))), file=answer, flush=True)


if __name__ == "__main__":
    main()
