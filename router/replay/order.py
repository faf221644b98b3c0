"""Asks the engine's own queue, at each of the log's answers: whom would you have served now?"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from router.replay.rules import POOL, Rule
from router.replay.site import FLUSH_AT, Site
from router.replay.trace import TraceCall


@dataclass(frozen=True, slots=True)
class Agreement:
    """`decisions`: answers given while two or more waited; `agreed`: the queue would have chosen the same."""

    decisions: int = 0
    agreed: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(self.decisions + other.decisions, self.agreed + other.agreed)

    @property
    def percent(self) -> float | None:
        return 100 * self.agreed / self.decisions if self.decisions else None


@dataclass(frozen=True, slots=True)
class OrderDay:
    """One day's queued calls, in the order of their arrival."""

    date: datetime.date
    calls: tuple[TraceCall, ...]


async def compare(site: Site, day: OrderDay, rule: Rule, tell: Callable[[int], None]) -> Agreement:
    """A day under a rule, with the log's own arrivals and exits; `tell` hears how many calls are done."""
    await site.open(rule)
    arrivals, arrived = day.calls, 0
    found: list[Agreement] = []
    for at, group in groupby(sorted(day.calls, key=lambda call: call.left), key=lambda call: call.left):
        leaving = list(group)
        while arrived < len(arrivals) and arrivals[arrived].arrived <= at:
            site.at(arrivals[arrived].arrived)
            site.route(arrivals[arrived].call_id, arrivals[arrived].priority)
            arrived += 1
        site.at(at)
        if any(call.answered for call in leaving):
            site.read_line(POOL, partial(_judge, leaving, found))
        for call in leaving:
            site.give_up(call.call_id)
        await site.flush(FLUSH_AT)
        tell(len(leaving))
    await site.flush()
    return sum(found, Agreement())


def _judge(leaving: Sequence[TraceCall], found: list[Agreement], line: dict[str, int]) -> None:
    """The answers of one second against the line as it stands.

    Of those who leave in that second only the one answered is considered. An equal key is an agreement.
    """
    answered = [line[call.call_id] for call in leaving if call.answered]
    gone = {call.call_id for call in leaving}
    first = min((key for call_id, key in line.items() if call_id not in gone), default=None)
    if first is not None:
        found.append(Agreement(len(answered), sum(key <= first for key in answered)))
