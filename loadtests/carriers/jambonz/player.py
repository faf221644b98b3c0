"""Runs our verbs on a leg: speaks, plays, collects keys, meets, dials, and asks for what comes next."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from loadtests.carriers.jambonz.asking import Failed
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.lines import Lines
from loadtests.carriers.jambonz.rooms import Rooms
from loadtests.carriers.jambonz.voice import HungUp, Verb, Voice
from loadtests.carriers.phones import Person, keys_pressed

SILENT = frozenset({"tag", "config", "sip:decline"})
"""Verbs that do not answer the call."""
SPIN = 25
"""So many documents in a row that take no time at all: we would burn in a loop."""


class Player:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.voice = Voice(lines)
        self._rooms = Rooms(lines, self.voice)

    async def run(self, leg: JambonzLeg, kind: str, url: str, told: dict[str, Any]) -> None:
        """The document at `url`, and whatever its verbs lead to. Returns when they have run out; raises HungUp."""
        try:
            verbs = await self._lines.asking.document(leg, kind, url, told)
        except Failed as failed:
            await leg.tell(f"no document: {failed}")
            raise HungUp("failed", 480) from None
        await self.play(leg, verbs)

    async def play(self, leg: JambonzLeg, verbs: list[Verb]) -> None:
        """Verb by verb; a verb whose hook answers with verbs is the last of its document."""
        loop, spins, last = asyncio.get_running_loop(), 0, 0.0
        left = deque(verbs)
        while left:
            following = await self._verb(leg, left.popleft())
            if not following:
                continue
            left = deque(following)
            spins = spins + 1 if (loop.time() - last) * self._lines.speed < 0.2 else 0
            last = loop.time()
            if spins > SPIN:
                self._lines.breaches.append(f"{leg.story[-3:]}: documents without a pause")
                raise HungUp("failed")

    async def _verb(self, leg: JambonzLeg, verb: Verb) -> list[Verb] | None:
        name = verb["verb"]
        if name not in SILENT:
            await self._lines.answer(leg)
        if name in ("say", "play", "pause"):
            await self.voice.speak(leg, verb)
        elif name == "gather":
            return await self._gather(leg, verb)
        elif name == "redirect":
            return await self.voice.follow(leg, "session-redirect", verb["actionHook"], {})
        elif name == "conference":
            return await self._rooms.meet(leg, verb)
        elif name == "dial":
            return await self._dial(leg, verb)
        elif name == "tag":
            leg.tag = verb["data"]
        elif name == "sip:decline":
            raise HungUp("busy" if verb["status"] in (486, 603) else "failed", verb["status"])
        elif name == "hangup":
            raise HungUp
        elif name not in ("answer", "config"):
            self._lines.breaches.append(f"{name} is none of the verbs we said we use")
        return None

    async def _gather(self, leg: JambonzLeg, verb: Verb) -> list[Verb] | None:
        """One prompt at most; its end starts the timer, a key ends it. The hook is asked whatever happens."""
        prompts = [verb[name] for name in ("say", "play") if name in verb]
        if len(prompts) > 1:
            self._lines.breaches.append("a gather plays one prompt")
        patience_s = verb.get("timeout", 15) / self._lines.speed
        digits = await keys_pressed(self._keys(leg, verb), self._prompt(leg, prompts), patience_s)
        await leg.tell(f"keys: {digits or 'none'}")
        told = {"reason": "timeout"} if digits is None else {"reason": "dtmfDetected", "digits": digits}
        return await self.voice.follow(leg, "gather", verb["actionHook"], told)

    async def _prompt(self, leg: JambonzLeg, prompts: list[Verb]) -> None:
        for prompt in prompts:
            await self.voice.speak(leg, prompt, with_keys=True)

    async def _keys(self, leg: JambonzLeg, verb: Verb) -> str:
        """As many as are asked for, or fewer and the finishing one, or fewer and then none for a while."""
        wanted = verb.get("numDigits") or verb.get("maxDigits") or 99
        patience_s = verb.get("interDigitTimeout", 0) / self._lines.speed or None
        digits = ""
        while len(digits) < wanted:
            enough = len(digits) >= verb.get("minDigits", 99)
            try:
                pressed = await asyncio.wait_for(leg.keys.get(), patience_s if digits and enough else None)
            except TimeoutError:
                return digits
            for key in pressed:
                if key == verb.get("finishOnKey"):
                    return digits
                digits += key
        return digits[:wanted]

    async def _dial(self, leg: JambonzLeg, verb: Verb) -> list[Verb] | None:
        """To a number outside. Its leg is reported where the caller's is."""
        (target,) = verb["target"]
        number, timeout_s = target["number"], verb.get("timeout", 60)
        person = self._lines.people.get(number, Person())
        other = self._lines.hand_over(leg, number, person)
        await leg.tell(f"dial: {number}")
        await self._lines.sleep(min(person.after_s, timeout_s))
        if person.takes_within(timeout_s):
            await self._lines.answer(other)
            await leg.tell(f"bridged: {number}")
            await self._lines.sleep(person.talks_s or 5.0)
            await self._lines.end(other, "completed", 200)
        else:
            await self._lines.end(other, *self._lines.outcome(person))
        told = {
            "dial_call_status": other.status,
            "dial_sip_status": other.sip_status,
            "dial_call_sid": other.sid,
        }
        return await self.voice.follow(leg, "dial", verb["actionHook"], told) if "actionHook" in verb else None
