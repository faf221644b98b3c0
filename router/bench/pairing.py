"""The arithmetic: a block divided by the floor blocks on both sides of it, and the median of many rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Cost:
    """One command of a block, µs: `script` by the server's account, `wall` as seen from outside, pipelined."""

    script: float
    wall: float


@dataclass(frozen=True, slots=True)
class Round:
    """A block in units of the floor around it."""

    script: float
    wall: float
    usec: float


def in_floors(block: Cost, before: Cost, after: Cost) -> Round:
    return Round(
        script=2 * block.script / (before.script + after.script),
        wall=2 * block.wall / (before.wall + after.wall),
        usec=block.script,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """The paired rounds of one thing."""

    rounds: tuple[Round, ...]

    @property
    def floors(self) -> float:
        """Script time in units of F."""
        return median(r.script for r in self.rounds)

    @property
    def wall_floors(self) -> float:
        return median(r.wall for r in self.rounds)

    @property
    def usec(self) -> float:
        """Script time, µs."""
        return median(r.usec for r in self.rounds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Where the middle half of the rounds lies, F."""
        ordered = sorted(r.script for r in self.rounds)
        return ordered[len(ordered) // 4], ordered[-1 - len(ordered) // 4]


def in_a_row(parts: Sequence[Measured]) -> Measured:
    """The sum, round by round: a lifecycle from its transitions."""
    rows = zip(*(part.rounds for part in parts), strict=True)
    return Measured(
        tuple(Round(sum(r.script for r in row), sum(r.wall for r in row), sum(r.usec for r in row)) for row in rows)
    )
