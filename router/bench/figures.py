"""What is measured: figures, and every value each of them has had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from statistics import median

from router.bench.goals import GOALS, Goal, Verdict
from router.bench.pairing import Measured


@dataclass(frozen=True, slots=True)
class Figure:
    """`unit`: F, x (a ratio), bytes, ms, µs. `detail`: what a program may want besides, such as the rounds' spread."""

    name: str
    value: float
    unit: str = "F"
    detail: dict[str, float] = field(default_factory=dict)


def in_floors(name: str, measured: Measured) -> Figure:
    """Script time in units of F; besides it the quartiles of the rounds, the µs, and the wall time in units of F's."""
    low, high = measured.quartiles
    detail = {"low": low, "high": high, "usec": measured.usec, "wall": measured.wall_floors}
    return Figure(name, measured.floors, "F", {key: round(value, 3) for key, value in detail.items()})


class Results:
    """Every measurement of every figure, in the order in which they first came."""

    def __init__(self, goals: dict[str, Goal] = GOALS) -> None:
        self.goals = goals
        self._figures: dict[str, list[Figure]] = defaultdict(list)

    def add(self, figures: Iterable[Figure], only: Collection[str] | None = None) -> None:
        """`only`: the names to be kept, of a repetition."""
        for figure in figures:
            if only is None or figure.name in only:
                self._figures[figure.name].append(figure)

    def names(self) -> list[str]:
        return list(self._figures)

    def figure(self, name: str) -> Figure:
        """The last measurement, with the median of them all as its value."""
        last = self._figures[name][-1]
        return Figure(name, median(self.values(name)), last.unit, last.detail)

    def values(self, name: str) -> list[float]:
        return [figure.value for figure in self._figures[name]]

    def verdict(self, name: str) -> Verdict | None:
        """None: nothing is asked of this figure."""
        goal = self.goals.get(name)
        return goal.verdict(self.values(name)) if goal else None

    def missed(self) -> list[str]:
        """The goals missed, by name."""
        return [name for name in self._figures if self.verdict(name) == "MISSED"]
