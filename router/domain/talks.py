"""How long conversations last, and when an owner who is in one will be free. Pure.

Talk times are taken to be log-normal, as those of call centres are. With every second of a log-normal talk the rest is
at first expected to be shorter and later, in its long tail, longer again. Nobody is told so: what is said of the rest
is the least that was true at any earlier second, so it never grows because time passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from router.domain.fitting import MEMORY

ENOUGH = 20
STEPS = 64
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Talks:
    """Sums over the talks remembered, the older the less: their number, of t, of ln t and of (ln t)², t in seconds."""

    samples: int = 0
    weight: float = 0.0
    total: float = 0.0
    logs: float = 0.0
    squares: float = 0.0

    def learn(self, talk_s: float) -> Talks:
        keep, log = 1 - 1 / MEMORY, math.log(max(1.0, talk_s))
        return Talks(
            self.samples + 1,
            self.weight * keep + 1,
            self.total * keep + talk_s,
            self.logs * keep + log,
            self.squares * keep + log * log,
        )

    @property
    def known(self) -> bool:
        return self.samples >= ENOUGH

    def rest(self, elapsed_s: float) -> tuple[float, float]:
        """p50 and p90 of what is left of a talk, s. Never grows with `elapsed_s`. Only when `known`."""
        return self._rest(0.5, elapsed_s), self._rest(0.9, elapsed_s)

    def mean(self) -> float:
        """Of a whole talk, s; not below its median."""
        return max(self.total / self.weight, self._rest(0.5, 0.0))

    def _rest(self, quantile: float, elapsed_s: float) -> float:
        centre = self.logs / self.weight
        width = math.sqrt(max(0.0025, self.squares / self.weight - centre * centre))
        return _least_rest(round(centre, 4), round(width, 4), quantile, elapsed_s)


def until_free(talks: Talks, rest: tuple[float, float], wrap_up_s: float, ahead: int) -> tuple[float, float]:
    """p50 and p90, s, until an agent turns to a caller with `ahead` callers before them in the agent's own lane.

    `rest` is what is left of what the agent is at now, wrap-up included.
    """
    p50, p90 = rest
    if not ahead:
        return rest
    turn = talks.mean() + wrap_up_s
    median, high = talks.rest(0.0)
    # The talks before ours are independent: their spreads add up as squares.
    spread = math.hypot(p90 - p50, math.sqrt(ahead) * (high - median))
    return p50 + ahead * turn, p50 + ahead * turn + spread


def _rest_at(centre: float, width: float, quantile: float, elapsed: float) -> float:
    lasted = _NORMAL.cdf((math.log(elapsed) - centre) / width) if elapsed > 0 else 0.0
    reached = 1 - (1 - quantile) * (1 - lasted)
    if reached >= 1 - 1e-12:
        return math.inf
    return math.exp(centre + width * _NORMAL.inv_cdf(reached)) - elapsed


@lru_cache(maxsize=1024)
def _turning_point(centre: float, width: float, quantile: float) -> tuple[float, float]:
    """(elapsed, rest) where the rest is shortest."""
    times = [0.0, *(math.exp(centre + width * (6 * step / STEPS - 4)) for step in range(STEPS + 1))]
    rest, elapsed = min((_rest_at(centre, width, quantile, each), each) for each in times)
    return elapsed, rest


def _least_rest(centre: float, width: float, quantile: float, elapsed: float) -> float:
    turn, least = _turning_point(centre, width, quantile)
    return least if elapsed >= turn else max(least, _rest_at(centre, width, quantile, elapsed))
