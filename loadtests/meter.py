"""What the processes of a run use while it lasts: the service, its server, and those who drive it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from loadtests.processes import Use, family, machine_s, use_of

SERVERS = ("valkey-server", "redis-server")
PARTS = ("service", "server", "far end", "locust")
POINTS, SHORTEST_S = 240, 1.0
FULL = 0.9
"""A machine whose processors are busy for so much of the time has none left for what comes next."""


@dataclass(frozen=True, slots=True)
class Reading:
    """By part: processor seconds used so far, bytes resident. `load`: the machine's; `at_ms`: by its clock;
    `machine_s`: seconds its processors have been busy, of how many.
    """

    at_ms: int
    cpu_s: dict[str, float]
    rss: dict[str, int]
    load: float = 0.0
    machine_s: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Spent:
    """`cpu_s`: by part, from the first reading to the last; `wall_s` between them; `load`: the machine's mean."""

    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    load: float = 0.0

    def cores(self, *parts: str) -> float:
        """Cores that these parts kept busy."""
        return sum(self.cpu_s.get(part, 0.0) for part in parts) / self.wall_s if self.wall_s else 0.0


class Meter:
    """Reads every part now and then. The far end is the process that reads."""

    def __init__(self, seconds: float) -> None:
        self.readings: list[Reading] = []
        self._every_s = max(SHORTEST_S, seconds / POINTS)
        self._service: list[int] = []
        self._locust: list[int] = []

    def watch_service(self, pid: int) -> None:
        """It, its workers, and its embedded server; may be told of another when one has gone."""
        self._service.append(pid)

    def watch_locust(self, pid: int) -> None:
        self._locust.append(pid)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.read()
            await asyncio.sleep(self._every_s)

    def read(self) -> None:
        """A reading now."""
        uses: dict[str, list[Use]] = {part: [] for part in PARTS}
        for pid in self._locust:
            uses["locust"] += family(pid).values()
        for pid in self._service:
            for use in family(pid).values():
                uses["server" if use.name in SERVERS else "service"].append(use)
        cpu_s = {part: sum(use.cpu_s for use in uses[part]) for part in PARTS}
        if far_end := use_of(os.getpid()):
            uses["far end"].append(far_end)
            cpu_s["far end"] = far_end.own_s
        rss = {part: sum(use.rss for use in uses[part]) for part in PARTS}
        self.readings.append(Reading(round(time.time() * 1000), cpu_s, rss, os.getloadavg()[0], machine_s()))

    def spent(self, from_ms: int = 0) -> Spent:
        """From the last reading before that time on."""
        earlier = sum(one.at_ms <= from_ms for one in self.readings)
        return spent(self.readings[max(0, earlier - 1) :])

    def full(self, from_s: float, until_s: float) -> bool:
        """Whether the machine, with all that ran on it, was full between those times, s since the epoch."""
        if len(self.readings) < 2:
            return False
        first = max(0, sum(one.at_ms <= from_s * 1000 for one in self.readings) - 1)
        last = next((at for at, one in enumerate(self.readings) if one.at_ms >= until_s * 1000), len(self.readings) - 1)
        first = min(first, last - 1) if last else 0
        (busy, passed), (busy_then, passed_then) = (self.readings[at].machine_s for at in (max(last, 1), first))
        return passed > passed_then and busy - busy_then >= FULL * (passed - passed_then)

    def memory(self) -> list[tuple[float, int, int]]:
        """Since the first reading, s; bytes resident of the service, and of its server."""
        return [
            ((one.at_ms - self.readings[0].at_ms) / 1000, one.rss["service"], one.rss["server"])
            for one in self.readings
        ]


def spent(readings: Sequence[Reading]) -> Spent:
    """What each part has used. A process that has gone took its time with it, so only what grew is counted."""
    if not readings:
        return Spent()
    steps = list(pairwise(readings))
    used = {part: sum(max(0.0, after.cpu_s[part] - before.cpu_s[part]) for before, after in steps) for part in PARTS}
    wall_s = (readings[-1].at_ms - readings[0].at_ms) / 1000
    return Spent(wall_s, used, sum(one.load for one in readings) / len(readings))


def slope(points: Iterable[tuple[float, float]]) -> float:
    """Per cent of their mean by which values grow in ten minutes, along the straight line that fits them best.

    `points`: (s, value); 0 when there are too few.
    """
    pairs = list(points)
    if len(pairs) < 2:
        return 0.0
    mean_s = sum(at_s for at_s, _ in pairs) / len(pairs)
    mean = sum(value for _, value in pairs) / len(pairs)
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in pairs)
    if not spread or not mean:
        return 0.0
    per_s: float = sum((at_s - mean_s) * (value - mean) for at_s, value in pairs) / spread
    return per_s * 600 / mean * 100
