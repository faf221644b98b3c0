"""Replays a day whose service starts are the log's own; the engine's rule decides who takes each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum

from router.replay.callers import Caller, SlotDay
from router.replay.figures import Ending
from router.replay.rules import Rule
from router.replay.site import FLUSH_AT, Site

AGENT = "slot"


class Event(IntEnum):
    """What happens, in the order of one second: who gives up in it is still there to be answered."""

    ARRIVES = 0
    SLOT = 1
    GIVES_UP = 2


async def play(site: Site, day: SlotDay, rule: Rule, tell: Callable[[int], None]) -> list[Ending]:
    """How each caller's wait ended. A slot is an agent who is free at that instant and takes the engine's choice.

    A slot that finds nobody is void: the agent is gone again before the next caller comes.
    """
    await site.open(replace(rule, keep_free={}))  # one agent at a time could keep nobody free
    await site.put_agent(AGENT, rule.profile)
    callers = day.callers
    place = {caller.call_id: index for index, caller in enumerate(callers)}
    events = [(caller.at, Event.ARRIVES, index) for index, caller in enumerate(callers)]
    events += [(caller.at + caller.patience, Event.GIVES_UP, index) for index, caller in enumerate(callers)]
    events += [(at, Event.SLOT, 0) for at in day.slots]
    endings: dict[int, Ending] = {}
    for at, event, index in sorted(events):
        tell(1)
        if event is Event.GIVES_UP and index in endings:
            continue
        await site.until(at)
        if event is Event.ARRIVES:
            site.route(callers[index].call_id, callers[index].priority)
        elif event is Event.GIVES_UP:
            site.give_up(callers[index].call_id)
            endings[index] = _ending(callers[index], at, answered=False)
        elif offer := await site.ready(AGENT):
            site.accept(offer)
            site.complete(offer)
            taken = place[offer.call_id]
            endings[taken] = _ending(callers[taken], at, answered=True)
        else:
            site.away(AGENT)
        await site.flush(FLUSH_AT)
    await site.flush()
    return list(endings.values())


def _ending(caller: Caller, at: float, *, answered: bool) -> Ending:
    return Ending(caller.priority, at - caller.at, answered)
