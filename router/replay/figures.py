"""What a replay counts: waits, service level and hang-ups per class."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from router.replay.trace import CLASSES, TraceCall

SHORT_ABANDON_S = 5
SERVICE_LEVEL_VARIANT = "net"


@dataclass(frozen=True, slots=True)
class Ending:
    """How one judged call ended, after `wait` seconds."""

    priority: int
    wait: float
    answered: bool


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Waits are those of answered calls, in seconds; None where nothing was counted.

    `service_level` (0–1) is answered within the target ÷ (answered + abandoned − abandoned within 5 s);
    `abandoned_share` (0–1) is of all calls.
    """

    calls: int
    answered: int
    abandoned: int
    mean_wait_s: float | None
    median_wait_s: float | None
    p90_wait_s: float | None
    service_level: float | None
    abandoned_share: float | None


Figures = dict[str, ClassFigures]


def count(endings: Iterable[Ending], within_s: int) -> Figures:
    """The figures of every class, by its name; `within_s` is the service level's target."""
    of: dict[int, list[Ending]] = {priority: [] for priority in CLASSES}
    for ending in endings:
        of[ending.priority].append(ending)
    return {name: _figures(of[priority], within_s) for priority, name in CLASSES.items()}


def logged(calls: Iterable[TraceCall]) -> list[Ending]:
    """What the log itself says of these calls."""
    return [Ending(call.priority, call.wait, call.answered) for call in calls]


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The least value that `share` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _figures(endings: Sequence[Ending], within_s: int) -> ClassFigures:
    waits = sorted(ending.wait for ending in endings if ending.answered)
    abandoned = [ending.wait for ending in endings if not ending.answered]
    short = sum(wait < SHORT_ABANDON_S for wait in abandoned)
    return ClassFigures(
        calls=len(endings),
        answered=len(waits),
        abandoned=len(abandoned),
        mean_wait_s=statistics.fmean(waits) if waits else None,
        median_wait_s=statistics.median(waits) if waits else None,
        p90_wait_s=percentile(waits, 0.9),
        service_level=_ratio(sum(wait <= within_s for wait in waits), len(endings) - short),
        abandoned_share=_ratio(len(abandoned), len(endings)),
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
