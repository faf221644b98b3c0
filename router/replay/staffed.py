"""Replays a day with people to answer it: the shifts, talks and wrap-ups inferred from the log."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from heapq import heapify, heappop, heappush

from router.replay.callers import StaffedDay
from router.replay.figures import Ending
from router.replay.rules import Rule
from router.replay.site import Offer, Site


class Event(IntEnum):
    """What happens, in the order of one second: agents first, then arrivals, then those who give up."""

    COMES = 0
    GOES = 1
    DONE = 2
    WRAPPED = 3
    ARRIVES = 4
    GIVES_UP = 5


async def play(site: Site, day: StaffedDay, rule: Rule, tell: Callable[[int], None]) -> list[Ending]:
    """How each judged caller's wait ended; who still waits when the last agent has gone waits until giving up."""
    await site.open(rule)
    for server in sorted({shift.server for shift in day.shifts}):
        await site.put_agent(server, rule.profile)
    game = _Day(site, day)
    while game.events:
        if offer := await site.until(game.events[0][0]):
            game.talk(offer)
            continue
        at, event, index, server = heappop(game.events)
        if event is Event.ARRIVES:
            tell(1)
        await game.happen(at, event, index, server)
    await site.flush()
    return [ending for index, ending in game.endings.items() if day.callers[index].judged]


class _Day:
    """What is still to come, who is there, and who is not free."""

    def __init__(self, site: Site, day: StaffedDay) -> None:
        self.site, self.day = site, day
        self.place = {caller.call_id: index for index, caller in enumerate(day.callers)}
        self.endings: dict[int, Ending] = {}
        self.talks: dict[int, Offer] = {}
        self.there: set[str] = set()
        self.busy: set[str] = set()
        self.events: list[tuple[float, Event, int, str]] = [
            (caller.at, Event.ARRIVES, index, "") for index, caller in enumerate(day.callers)
        ]
        for shift in day.shifts:
            self.events += [(shift.start, Event.COMES, 0, shift.server), (shift.end, Event.GOES, 0, shift.server)]
        heapify(self.events)

    async def happen(self, at: float, event: Event, index: int, server: str) -> None:
        if event is Event.ARRIVES:
            caller = self.day.callers[index]
            heappush(self.events, (at + caller.patience, Event.GIVES_UP, index, ""))
            self.talk(await self.site.arrive(caller.call_id, caller.priority))
        elif event is Event.GIVES_UP:
            if index not in self.endings:
                self.site.give_up(self.day.callers[index].call_id)
                self._end(index, at, answered=False)
        elif event is Event.COMES:
            self.there.add(server)
            if server not in self.busy:
                self.talk(await self.site.ready(server))
        elif event is Event.GOES:
            self.there.discard(server)
            self.site.away(server)
        elif event is Event.DONE:
            offer = self.talks.pop(index)
            self.site.complete(offer)
            wrap_up = self.day.wrap_ups.after(offer.agent_id, self.day.callers[index].wrap_chance)
            heappush(self.events, (at + wrap_up, Event.WRAPPED, 0, offer.agent_id))
        else:
            self.busy.discard(server)
            if server in self.there:
                self.talk(await self.site.ready(server))
            else:
                self.site.end_wrap_up(server)

    def talk(self, offer: Offer | None) -> None:
        """The agent takes what the engine offers, at once."""
        if offer is None:
            return
        index, at = self.place[offer.call_id], self.site.now
        self.site.accept(offer)
        self.talks[index] = offer
        self.busy.add(offer.agent_id)
        self._end(index, at, answered=True)
        heappush(self.events, (at + self.day.callers[index].service, Event.DONE, index, ""))

    def _end(self, index: int, at: float, *, answered: bool) -> None:
        caller = self.day.callers[index]
        self.endings[index] = Ending(caller.priority, at - caller.at, answered)
