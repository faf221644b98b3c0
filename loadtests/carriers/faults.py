"""What goes wrong on demand, between a carrier and us."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

RestFault = Literal["busy", "broken", "lost", "silent", "slow"]
"""What becomes of a command of ours. busy: 429. broken: 500, nothing done. lost: done, but the answer never comes.
silent: not done, no answer. slow: done, answered after a while."""


@dataclass
class Faults:
    """Shares are between 0 and 1; times are the carrier's seconds."""

    seed: int = 0
    documents_twice: float = 0.0
    reports_twice: float = 0.0
    reports_dropped: float = 0.0
    reports_late_s: float = 0.0
    rest: dict[str, list[RestFault]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def happens(self, share: float) -> bool:
        return share > 0 and self.random.random() < share

    def report_delays(self) -> list[float]:
        """When one report comes, s from now: no number, never; two, twice."""
        if self.happens(self.reports_dropped):
            return []
        times = 2 if self.happens(self.reports_twice) else 1
        return [self.random.uniform(0, self.reports_late_s) for _ in range(times)]

    def next_rest(self, what: str, *faults: RestFault) -> None:
        """The next requests of a kind (the carrier names its kinds) fail this way, one after the other."""
        self.rest[what].extend(faults)

    def take_rest(self, what: str) -> RestFault | None:
        return self.rest[what].pop(0) if self.rest[what] else None
