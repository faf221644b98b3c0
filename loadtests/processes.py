"""Processes and their children, from /proc: processor time, memory, who serves, what is open. Any may end meanwhile."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Use:
    """One living process. `own_s`: seconds of processor time, `buried_s` those of children that have ended; `rss`:
    bytes resident.
    """

    name: str
    own_s: float
    buried_s: float
    rss: int

    @property
    def cpu_s(self) -> float:
        return self.own_s + self.buried_s


def use_of(pid: int) -> Use | None:
    """None: it is gone."""
    try:
        head, _, tail = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return None
    fields = tail.split()
    own, buried = (sum(map(int, fields[at : at + 2])) / TICKS for at in (11, 13))
    return Use(head.partition("(")[2], own, buried, int(fields[21]) * PAGE)


def has_gone(pid: int) -> bool:
    """It has let go of its connections; somebody may still have to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


def machine_s() -> tuple[float, float]:
    """Seconds that all processors of the machine have been busy, and that have passed on all of them together."""
    user, nice, system, idle, waiting, *others = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    busy = user + nice + system + sum(others)
    return busy / TICKS, (busy + idle + waiting) / TICKS


def family(pid: int) -> dict[int, Use]:
    """A process and its living descendants, by id; what is gone is left out."""
    found, following = {}, [pid]
    while following:
        one = following.pop()
        if use := use_of(one):
            found[one] = use
            following += _children(one)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def workers_of(pid: int) -> list[int]:
    """The serving children of a service; none where it serves by itself."""
    return [child for child in _children(pid) if b"router" in _words(child)]


def _words(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def open_files(pid: int) -> list[str]:
    """What its descriptors stand for: paths, and `socket:[inode]`."""
    found: list[str] = []
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.append(str(link.readlink()))
    return found


def cpu_s(pid: int) -> float:
    """Seconds that a process, its living descendants, and those they have buried have used; 0 when it is gone."""
    return sum(use.cpu_s for use in family(pid).values())
