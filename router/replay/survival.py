"""How long callers are willing to wait, learned from a log in which most were answered before they gave up."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import neg


@dataclass(frozen=True, slots=True)
class Survival:
    """The Kaplan–Meier curve: after `at[i]` seconds the share `share[i]` of callers would still be waiting.

    Beyond the longest wait of the log nothing is known; the curve ends there, at nought.
    """

    at: tuple[int, ...]
    share: tuple[float, ...]

    @classmethod
    def fit(cls, waits: Iterable[tuple[int, bool]]) -> Survival:
        """From (seconds waited, hung up?) of every caller; who was answered would have waited longer still."""
        ended: Counter[int] = Counter()
        gave_up: Counter[int] = Counter()
        for wait, hung_up in waits:
            ended[wait] += 1
            gave_up[wait] += hung_up
        at_risk, alive = ended.total(), 1.0
        at: list[int] = []
        share: list[float] = []
        for wait in sorted(ended):
            if gave_up[wait] or at_risk == ended[wait]:
                alive *= 1 - gave_up[wait] / at_risk if at_risk > ended[wait] else 0.0
                at.append(wait)
                share.append(alive)
            at_risk -= ended[wait]
        return cls(tuple(at), tuple(share))

    def still_there(self, after: int) -> float:
        """The share of callers who wait longer than `after` seconds."""
        index = bisect_right(self.at, after)
        return self.share[index - 1] if index else 1.0

    def draw(self, beyond: int, chance: float) -> int:
        """A patience above `beyond` seconds (or `beyond`, where the log ends); `chance` in [0, 1) picks it."""
        target = (1 - chance) * self.still_there(beyond)
        index = bisect_right(self.share, -target, key=neg)
        return self.at[index] if index < len(self.at) else beyond

    def median(self) -> int | None:
        """Seconds after which half have given up; None when the log does not reach so far."""
        return next((wait for wait, share in zip(self.at[:-1], self.share[:-1], strict=True) if share <= 0.5), None)
