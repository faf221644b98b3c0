"""A leg has ended: why, and telling it to the desk until it has been heard. Nobody else will tell."""

from __future__ import annotations

import asyncio
import logging

from ivr.adapter import Hearer
from ivr.ari.causes import broke_off, failure_of
from ivr.ari.legs import Leg
from ivr.ari.meeting import Meeting
from ivr.ari.outside import is_outside
from ivr.ari.phone import Tasks
from ivr.ari.player import Player
from ivr.vocabulary import CallEnded, Event, LegFailed
from router.logging_ import current_call, say

TRIES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
TOLD_FIRST_S = 1.0
"""Why an agent's leg ended is told before the caller's side goes on, if that does not take longer."""

log = logging.getLogger("vipline.ari")


class Ends:
    """Of one Asterisk."""

    def __init__(self, desk: Hearer, player: Player, meeting: Meeting, tasks: Tasks) -> None:
        self._desk = desk
        self._player = player
        self._meeting = meeting
        self._tasks = tasks

    async def report(self, leg: Leg) -> None:
        talk = leg.talk
        if is_outside(leg.channel_id):
            if talk is not None:
                self._meeting.finish(talk)
            return
        current_call.set(leg.call_id)
        told = self._tasks.start(self.tell(leg, _event(leg)))
        if talk is not None:
            if leg is talk.agent:
                await asyncio.wait({told}, timeout=TOLD_FIRST_S)
            self._meeting.finish(talk)

    async def tell(self, leg: Leg, event: Event) -> None:
        envelope = self._player.envelope(leg, "ended")
        for pause_s in TRIES:
            try:
                await self._desk.note(event, envelope)
            except Exception as error:
                say(log, logging.WARNING, "end not told", error=type(error).__name__)
                await asyncio.sleep(pause_s)
            else:
                break


def _event(leg: Leg) -> Event:
    if leg.role != "caller" and not leg.up:
        rang_out = asyncio.get_running_loop().time() >= leg.rings_until
        return LegFailed("canceled" if leg.stopped else failure_of(leg.cause, leg.sip, leg.status, rang_out))
    if leg.role == "agent" and not leg.stopped and leg.talk is not None and broke_off(leg.cause, leg.sip):
        return LegFailed("network")
    return CallEnded()
