"""Takes every connection that waits at each turn of the loop.

uvloop takes one. Under load a turn may last a tenth of a second: new connections then come faster than they are taken,
wait behind each other until their clients give up, and those try again on new ones.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable

from aiohttp import web

from router.logging_ import say

AT_A_TURN = 256
REST_S = 0.5
"""Out of files or memory: connections wait where they are for so long."""
OUT_OF = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = logging.getLogger("vipline.http")


class Acceptor:
    """Of listening sockets, which it closes in the end. It stands in for the loop's own server in a site of aiohttp."""

    def __init__(self, protocol: Callable[[], asyncio.Protocol], sockets: list[socket.socket]) -> None:
        self.sockets = sockets
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        for one in sockets:
            one.setblocking(False)
            self._loop.add_reader(one.fileno(), self._take, one)

    def close(self) -> None:
        """Nobody is let in any more; who is in stays."""
        for one in self.sockets:
            self._loop.remove_reader(one.fileno())
            one.close()
        self.sockets = []

    def _take(self, listening: socket.socket) -> None:
        for _ in range(AT_A_TURN):
            try:
                taken, _ = listening.accept()
            except (BlockingIOError, InterruptedError):
                return  # no more, or another worker was faster
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in OUT_OF:
                    raise
                say(log, logging.ERROR, "cannot accept", error=errno.errorcode[error.errno or 0])
                self._loop.remove_reader(listening.fileno())
                self._loop.call_later(REST_S, self._again, listening)
                return
            taken.setblocking(False)
            opening = self._loop.create_task(self._open(taken))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def _again(self, listening: socket.socket) -> None:
        if listening in self.sockets:
            self._loop.add_reader(listening.fileno(), self._take, listening)

    async def _open(self, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, taken)
        except OSError:
            taken.close()  # gone before it was taken


async def start(site: web.BaseSite, protocol: Callable[[], asyncio.Protocol]) -> None:
    """Start the site of a runner, and take its connections this way. `protocol`: the runner's server."""
    await site.start()
    server = site._server
    assert server is not None
    # Copies of the sockets: they go on listening when the loop's server closes its own.
    sockets = [socket.socket(fileno=os.dup(one.fileno())) for one in server.sockets]  # type: ignore[attr-defined]
    server.close()
    site._server = Acceptor(protocol, sockets)  # type: ignore[assignment]
