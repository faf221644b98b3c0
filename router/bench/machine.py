"""Which machine this is, and how its cores are shared out while something is measured."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def set_apart(server_pid: int) -> Iterator[str]:
    """The server on the first core and the driver on the others, as far as the system allows; says how far.

    Where it may, it also puts the server before everybody else on its core: what another process does there would be
    counted as script time.
    """
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        yield "server and driver share the cores"
        return
    before = os.sched_getaffinity(0)
    first, *others = sorted(before)
    how = "server and driver share the cores"
    with contextlib.suppress(OSError):
        os.sched_setaffinity(server_pid, {first})
        os.sched_setaffinity(0, set(others))
        how = "server on a core of its own"
        # Its forks, which rewrite the append-only file, queue like everybody else.
        os.sched_setscheduler(server_pid, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        how += ", first in line there"
    try:
        yield how
    finally:
        os.sched_setaffinity(0, before)


def others() -> set[int]:
    """The cores that are not ours: while something is set apart, those of the server."""
    return set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0) if sys.platform == "linux" else set()


def describe() -> str:
    """The machine in one line."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
