"""Where a worker stands: a socket that outlives it, kept by the parent, and a word to the parent when it serves.

Two workers may share it, so that one can take over from the other: what is in the queue when the first stops accepting
is accepted by the second, and nobody is sent away.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from functools import partial

from router.store.embedded import die_with_parent

VARIABLE = "VIPLINE_WORKER"
BACKLOG = 1024


class Post:
    """The worker's side. Reads what the parent has told it, once."""

    def __init__(self, told: str) -> None:
        listening, report = map(int, told.split(","))
        self.socket = socket.socket(fileno=listening)
        self.socket.setblocking(False)
        self._report = report

    @classmethod
    def of_this_process(cls) -> Post | None:
        told = os.environ.get(VARIABLE)
        return cls(told) if told else None

    def report_serving(self) -> None:
        os.write(self._report, b"!")
        os.close(self._report)


class Door:
    """The parent's side: one of the sockets that share the port."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._socket = _bound(host, port)
        self.port = int(self._socket.getsockname()[1])

    async def open(self, environment: Mapping[str, str]) -> Worker:
        """A new worker behind it; it may stand there together with another."""
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "router", "serve"),
                env={**environment, VARIABLE: f"{self._socket.fileno()},{writing}"},
                pass_fds=(self._socket.fileno(), writing),
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return Worker(process, reading)

    def shut(self) -> None:
        """Calls go to other doors, until the next worker here serves; those in the queue are refused."""
        self._socket.close()
        self._socket = _bound(self._host, self.port)

    def close(self) -> None:
        """For good."""
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


class Worker:
    """A serving process."""

    def __init__(self, process: asyncio.subprocess.Process, report: int) -> None:
        self.process = process
        self.serves = asyncio.Event()
        self._report = report
        asyncio.get_running_loop().add_reader(report, self._reported)

    def _reported(self) -> None:
        if os.read(self._report, 1):
            self.serves.set()
        asyncio.get_running_loop().remove_reader(self._report)
        os.close(self._report)
