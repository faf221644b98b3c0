"""Who was there to answer, guessed from the log: it names servers, but not when they came, paused or went."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from router.replay.trace import TraceCall

LONGEST_GAP_S = 1800
ENOUGH_GAPS = 30


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of one day in which a server answers calls; seconds after midnight."""

    server: str
    start: int
    end: int


def shifts(day: Iterable[TraceCall]) -> list[Shift]:
    """One day's shifts: first to last service of each named server, split where a gap exceeds 30 minutes."""
    found: list[Shift] = []
    for server, services in _services(day).items():
        start, end = services[0]
        for begins, ends in services[1:]:
            if begins - end > LONGEST_GAP_S:
                found.append(Shift(server, start, end))
                start, end = begins, ends
            else:
                end = max(end, ends)
        found.append(Shift(server, start, end))
    return found


def extra_shifts(day: Sequence[Shift], count: int) -> list[Shift]:
    """`count` more people, there from the day's first service to its last."""
    if not day:
        return []
    start, end = min(shift.start for shift in day), max(shift.end for shift in day)
    return [Shift(f"extra-{number}", start, end) for number in range(1, count + 1)]


class WrapUps:
    """Seconds between a service and readiness: the gaps the log shows while somebody was waiting.

    A server with fewer than 30 such gaps borrows everybody's.
    """

    def __init__(self) -> None:
        self._by_server: defaultdict[str, list[int]] = defaultdict(list)
        self._all: list[int] = []

    @classmethod
    def learn(cls, days: Iterable[Sequence[TraceCall]]) -> WrapUps:
        wrap_ups = cls()
        for day in days:
            queued = [call for call in day if call.queued and call.type == "PS"]
            came = sorted(call.arrived for call in queued)
            went = sorted(call.left for call in queued)
            for server, services in _services(day).items():
                for (_, end), (begins, _) in pairwise(services):
                    waiting = bisect_right(came, end) > bisect_right(went, end)
                    if waiting and 0 <= begins - end <= LONGEST_GAP_S:
                        wrap_ups._by_server[server].append(begins - end)
        for gaps in wrap_ups._by_server.values():
            gaps.sort()
        wrap_ups._all = sorted(gap for gaps in wrap_ups._by_server.values() for gap in gaps)
        return wrap_ups

    def after(self, server: str, chance: float) -> int:
        """One wrap-up of this server; `chance` in [0, 1) picks it: 0 the shortest."""
        own = self._by_server.get(server, [])
        gaps = own if len(own) >= ENOUGH_GAPS else self._all
        return gaps[int(chance * len(gaps))] if gaps else 0


def _services(day: Iterable[TraceCall]) -> dict[str, list[tuple[int, int]]]:
    """(start, end) of each named server's services, in order."""
    services: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for call in day:
        if call.server is not None and call.service is not None:
            services[call.server].append(call.service)
    return {server: sorted(spans) for server, spans in services.items()}
