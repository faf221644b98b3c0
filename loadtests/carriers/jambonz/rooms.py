"""Conferences: who opens one, who waits for it to be opened, two talking, and the end for both when one leaves."""

from __future__ import annotations

import asyncio
import contextlib

from loadtests.carriers.jambonz.asking import about
from loadtests.carriers.jambonz.legs import JambonzLeg, Room
from loadtests.carriers.jambonz.lines import Lines
from loadtests.carriers.jambonz.voice import HungUp, Verb, Voice
from loadtests.carriers.phones import Bridge

ALLOWED = frozenset({"say", "play", "pause"})
"""While waiting for somebody to open the room."""
BETWEEN_S = 0.75


class Rooms:
    def __init__(self, lines: Lines, voice: Voice) -> None:
        self._lines = lines
        self._voice = voice
        self._open: dict[str, Room] = {}

    async def meet(self, leg: JambonzLeg, verb: Verb) -> list[Verb] | None:
        """Into the room, until it is over. Somebody who is taken out or hangs up owes the hook all the same."""
        asked = False
        room = None
        try:
            room = await self._enter(leg, verb)
            await self._talk(leg, room)
            self._leave(leg, room)
            asked = True
            return await self._voice.follow(leg, "conference", verb["actionHook"], {})
        finally:
            if room is not None and not asked:
                self._leave(leg, room)
                self._lines.start(self._lines.asking.report("conference", verb["actionHook"], about(leg)))

    async def _enter(self, leg: JambonzLeg, verb: Verb) -> Room:
        name = verb["name"]
        if name not in self._open:
            if verb.get("startConferenceOnEnter", True):
                self._open[name] = Room(name)
            else:
                await self._stand_outside(leg, verb)
        room = self._open[name]
        room.members.append(leg)
        await leg.tell(f"room: {name}")
        if len(room.members) == 2:
            self._introduce(room)
        return room

    async def _stand_outside(self, leg: JambonzLeg, verb: Verb) -> None:
        listening = asyncio.create_task(self._listen(leg, verb))
        try:
            while verb["name"] not in self._open:
                if listening.done():
                    await listening  # whoever hung up
                await asyncio.sleep(0.002)
        finally:
            listening.cancel()

    async def _listen(self, leg: JambonzLeg, verb: Verb) -> None:
        """What the wait hook says, again and again, until it says nothing."""
        while "waitHook" in verb:
            await self._lines.sleep(BETWEEN_S)
            verbs = await self._voice.follow(leg, "conference-wait", verb["waitHook"], {})
            if not verbs or any(one["verb"] not in ALLOWED for one in verbs):
                if verbs:
                    self._lines.breaches.append(f"not while waiting for a room: {verbs}")
                return
            for one in verbs:
                await self._voice.speak(leg, one)

    def _introduce(self, room: Room) -> None:
        """The agent is who opened the room."""
        agent, caller = room.members
        agent.bridge = caller.bridge = Bridge(caller, agent)
        room.filled.set()

    async def _talk(self, leg: JambonzLeg, room: Room) -> None:
        over = asyncio.create_task(room.over.wait())
        filled = asyncio.create_task(room.filled.wait())
        try:
            await asyncio.wait({over, filled}, return_when=asyncio.FIRST_COMPLETED)
            if room.over.is_set():
                return
            assert isinstance(leg.partner, JambonzLeg)
            await leg.tell(f"bridged: {_number_of(leg.partner)}")
            talks_s = leg.person.talks_s
            await asyncio.wait({over}, timeout=None if talks_s is None else talks_s / self._lines.speed)
            if not room.over.is_set():
                raise HungUp
        finally:
            over.cancel()
            filled.cancel()

    def _leave(self, leg: JambonzLeg, room: Room) -> None:
        with contextlib.suppress(ValueError):
            room.members.remove(leg)
        leg.bridge = None
        room.over.set()
        self._open.pop(room.name, None)


def _number_of(leg: JambonzLeg) -> str:
    """Whom the other is: a caller by their number, somebody we called by theirs."""
    return leg.from_number if leg.direction == "inbound" else leg.to_number
