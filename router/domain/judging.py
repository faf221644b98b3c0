"""Whether what was said of a wait came true: the last hour's hits and errors, also of what was said of owners. Pure.

A figure about an owner is judged by the owner alone: it makes no difference whether the caller who was told stayed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

KEEP_MS = 3_600_000
BUCKET_MS = 300_000
HONEST = 0.7
"""Least share of the last hour's answers within what was said."""
ROUND_MIN = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A wait that half of all such callers do not exceed, and one that nine of ten do not; ms."""

    p50_ms: int
    p90_ms: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """About so many minutes, at most so many: round figures, fit to be said."""

    about_min: int
    at_most_min: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The last hour: answers, and callers who waited for one longer than was (or would have been) said; how many were
    answered within it, the error of p50."""

    answers: int = 0
    hits: int = 0
    error_ms: int = 0

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.answers if self.answers else None

    @property
    def mean_error_ms(self) -> float | None:
        return self.error_ms / self.answers if self.answers else None


@dataclass(slots=True)
class Hours:
    """Judgements in buckets of five minutes; what is older than an hour is forgotten."""

    buckets: dict[int, Quality] = field(default_factory=dict)

    def judge(self, said: Estimate, wait_ms: int, at_ms: int) -> None:
        bucket = at_ms // BUCKET_MS
        was = self.buckets.get(bucket, Quality())
        hit = wait_ms <= at_most_ms(said)
        error = was.error_ms + abs(wait_ms - said.p50_ms)
        self.buckets[bucket] = Quality(was.answers + 1, was.hits + hit, error)
        for old in [each for each in self.buckets if each <= bucket - KEEP_MS // BUCKET_MS]:
            del self.buckets[old]

    def quality(self, now_ms: int) -> Quality:
        first = (now_ms - KEEP_MS) // BUCKET_MS
        kept = [each for bucket, each in self.buckets.items() if bucket > first]
        return Quality(*(sum(getattr(each, name) for each in kept) for name in Quality.__slots__))

    def dump(self) -> dict[int, Any]:
        return {bucket: asdict(quality) for bucket, quality in self.buckets.items()}

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Hours:
        return cls({int(bucket): Quality(**each) for bucket, each in kept.items()})


@dataclass(frozen=True, slots=True)
class Promise:
    """When a caller was told how long until the owner turns to them, and how many stood before them there."""

    at_ms: int
    said: Estimate
    ahead: int


@dataclass(slots=True)
class Owners:
    """What was said of each agent and has not shown yet, and how the last hour's came true."""

    open: dict[str, list[Promise]] = field(default_factory=dict)
    hours: Hours = field(default_factory=Hours)

    def promise(self, agent_id: str, promise: Promise) -> None:
        self.open.setdefault(agent_id, []).append(promise)

    def turned(self, agent_id: str, at_ms: int, *, idle: bool) -> bool:
        """The agent takes the next caller, or has none: what was said is due. Whether anything was."""
        promises = self.open.pop(agent_id, [])
        waiting = []
        for each in promises:
            if idle or not each.ahead:
                self.hours.judge(each.said, at_ms - each.at_ms, at_ms)
            else:
                waiting.append(Promise(each.at_ms, each.said, each.ahead - 1))
        if waiting:
            self.open[agent_id] = waiting
        return bool(promises)

    def overlook(self, now_ms: int) -> bool:
        """What has not come within what was said is a miss, whatever comes. Whether anything was."""
        late = [
            (agent_id, each)
            for agent_id, promises in self.open.items()
            for each in promises
            if now_ms - each.at_ms > at_most_ms(each.said)
        ]
        for agent_id, each in late:
            self.hours.judge(each.said, now_ms - each.at_ms, now_ms)
            self.open[agent_id].remove(each)
        self.open = {agent_id: promises for agent_id, promises in self.open.items() if promises}
        return bool(late)

    def dump(self) -> dict[str, Any]:
        kept = {agent_id: [asdict(each) for each in promises] for agent_id, promises in self.open.items()}
        return {"open": kept, "hours": self.hours.dump()}

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Owners:
        return cls(
            {
                agent_id: [Promise(**{**each, "said": Estimate(**each["said"])}) for each in promises]
                for agent_id, promises in kept["open"].items()
            },
            Hours.load(kept["hours"]),
        )


@lru_cache(maxsize=512)
def announce(estimate: Estimate) -> Announcement:
    """The nearest round figure to p50, and the first one not below p90. Beyond an hour: whole hours."""
    about = min(_round_figures(estimate.p50_ms), key=lambda figure: (abs(figure * 60_000 - estimate.p50_ms), figure))
    at_most = next(f for f in _round_figures(estimate.p90_ms) if f * 60_000 >= estimate.p90_ms)
    return Announcement(about, max(about, at_most))


def at_most_ms(said: Estimate) -> int:
    return announce(said).at_most_min * 60_000


def may_announce(quality: Quality) -> bool:
    """False when the last hour's callers were told too little; an hour without answers says nothing against us."""
    return quality.hit_rate is None or quality.hit_rate >= HONEST


def _round_figures(ms: int) -> tuple[int, ...]:
    hours = math.ceil(ms / 3_600_000)
    return (*ROUND_MIN, *range(120, hours * 60 + 1, 60))
