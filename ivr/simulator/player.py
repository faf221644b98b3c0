"""Plays a script on a line: speaks, collects keys, holds, joins, dials, and asks for the next one."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ivr.simulator.clock import Clock, within
from ivr.simulator.lines import FAILURES, Asked, Guest, HungUp, Line, Phone, Room, Talk
from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    Collect,
    Command,
    Dial,
    Goto,
    Hangup,
    Hold,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    Join,
    LegFailed,
    Pause,
    Play,
    PromptFinished,
    Reject,
    Route,
    Say,
    Script,
)

LETTERS_A_SECOND, SIGNS_A_SECOND = 15.0, 5.0
SOUND_S = 20.0
TALK_S = 5.0
FOREVER = 1_000
IDLE_S = 10.0
SPIN = 25
"""So many rounds in a room in a row that take no time at all: we would burn in a loop."""

LEAVE = Asked(Route("", "", ""), PromptFinished())

Ask = Callable[[Line, Asked], Awaitable[Script]]


def speech_s(text: str) -> float:
    """How long a text takes to say; a Chinese sign is a syllable."""
    signs = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return signs / SIGNS_A_SECOND + (len(text) - signs) / LETTERS_A_SECOND


class Player:
    """`ask` brings the script of a page; `phone_at` the phone of a number outside."""

    def __init__(self, clock: Clock, ask: Ask, phone_at: Callable[[str], Phone | None], breaches: list[str]) -> None:
        self._clock = clock
        self._ask = ask
        self._phone_at = phone_at
        self._breaches = breaches
        self.rooms: dict[tuple[str, str], Room] = {}

    async def run(self, line: Line, asked: Asked) -> None:
        """One script after the other. Returns when the last has run out; raises HungUp."""
        following: Asked | None = asked
        while following is not None:
            line.owes = None
            script = await self._ask(line, following)
            following = await self._play(line, script)

    async def _play(self, line: Line, script: Script, in_room: bool = False) -> Asked | None:
        """Command by command, until one leads elsewhere. None when the script has run out."""
        for command in script:
            if isinstance(command, Reject):
                if in_room:
                    return LEAVE
                await line.phone.happens(f"rejected: {command.reason}")
                raise HungUp
            line.state = "up"
            following = await (self._command_in_room if in_room else self._command)(line, command)
            if following is not None:
                return following
        return None

    async def _command(self, line: Line, command: Command) -> Asked | None:
        if isinstance(command, Collect):
            return await self._collect(line, command)
        if isinstance(command, Goto):
            return Asked(command.route, HoldTick() if command.route.page == "hold" else PromptFinished())
        if isinstance(command, Hold):
            return await self._hold(line, command)
        if isinstance(command, Join):
            return await self._join(line, command)
        if isinstance(command, Dial):
            return await self._dial(line, command)
        if isinstance(command, Hangup):
            raise HungUp
        assert isinstance(command, Say | Play | Pause)
        await self._prompt(line, command)
        return None

    async def _command_in_room(self, line: Line, command: Command) -> Asked | None:
        """Who waits goes on waiting; whatever cannot be done in the room begins with leaving it."""
        if isinstance(command, Hold):
            return Asked(command.route, HoldTick())
        if isinstance(command, Join | Dial):
            return LEAVE
        return await self._command(line, command)

    # ------------------------------------------------------------ hearing and pressing

    async def _prompt(self, line: Line, prompt: Say | Play | Pause, may_press: bool = False) -> None:
        if isinstance(prompt, Pause):
            await self._clock.sleep(prompt.ms / 1000)
        elif isinstance(prompt, Say):
            await line.phone.happens(f"say: {prompt.text}")
            line.phone.hears(line, prompt.text, may_press)
            await self._clock.sleep(speech_s(prompt.text))
        else:
            await line.phone.happens(f"play: {prompt.asset}")
            await self._clock.sleep((prompt.loop or FOREVER) * SOUND_S)

    async def _collect(self, line: Line, collect: Collect) -> Asked:
        """A key stops the prompts."""
        reading = asyncio.create_task(self._keys(line, collect))
        speaking = asyncio.create_task(self._prompts(line, collect.prompts))
        try:
            await asyncio.wait({reading, speaking}, return_when=asyncio.FIRST_COMPLETED)
            if speaking.done():
                await speaking  # who hung up on hearing them
                await within(self._clock, collect.first_timeout_ms / 1000, asyncio.shield(reading))
            digits = reading.result() if reading.done() else ""
        finally:
            for task in (reading, speaking):
                task.cancel()
            await asyncio.gather(reading, speaking, return_exceptions=True)
        await line.phone.happens(f"keys: {digits or 'none'}")
        return Asked(collect.route, InputDigits(digits) if digits else InputNone())

    async def _prompts(self, line: Line, prompts: Sequence[Say | Play | Pause]) -> None:
        for prompt in prompts:
            await self._prompt(line, prompt, may_press=True)

    async def _keys(self, line: Line, collect: Collect) -> str:
        digits = ""
        while len(digits) < collect.max_digits:
            # Once a first key is there, the next must follow soon, or come with `#` at their end.
            more = await within(self._clock, collect.inter_timeout_ms / 1000 if digits else None, line.keys.get())
            if more is None:
                break
            digits += more.partition("#")[0]
            if "#" in more:
                break
        return digits[: collect.max_digits]

    # ------------------------------------------------------------ rooms

    def room(self, site: str, call_id: str) -> Room:
        return self.rooms.setdefault((site, call_id), Room())

    def close_room(self, site: str, call_id: str) -> None:
        """Whoever it was for is gone."""
        self.rooms.pop((site, call_id), None)

    async def _hold(self, line: Line, hold: Hold) -> Asked:
        room = self.room(line.site, hold.call_id)
        guest = Guest(line, asyncio.get_running_loop().create_future())
        room.guests.append(guest)
        room.entered.set()
        line.owes = Asked(hold.left, HoldLeft("hangup"))
        await line.phone.happens(f"queue: {hold.call_id}")
        waiting = asyncio.create_task(self._wait(line, hold))
        try:
            either: set[asyncio.Future[Any]] = {waiting, guest.fetched}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not guest.fetched.done():
                await waiting
                return Asked(hold.left, HoldLeft("left"))
            waiting.cancel()
            line.owes = Asked(hold.left, HoldLeft("bridged"))
            await self._talk(line, guest.fetched.result())
            return Asked(hold.left, HoldLeft("bridged"))
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            if guest in room.guests:
                room.guests.remove(guest)

    async def _wait(self, line: Line, hold: Hold) -> None:
        """Round after round, until one leads out of the room."""
        following, spins = Asked(hold.route, HoldTick()), 0
        while following is not LEAVE:
            began_ms = self._clock.now_ms
            script = await self._ask(line, following)
            led = await self._play(line, script, in_room=True)
            if led is None and not script:
                await self._clock.sleep(IDLE_S)
            following = led or Asked(hold.route, HoldTick())
            spins = spins + 1 if self._clock.now_ms - began_ms < 200 else 0
            if spins > SPIN:
                self._breaches.append(f"{following.route} is asked for without a pause")
                raise HungUp

    async def _join(self, line: Line, join: Join) -> Asked:
        """Whoever waits in the room, once somebody does."""
        line.owes = Asked(join.over, LegFailed("canceled"))
        room = self.room(line.site, join.call_id)
        await within(self._clock, join.timeout_ms / 1000, self._anybody_in(room))
        if not room.guests:
            return Asked(join.over, LegFailed("no_answer"))
        guest = room.guests.pop(0)
        talk = line.talk = guest.line.talk = Talk(guest.line, line)
        guest.fetched.set_result(talk)
        line.owes = Asked(join.over, BridgeDown())
        await self._ask(line, Asked(join.bridged, BridgeUp()))
        if not talk.over.is_set():
            await guest.line.phone.happens(f"bridged: {line.number}")
            await line.phone.happens(f"bridged: {guest.line.number}")
            talk.up.set()
        await self._talk(line, talk)
        return Asked(join.over, BridgeDown() if talk.up.is_set() else LegFailed("canceled"))

    @staticmethod
    async def _anybody_in(room: Room) -> None:
        while not room.guests:
            room.entered.clear()
            await room.entered.wait()

    async def _talk(self, line: Line, talk: Talk) -> None:
        """Until the other is gone, or this one has said all there was to say."""
        try:
            begun = asyncio.create_task(talk.up.wait())
            over = asyncio.create_task(talk.over.wait())
            try:
                await asyncio.wait({begun, over}, return_when=asyncio.FIRST_COMPLETED)
                if not talk.over.is_set():
                    await within(self._clock, line.phone.talks_s, asyncio.shield(over))
            finally:
                for task in (begun, over):
                    task.cancel()
                await asyncio.gather(begun, over, return_exceptions=True)
            if not talk.over.is_set():
                raise HungUp
        finally:
            talk.over.set()
            line.talk = None

    # ------------------------------------------------------------ outside

    async def _dial(self, line: Line, dial: Dial) -> Asked:
        """To a number that is none of ours."""
        line.owes = Asked(dial.over, LegFailed("canceled"))
        await line.phone.happens(f"dial: {dial.number}")
        phone = self._phone_at(dial.number)
        if phone is None:
            return Asked(dial.over, LegFailed("device"))
        ringing_s = min(phone.after_s, dial.timeout_ms / 1000)
        await self._clock.sleep(ringing_s)
        if phone.picks != "answers" or phone.after_s > ringing_s:
            return Asked(dial.over, LegFailed(FAILURES.get(phone.picks, "no_answer")))
        await line.phone.happens(f"bridged: {dial.number}")
        await self._clock.sleep(phone.talks_s or TALK_S)
        return Asked(dial.over, BridgeDown())
