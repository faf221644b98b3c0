"""The people of a trace as the replay plays them: when they call, what they would put up with, how long they talk."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from router.replay.staffing import Shift, WrapUps, extra_shifts, shifts
from router.replay.survival import Survival
from router.replay.trace import TraceCall

JUDGED_TYPE = "PS"
LONGEST_SERVICE_S = 3600


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller; `at` in seconds after midnight, patience and service in seconds.

    `wrap_chance` in [0, 1) picks the wrap-up after the talk. Only `judged` callers are counted in the tables.
    """

    call_id: str
    priority: int
    at: int
    patience: int
    service: int = 0
    wrap_chance: float = 0.0
    judged: bool = True


@dataclass(frozen=True, slots=True)
class SlotDay:
    """A day whose service starts (`slots`, seconds after midnight) are the log's own."""

    date: datetime.date
    callers: tuple[Caller, ...]
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StaffedDay:
    """A day with people to answer it."""

    date: datetime.date
    callers: tuple[Caller, ...]
    shifts: tuple[Shift, ...]
    wrap_ups: WrapUps


def judged(calls: Iterable[TraceCall]) -> list[TraceCall]:
    """The calls that tables speak of: regular service, queued. A call answered at once lost its class."""
    return [call for call in calls if call.type == JUDGED_TYPE and call.queued]


def by_day(calls: Iterable[TraceCall]) -> dict[datetime.date, list[TraceCall]]:
    """The calls of each day, in the order of their arrival."""
    days: defaultdict[datetime.date, list[TraceCall]] = defaultdict(list)
    for call in calls:
        days[call.day].append(call)
    return {day: sorted(days[day], key=lambda call: call.arrived) for day in sorted(days)}


def slot_days(calls: Sequence[TraceCall], seed: int) -> list[SlotDay]:
    """The judged calls, with every logged service start as a slot whoever takes it."""
    patience = _Patience(judged(calls))
    random = Random(seed)
    return [
        SlotDay(
            date,
            tuple(
                Caller(call.call_id, call.priority, call.arrived, patience.of(call, call.priority, random.random()))
                for call in day
            ),
            tuple(sorted(call.left for call in day if call.answered)),
        )
        for date, day in by_day(judged(calls)).items()
    ]


def staffed_days(calls: Sequence[TraceCall], seed: int, extra_agents: int = 0) -> list[StaffedDay]:
    """Everybody who wanted an agent, of any type: one pool answers them all."""
    days = by_day(call for call in calls if call.queued or call.answered)
    patience = _Patience(judged(calls))
    wrap_ups = WrapUps.learn(days.values())
    talks: defaultdict[str, list[int]] = defaultdict(list)
    priorities: defaultdict[str, list[int]] = defaultdict(list)
    for day in days.values():
        for call in day:
            if call.service is not None:
                talks[call.type].append(_length(call.service))
            if call.queued:
                priorities[call.type].append(call.priority)
    random = Random(seed)

    def caller(call: TraceCall) -> Caller:
        priority = call.priority if call.queued else random.choice(priorities[call.type] or [call.priority])
        return Caller(
            call.call_id,
            priority,
            call.arrived,
            patience.of(call, priority, random.random()),
            _length(call.service) if call.service else random.choice(talks[call.type] or [0]),
            random.random(),
            judged=call.queued and call.type == JUDGED_TYPE,
        )

    result = []
    for date, day in days.items():
        there = shifts(day)
        there += extra_shifts(there, extra_agents)
        result.append(StaffedDay(date, tuple(caller(call) for call in day), tuple(there), wrap_ups))
    return result


def _length(service: tuple[int, int]) -> int:
    return min(service[1] - service[0], LONGEST_SERVICE_S)


class _Patience:
    """A curve per class; a class the log never shows waiting borrows everybody's."""

    def __init__(self, calls: Sequence[TraceCall]) -> None:
        waits: defaultdict[int, list[tuple[int, bool]]] = defaultdict(list)
        for call in calls:
            waits[call.priority].append((call.wait, not call.answered))
        self._curves = {priority: Survival.fit(seen) for priority, seen in waits.items()}
        self._all = Survival.fit(pair for seen in waits.values() for pair in seen)

    def of(self, call: TraceCall, priority: int, chance: float) -> int:
        """Who hung up shows it; who was answered would have waited longer than the log says."""
        if not call.answered:
            return call.wait
        return self._curves.get(priority, self._all).draw(call.wait, chance)
