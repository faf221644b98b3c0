"""The replay's rules in a few plain lines, to hold the engine's results against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from router.replay.callers import Caller, SlotDay, StaffedDay
from router.replay.figures import Ending
from router.replay.trace import TraceCall

VIP = 2


def agreed(calls: Sequence[TraceCall], head_start: int) -> tuple[int, int]:
    """(decisions, agreements) of one day's queued calls."""

    def key(call: TraceCall) -> int:
        return call.arrived - (head_start if call.priority == VIP else 0)

    decisions = matches = 0
    for taken in calls:
        others = [call for call in calls if call.arrived <= taken.left < call.left]
        if taken.answered and others:
            decisions += 1
            matches += key(taken) <= min(map(key, others))
    return decisions, matches


def slots(day: SlotDay, head_starts: Mapping[int, int]) -> list[Ending]:
    """The day played with one list and no engine."""
    waiting: list[Caller] = []
    endings: list[Ending] = []
    events: list[tuple[int, int, int]] = [(at, 1, 0) for at in day.slots]
    for index, caller in enumerate(day.callers):
        events += [(caller.at, 0, index), (caller.at + caller.patience, 2, index)]
    for at, kind, index in sorted(events):
        if kind == 0:
            waiting.append(day.callers[index])
        elif kind == 1 and waiting:
            taken = min(waiting, key=lambda caller: caller.at - head_starts.get(caller.priority, 0))
            waiting.remove(taken)
            endings.append(Ending(taken.priority, at - taken.at, True))
        elif kind == 2 and day.callers[index] in waiting:
            waiting.remove(day.callers[index])
            endings.append(Ending(day.callers[index].priority, at - day.callers[index].at, False))
    return endings


def staffed(day: StaffedDay, head_starts: Mapping[int, int]) -> list[Ending]:
    """The day played with people: the longest ready takes the first in line."""
    waiting: list[Caller] = []
    ready: list[str] = []
    there: set[str] = set()
    busy: set[str] = set()
    endings: list[Ending] = []
    events: list[tuple[int, int, int, str]] = [(caller.at, 4, index, "") for index, caller in enumerate(day.callers)]
    for shift in day.shifts:
        events += [(shift.start, 0, 0, shift.server), (shift.end, 1, 0, shift.server)]
    heapify(events)

    def take(at: int, server: str, caller: Caller) -> None:
        endings.append(Ending(caller.priority, at - caller.at, True))
        busy.add(server)
        over = at + caller.service + day.wrap_ups.after(server, caller.wrap_chance)
        heappush(events, (over, 3, 0, server))

    def free(at: int, server: str) -> None:
        if waiting:
            first = min(waiting, key=lambda caller: caller.at - head_starts.get(caller.priority, 0))
            waiting.remove(first)
            take(at, server, first)
        else:
            ready.append(server)

    while events:
        at, kind, index, server = heappop(events)
        if kind == 0:
            there.add(server)
            if server not in busy:
                free(at, server)
        elif kind == 1:
            there.discard(server)
            ready = [name for name in ready if name != server]
        elif kind == 3:
            busy.discard(server)
            if server in there:
                free(at, server)
        elif kind == 4:
            caller = day.callers[index]
            if ready:
                take(at, ready.pop(0), caller)
            else:
                waiting.append(caller)
                heappush(events, (at + caller.patience, 5, index, ""))
        elif (caller := day.callers[index]) in waiting:
            waiting.remove(caller)
            endings.append(Ending(caller.priority, at - caller.at, False))
    return endings
