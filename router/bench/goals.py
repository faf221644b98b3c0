"""What the figures are held against, and when a goal counts as missed. All by the median of paired rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

TOLERANCE = 0.10
REPEATS = 3
FURTHER_LANES = 2
PER_FURTHER_LANE = 0.6
FIRST_HOOKS = ("first", "first, owner busy", "first, agent ready")
FURTHER_HOOKS = ("hold tick", "answer to the question", "agent's whisper", "agent's key", "bridge")
CREATED, CREATED_OFFERED = "a call created, it waits", "a call created, it is offered"
READY, READY_OFFERED = "an agent ready, nobody waits", "an agent ready, somebody waits"
VIEWED = "CPU of a delta to one of 200 viewers ÷ a plain write"

Verdict = Literal["ambitious", "reached", "within 10 %", "MISSED"]


@dataclass(frozen=True, slots=True)
class Goal:
    """`unit`: F, x (a ratio), bytes, ms. `at_least`: more is better."""

    to_reach: float
    ambitious: float | None
    unit: str = "F"
    at_least: bool = False

    def misses(self, value: float) -> bool:
        """By more than a measurement's noise."""
        if self.at_least:
            return value < self.to_reach * (1 - TOLERANCE)
        return value > self.to_reach * (1 + TOLERANCE)

    def verdict(self, values: Sequence[float]) -> Verdict:
        """Of one measurement, or of all its repeats: missed when most of them miss."""
        if 2 * sum(map(self.misses, values)) > len(values):
            return "MISSED"
        value = median(values)
        if self.ambitious is not None and self._holds(value, self.ambitious):
            return "ambitious"
        return "reached" if self._holds(value, self.to_reach) else "within 10 %"

    def _holds(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound


def _per_lane(to_reach: float, ambitious: float) -> Goal:
    """The goal of one lane with what three lanes may cost more."""
    more = FURTHER_LANES * PER_FURTHER_LANE
    return Goal(to_reach + more, ambitious + more)


def hook_name(hook: str) -> str:
    return f"CPU of a signed hook ÷ reading its form, {hook}"


def api_name(step: str) -> str:
    return f"CPU of the API ÷ reading its JSON, {step}"


GOALS = {
    "accept and route, 1 lane": Goal(2.5, 2.0),
    "agent ready, 1 lane": Goal(3.5, 2.75),
    "accept offer, 1 lane": Goal(1.5, 1.2),
    "complete, 1 lane": Goal(2.2, 1.7),
    "lifecycle, 1 lane": Goal(10, 8),
    "accept and route, 3 lanes": _per_lane(2.5, 2.0),
    "agent ready, 3 lanes": _per_lane(3.5, 2.75),
    "accept offer, 3 lanes": Goal(1.5, 1.2),
    "complete, 3 lanes": Goal(2.2, 1.7),
    "lifecycle, 3 lanes": _per_lane(10, 8),
    "lifecycles a second ÷ floors a second": Goal(0.10, 0.13, "x", at_least=True),
    "lifecycle, 1,000,000 ÷ 100 waiting": Goal(1.5, 1.35, "x"),
    "lifecycle, 100,000 ÷ 100 agents": Goal(1.15, 1.10, "x"),
    "lifecycle, 1,000,000 ÷ 1,000 entries": Goal(1.15, 1.10, "x"),
    "CPU of a call ÷ redis-py's, 64 at once": Goal(0.20, 0.10, "x"),
    "CPU of a call ÷ redis-py's, one at a time": Goal(0.6, 0.4, "x"),
    "hot keys of a waiting call, 1 lane": Goal(700, None, "bytes"),
    "hot keys of a waiting call, 3 lanes": Goal(700, None, "bytes"),
    "embedded server from nothing, scripts loaded": Goal(200, 80, "ms"),
    **{hook_name(hook): Goal(3.2, None, "x") for hook in FIRST_HOOKS},
    **{hook_name(hook): Goal(2.2, None, "x") for hook in FURTHER_HOOKS},
    "agent free to ring handed over, median": Goal(20, None, "ms"),
    "agent free to ring handed over, p99": Goal(100, None, "ms"),
}
