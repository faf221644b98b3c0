"""The server that is measured: the embedded default as it is shipped, in an empty folder, with the floor in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from router.bench.floor import Floor
from router.bench.machine import set_apart
from router.bench.pairing import Cost
from router.bench.pipe import Pipe
from router.store.embedded import EmbeddedServer

# Lua's collector works in steps, one for every 50 scripts: blocks of a multiple of 50 all get their share of them.
WARM, TIMED = 100, 200

_EVALSHA = re.compile(rb"cmdstat_evalsha:calls=(\d+),usec=(\d+)")


class BenchServer:
    """A running server, and the meter of its script time."""

    def __init__(self, url: str, pipe: Pipe, floor: Floor, apart: str = "") -> None:
        self.url = url
        self.pipe = pipe
        self.floor = floor
        self.apart = apart
        floor.prepare(pipe)

    def timed(self, commands: Sequence[Sequence[str]], warm: int = WARM) -> tuple[Cost, list[Any]]:
        """What one of these EVALSHAs costs, and all replies.

        The first `warm` are not timed: they pay for the garbage that the block before has left to Lua's collector, so
        that this block pays for its own.
        """
        replies = self.pipe.run(commands[:warm])
        before = self._script_usec()
        wall, timed = self.pipe.timed(commands[warm:])
        script = self._script_usec() - before
        return Cost(script / len(timed), wall / len(timed)), replies + timed

    def timed_floor(self, warm: int = WARM, count: int = TIMED) -> Cost:
        return self.timed(self.floor.commands(warm + count), warm)[0]

    def info(self, section: str) -> dict[str, str]:
        lines = self.pipe.run([["INFO", section]])[0].decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def version(self) -> str:
        info = self.info("server")
        valkey = info.get("valkey_version")
        return f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"

    def _script_usec(self) -> int:
        """The server's own account of all EVALSHAs so far, µs."""
        found = _EVALSHA.search(self.pipe.run([["INFO", "commandstats"]])[0])
        return int(found[2]) if found else 0


@contextmanager
def bench_server() -> Iterator[BenchServer]:
    """A server of our own for the time of a measurement."""
    with TemporaryDirectory(prefix="vipline-bench-") as folder:
        embedded = EmbeddedServer(Path(folder))
        embedded.start()
        try:
            assert embedded.pid is not None
            with set_apart(embedded.pid) as apart:
                pipe = Pipe(embedded.socket_path)
                yield BenchServer(embedded.url, pipe, Floor(), apart)
                pipe.close()
        finally:
            embedded.stop()
