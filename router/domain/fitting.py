"""A straight line learned as answers come in, and two factors that keep its p50 and p90 honest. Pure.

Sums of products are forgotten exponentially, so the line follows a site as it changes and needs no training run. What
is solved from them is centred and held back by a small ridge: with few answers the slopes are near nothing and the
line is nearly a mean, with many the ridge no longer matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

MEMORY = 2_000
"""Answers after which one counts 1/e of what it did."""
SLOPES = 3
RIDGE = 20
WIDTHS = 3
"""Standard deviations from the mean up to which an input is believed: a line knows nothing of where it has not been."""
RATE = 0.005
EARLY = 20
BANDS = 4
START_P50, START_P90 = 0.8, 2.1
SHORTEST_S = 1.0

_PAIRS = tuple((row, column) for row in range(SLOPES + 2) for column in range(row, SLOPES + 2))

Inputs = tuple[float, float, float]
"""Calls ahead; how many callers came lately; how long those answered lately had waited, s."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a fit says for every number of calls ahead, all else being as it is: frozen, so that it can be handed out.

    `base_s` + `slope_s` × calls ahead is the mean wait in seconds; `p50` and `p90` turn it into quantiles, band by
    band (0, 1–2, 3–6, 7 and more ahead). Neither quantile ever falls as the calls ahead grow in number.
    """

    samples: int
    base_s: float
    slope_s: float
    p50: tuple[float, ...]
    p90: tuple[float, ...]

    def mean(self, ahead: int) -> float:
        """Seconds, with nothing left out: what errors are measured on."""
        return max(SHORTEST_S, self.base_s + self.slope_s * ahead)

    def quantiles(self, ahead: int) -> tuple[float, float]:
        """p50 and p90, s."""
        return _quantiles(self, ahead)

    def highest(self, factors: tuple[float, ...], ahead: int) -> float:
        """Never less than for fewer calls ahead."""
        last = band(ahead)
        lower = (factors[each] * self.mean(2 ** (each + 1) - 2) for each in range(last))
        return max(factors[last] * self.mean(ahead), *lower, 0.0)


# Asked again at every announcement to every caller; a curve is frozen, there are few of them, and soon newer ones.
@lru_cache(maxsize=1_024)
def _quantiles(curve: Curve, ahead: int) -> tuple[float, float]:
    p50 = curve.highest(curve.p50, ahead)
    return p50, max(p50, curve.highest(curve.p90, ahead))


@dataclass(slots=True)
class Fit:
    """One class of callers. `products` is the upper triangle of Σ z·zᵀ over z = (1, inputs…, wait), row by row."""

    samples: int = 0
    products: list[float] = field(default_factory=lambda: [0.0] * 15)
    p50: list[float] = field(default_factory=lambda: [START_P50] * BANDS)
    p90: list[float] = field(default_factory=lambda: [START_P90] * BANDS)
    line: list[list[float]] | None = None
    """As last solved: [intercept, slope], then for each further input [factor, lowest, highest value believed]."""

    solved: int = 0
    """`samples` when that was."""

    def learn(self, inputs: Inputs, wait_s: float) -> None:
        """One answer: first the factors are nudged by what would have been said, then the line takes it in."""
        if self.line is not None:
            ahead = int(inputs[0])
            p50, p90 = self.curve(inputs).quantiles(ahead)
            rate, which = max(RATE, 1 / (EARLY + self.samples)), band(ahead)
            self.p50[which] *= math.exp(rate * (0.5 - (wait_s <= p50)))
            self.p90[which] *= math.exp(rate * (0.9 - (wait_s <= p90)))
        z = (1.0, *inputs, wait_s)
        keep = 1 - 1 / MEMORY
        self.products = [old * keep + z[i] * z[j] for old, (i, j) in zip(self.products, _PAIRS, strict=True)]
        self.samples += 1

    def solve(self) -> None:
        """Find the line that fits best what is remembered, if what came since could move it."""
        if self.samples - self.solved < 1 + min(self.samples, MEMORY) // 200:
            return
        self.solved = self.samples
        weight, *sums = self.products[:5]
        means = [each / weight for each in sums]
        rows = iter(self.products[5:])
        spread = [[0.0] * 4 for _ in range(4)]
        for row in range(4):
            for column in range(row, 4):
                spread[row][column] = spread[column][row] = next(rows) / weight - means[row] * means[column]
        for each in range(SLOPES):
            spread[each][each] = max(0.0, spread[each][each]) * (1 + RIDGE / weight) + 1e-6
        slopes = _solved([row[:SLOPES] for row in spread[:SLOPES]], [row[SLOPES] for row in spread[:SLOPES]])
        # More callers ahead never make a wait shorter; an early, unlucky sample may say so.
        slopes[0] = max(0.0, slopes[0])
        level = means[SLOPES] - sum(slope * mean for slope, mean in zip(slopes, means, strict=False))
        self.line = [[level, slopes[0]]]
        for each in range(1, SLOPES):
            reach = WIDTHS * math.sqrt(spread[each][each])
            self.line.append([slopes[each], means[each] - reach, means[each] + reach])

    def curve(self, inputs: Inputs | None = None) -> Curve:
        """The line with the last two inputs put in; without inputs their usual values. `solve` comes first."""
        assert self.line is not None
        (base, slope), *further = self.line
        for (factor, low, high), value in zip(further, inputs[1:] if inputs else (None, None), strict=True):
            base += factor * ((low + high) / 2 if value is None else min(max(value, low), high))
        return Curve(self.samples, base, slope, tuple(self.p50), tuple(self.p90))

    def dump(self) -> list[object]:
        return [self.samples, self.products, self.p50, self.p90, self.line, self.solved]

    @classmethod
    def load(cls, kept: list[object]) -> Fit:
        return cls(*kept)  # type: ignore[arg-type]


def band(ahead: int) -> int:
    """0, 1–2, 3–6, 7 and more: short lines and long ones differ in how their waits scatter."""
    return min(BANDS, (ahead + 1).bit_length()) - 1


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with pivots; the ridge keeps every pivot from zero."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        for row in range(at + 1, size):
            factor = rows[row][at] / rows[at][at]
            rows[row] = [own - factor * above for own, above in zip(rows[row], rows[at], strict=True)]
    found = [0.0] * size
    for at in reversed(range(size)):
        known = sum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - known) / rows[at][at]
    return found
