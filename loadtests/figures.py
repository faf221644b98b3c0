"""A run's figures for programs: `figures.json` beside the reports. Other commands start runs and read it."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from loadtests.judgement import Judge, Judgement
from loadtests.meter import Meter, Spent
from loadtests.options import Options
from loadtests.shapes import arrivals

NAME = "figures.json"


@dataclass(frozen=True)
class Figures:
    """`came`: calls that came in, in `came_s`, which should have been `meant_s`, the first at `first_s`; `complete`:
    those that were connected, and ended. `strained`: what the load was too slow for; `late`: faults that are slowness
    only. `spent`: since the first came. `hooks`: how many, p50, p95, p99, max in ms. `rss`: [s, bytes of the service,
    of its server].
    """

    rate: float
    seconds: float
    workers: int
    plain: bool
    clean: bool
    faults: list[str]
    missing: list[str]
    strained: list[str]
    late: list[str]
    came: int
    came_s: float
    meant_s: float
    first_s: float
    complete: int
    ended: int
    hooks: tuple[int, float, float, float, float]
    spent: Spent
    rss: list[tuple[float, int, int]]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What a run left there. OSError: none did."""
        told: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
        told["spent"] = Spent(**told["spent"])
        return cls(**told)

    def leave(self, folder: Path) -> None:
        (folder / NAME).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def came_a_second(self) -> float:
        return self.came / self.came_s if self.came_s else 0.0

    @property
    def hooks_a_call(self) -> float:
        return self.hooks[0] / self.complete if self.complete else 0.0

    def ms_a_call(self, *parts: str) -> float:
        """Processor time for each complete call."""
        return sum(self.spent.cpu_s[part] for part in parts) / self.complete * 1000 if self.complete else 0.0


def write_figures(options: Options, found: Judgement, judge: Judge, meter: Meter) -> None:
    fates = list(judge.fates.values())
    came = sorted(fate.came_ms for fate in fates)
    meant = list(arrivals(random.Random(options.seed + 1), options.shape, options.rate, options.seconds))
    count, *times = found.hooks[-1][1:] if found.hooks else (0, 0.0, 0.0, 0.0, 0.0)
    Figures(
        rate=options.rate,
        seconds=options.seconds,
        workers=options.workers,
        plain=options.plain,
        clean=found.clean,
        faults=found.faults,
        missing=found.missing,
        strained=found.strained,
        late=found.late,
        came=len(came),
        came_s=(came[-1] - came[0]) / 1000 if came else 0.0,
        meant_s=meant[-1] - meant[0] if meant else 0.0,
        first_s=(came[0] - meter.readings[0].at_ms) / 1000 if came else 0.0,
        complete=sum(fate.talked_ms is not None and bool(fate.outcome) for fate in fates),
        ended=sum(bool(fate.outcome) for fate in fates),
        hooks=(count, times[0], times[1], times[2], times[3]),
        spent=meter.spent(came[0] if came else 0),
        rss=meter.memory(),
    ).leave(options.folder)
