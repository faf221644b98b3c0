"""Plays our scripts on a channel, one after the other, and asks for the next: what a carrier does elsewhere.

Timers, the keys that were pressed and the order of prompts are ours; Asterisk plays one thing at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Protocol

from config.models import SitePlan
from ivr.adapter import Hearer
from ivr.ari.documents import read, write
from ivr.ari.legs import Leg
from ivr.ari.pace import lasting, pause
from ivr.ari.phone import LegGone, Phone
from ivr.ari.rest import NoAnswer, NotSent
from ivr.ari.sounds import Sounds
from ivr.vocabulary import (
    Collect,
    Dial,
    Envelope,
    Event,
    Goto,
    Hangup,
    Hold,
    HoldTick,
    InputDigits,
    InputNone,
    Join,
    Pause,
    Play,
    Prompt,
    PromptFinished,
    Reject,
    Route,
    Say,
    Script,
)
from router.logging_ import current_call, say

PROVIDER = "ari"
TRIES = (0.1, 0.3, 1.0, 2.0, 4.0)
"""Pauses between asking for a document, or playing it, and doing so again, s."""
SLOWEST_S, LEAST_S, SOUND_S = 0.3, 30.0, 900.0
"""A playback of which nothing is heard any more is over: so much a character, at least; and for a sound of the plan."""
SPIN = 25

log = logging.getLogger("vipline.ari")

Next = tuple[Route, Event]


class Floor(Protocol):
    """Where legs meet."""

    def vanish(self, leg: Leg) -> None:
        """A command found its channel gone."""
        ...

    def enter_room(self, leg: Leg, hold: Hold) -> None: ...

    def join(self, leg: Leg, join: Join) -> Awaitable[Next]: ...

    def dial(self, leg: Leg, dial: Dial) -> Awaitable[Next]: ...


class Unheard(Exception):
    """We gave no document, however often we were asked."""


class Player:
    """Of one site on one Asterisk. `plan` gives the plan of the moment."""

    def __init__(
        self,
        site: str,
        desk: Hearer,
        plan: Callable[[], SitePlan],
        phone: Phone,
        sounds: Sounds,
        floor: Floor,
        counts: Counter[str],
    ) -> None:
        self._site = site
        self._desk = desk
        self._plan = plan
        self._phone = phone
        self._sounds = sounds
        self._floor = floor
        self._counts = counts

    async def run(self, leg: Leg, route: Route, event: Event) -> None:
        """From a page on, until the leg is over. Never raises; a leg that cannot be served is hung up."""
        current_call.set(leg.call_id)
        following: Next | None = (route, event)
        spins = failures = 0
        try:
            while following is not None:
                started = asyncio.get_running_loop().time()
                try:
                    following = await self._play(leg, await self.ask(leg, *following))
                    failures = 0
                except NotSent:  # the same document again, from its beginning
                    failures += 1
                    if failures > len(TRIES):
                        raise
                    await asyncio.sleep(TRIES[failures - 1])
                spins = spins + 1 if asyncio.get_running_loop().time() - started < 0.02 else 0
                if spins > SPIN:
                    self._counts["spun"] += 1
                    await asyncio.sleep(1.0)
        except LegGone:
            self._counts["leg_gone"] += 1
            self._floor.vanish(leg)
        except NotSent as error:
            say(log, logging.ERROR, "asterisk does not play, leg hung up", why=str(error))
            await self._hang_up(leg)
        except Unheard:
            say(log, logging.ERROR, "no document, leg hung up")
            await self._hang_up(leg)
        except Exception as error:
            log.exception("leg not served", extra={"fields": {"error": type(error).__name__}})
            await self._hang_up(leg)

    async def ask(self, leg: Leg, route: Route, event: Event) -> Script:
        """The desk's answer to a page. Raises Unheard."""
        envelope = self.envelope(leg, f"{route.page}:{route.step}")
        made: dict[bytes, Script] = {}

        def render(script: Script) -> bytes:
            made[document := write(script)] = script
            return document

        for pause_s in (*TRIES, None):
            try:
                document = await self._desk.hear(route.page, route.call_id, route.step, event, envelope, render)
                return made[document] if document in made else read(document)
            except Exception as error:
                self._counts["unheard"] += 1
                say(log, logging.WARNING, "page not answered", page=route.page, error=type(error).__name__)
                if pause_s is None:
                    break
                await asyncio.sleep(pause_s)
        raise Unheard

    def envelope(self, leg: Leg, key: str) -> Envelope:
        return Envelope(PROVIDER, self._site, leg.call_id, leg.leg_id, leg.role, f"{leg.channel_id}:{key}")

    async def _hang_up(self, leg: Leg, reason: str = "normal") -> None:
        with contextlib.suppress(NotSent, NoAnswer):
            await self._phone.hang_up(leg, reason)

    async def _play(self, leg: Leg, script: Script) -> Next | None:
        """Command by command, until one leads elsewhere. None: the leg is over."""
        for is_prompt, group in groupby(script, lambda command: isinstance(command, Say | Play | Pause)):
            commands = list(group)
            if is_prompt:
                await self._prompt(leg, [one for one in commands if isinstance(one, Say | Play | Pause)])
                continue
            command = commands[0]
            if isinstance(command, Collect):
                return command.route, await self._collect(leg, command)
            if isinstance(command, Goto):
                page = command.route.page
                return command.route, HoldTick() if page == "hold" else PromptFinished()
            if isinstance(command, Hold):
                self._floor.enter_room(leg, command)
                return command.route, HoldTick()
            if isinstance(command, Join):
                return await self._floor.join(leg, command)
            if isinstance(command, Dial):
                return await self._floor.dial(leg, command)
            reason = command.reason if isinstance(command, Reject) else "normal"
            await self._hang_up(leg, "busy" if reason == "busy" else "rejected" if reason == "declined" else "normal")
            assert isinstance(command, Reject | Hangup)
            return None
        if leg.room is not None:
            return leg.room.route, HoldTick()
        await self._hang_up(leg)
        return None

    # ------------------------------------------------------------ prompts

    async def _prompt(self, leg: Leg, prompts: list[Prompt]) -> None:
        for kind, group in groupby(prompts, type):
            if kind is Say:
                await self._say(leg, [one for one in group if isinstance(one, Say)])
                continue
            for one in group:
                if isinstance(one, Play):
                    await self._sound(leg, one)
                elif isinstance(one, Pause):
                    await self._wait(leg, one.ms / 1_000)

    async def _say(self, leg: Leg, texts: list[Say]) -> None:
        media = await self._sounds.spoken(texts)
        if media:
            longest_s = max(LEAST_S, SLOWEST_S * sum(len(one.text) for one in texts))
            await self._phone.play(leg, media, longest_s)

    async def _sound(self, leg: Leg, play: Play) -> None:
        """In a holding room a sound is the music between two announcements, and lasts until the next."""
        media = self._sounds.asset(play.asset)
        if media is None or leg.room is not None:
            await self._wait(leg, self._plan().voice.interval / 1_000, music=True)
            return
        for _ in range(play.loop or 1_000_000):
            await self._phone.play(leg, [media], SOUND_S)

    async def _wait(self, leg: Leg, seconds: float, music: bool = False) -> None:
        part = self._plan().telephony.ari
        if (leg.room is not None or music) and part is not None:
            await self._phone.music(leg, part.music)
        else:
            await self._phone.answer(leg)
        await pause(seconds)

    # ------------------------------------------------------------ keys

    async def _collect(self, leg: Leg, wanted: Collect) -> Event:
        """Exactly one answer. The first key stops the prompts."""
        leg.forget_keys()
        key = asyncio.create_task(leg.next_key())
        prompts = asyncio.create_task(self._prompt(leg, list(wanted.prompts)))
        try:
            await asyncio.wait({key, prompts}, return_when=asyncio.FIRST_COMPLETED)
            if not key.done():
                await prompts
                await asyncio.wait({key}, timeout=lasting(wanted.first_timeout_ms / 1_000))
            if not key.done():
                return InputNone()
            first = key.result()
        finally:
            key.cancel()
            prompts.cancel()
            await asyncio.gather(prompts, return_exceptions=True)
        digits = "" if first == "#" and wanted.max_digits > 1 else first
        while digits and len(digits) < wanted.max_digits:
            try:
                async with asyncio.timeout(lasting(wanted.inter_timeout_ms / 1_000)):
                    following = await leg.next_key()
            except TimeoutError:
                break
            if following == "#":
                break
            digits += following
        return InputDigits(digits) if digits else InputNone()
