"""Runs our verbs on a leg: speaks, plays, collects keys, meets, dials, and asks for what comes next."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from loadtests.carriers.jambonz.asking import Failed
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.rooms import HungUp, Rooms
from loadtests.carriers.phones import CHARACTERS_A_SECOND, SOUND_S, Person

if TYPE_CHECKING:
    from loadtests.carriers.jambonz.fake import FakeJambonz

Verb = dict[str, Any]
SILENT = frozenset({"tag", "config", "sip:decline"})
"""Verbs that do not answer the call."""
SPIN = 25
"""So many documents in a row that take no time at all: we would burn in a loop."""


class Player:
    def __init__(self, jambonz: FakeJambonz) -> None:
        self._jambonz = jambonz
        self.rooms = Rooms(jambonz, self)

    async def run(self, leg: JambonzLeg, kind: str, url: str, told: dict[str, Any]) -> None:
        """The document at `url`, and whatever its verbs lead to. Returns when they have run out; raises HungUp."""
        try:
            verbs = await self._jambonz.asking.document(leg, kind, url, told)
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
            spins = spins + 1 if (loop.time() - last) * self._jambonz.speed < 0.2 else 0
            last = loop.time()
            if spins > SPIN:
                self._jambonz.breaches.append(f"{leg.story[-3:]}: documents without a pause")
                raise HungUp("failed")

    async def follow(self, leg: JambonzLeg, kind: str, url: str, told: dict[str, Any]) -> list[Verb] | None:
        """What a verb's hook answers; None when it cannot be reached: the verbs behind it are played."""
        if "/hold/" in url and not leg.holding:
            await leg.tell(f"queue: {leg.sid}")
        leg.holding = "/hold/" in url or ("/key/" in url and leg.holding)
        try:
            return await self._jambonz.asking.document(leg, kind, url, told)
        except Failed as failed:
            await leg.tell(f"no document: {failed}")
            return None

    async def _verb(self, leg: JambonzLeg, verb: Verb) -> list[Verb] | None:
        name = verb["verb"]
        if name not in SILENT:
            await self._jambonz.answer(leg)
        if name in ("say", "play", "pause"):
            await self.speak(leg, verb)
        elif name == "gather":
            return await self._gather(leg, verb)
        elif name == "redirect":
            return await self.follow(leg, "session-redirect", verb["actionHook"], {})
        elif name == "conference":
            return await self.rooms.meet(leg, verb)
        elif name == "dial":
            return await self._dial(leg, verb)
        elif name == "tag":
            leg.tag = verb["data"]
        elif name == "sip:decline":
            raise HungUp("busy" if verb["status"] in (486, 603) else "failed", verb["status"])
        elif name == "hangup":
            raise HungUp
        elif name not in ("answer", "config"):
            self._jambonz.breaches.append(f"{name} is none of the verbs we said we use")
        return None

    async def speak(self, leg: JambonzLeg, verb: Verb, with_keys: bool = False) -> None:
        """`verb`: say, play or pause, by what it holds."""
        if "length" in verb:
            await self._jambonz.sleep(verb["length"])
            return
        said = "say" if "text" in verb else "play"
        words = verb["text"] if "text" in verb else verb["url"]
        times = int(verb.get("loop", 1)) or 1_000
        await leg.tell(f"{said}: {words}")
        if leg.person.hangs_up_on(words):
            raise HungUp
        for keys in leg.person.keys_for(words) if with_keys else ():
            leg.press(keys)
        await self._jambonz.sleep(times * (SOUND_S if said == "play" else len(words) / CHARACTERS_A_SECOND))

    async def _gather(self, leg: JambonzLeg, verb: Verb) -> list[Verb] | None:
        """One prompt at most; its end starts the timer, a key ends it. The hook is asked whatever happens."""
        prompts = [verb[name] for name in ("say", "play") if name in verb]
        if len(prompts) > 1:
            self._jambonz.breaches.append("a gather plays one prompt")
        collecting = asyncio.create_task(self._keys(leg, verb))
        speaking = asyncio.create_task(self._prompt(leg, prompts))
        try:
            await asyncio.wait({collecting, speaking}, return_when=asyncio.FIRST_COMPLETED)
            if speaking.done():
                await speaking  # whoever hung up on hearing it
                with contextlib.suppress(TimeoutError):
                    seconds = max(verb.get("timeout", 15) / self._jambonz.speed, 0.02)
                    await asyncio.wait_for(asyncio.shield(collecting), seconds)
            digits = collecting.result() if collecting.done() else None
        finally:
            collecting.cancel()
            speaking.cancel()
        await leg.tell(f"keys: {digits or 'none'}")
        told = {"reason": "timeout"} if digits is None else {"reason": "dtmfDetected", "digits": digits}
        return await self.follow(leg, "gather", verb["actionHook"], told)

    async def _prompt(self, leg: JambonzLeg, prompts: list[Verb]) -> None:
        for prompt in prompts:
            await self.speak(leg, prompt, with_keys=True)

    async def _keys(self, leg: JambonzLeg, verb: Verb) -> str:
        """As many as are asked for, or fewer and the finishing one, or fewer and then none for a while."""
        wanted = verb.get("numDigits") or verb.get("maxDigits") or 99
        patience_s = verb.get("interDigitTimeout", 0) / self._jambonz.speed or None
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
        person = self._jambonz.people.get(number, Person())
        other = self._jambonz.hand_over(leg, number, person)
        await leg.tell(f"dial: {number}")
        await self._jambonz.sleep(min(person.after_s, timeout_s))
        reached = person.picks == "answers" and person.after_s <= timeout_s
        if reached:
            await self._jambonz.answer(other)
            await leg.tell(f"bridged: {number}")
            await self._jambonz.sleep(person.talks_s or 5.0)
            await self._jambonz.end(other, "completed", 200)
        else:
            await self._jambonz.end(other, *self._jambonz.outcome(person))
        told = {
            "dial_call_status": other.status,
            "dial_sip_status": other.sip_status,
            "dial_call_sid": other.sid,
        }
        return await self.follow(leg, "dial", verb["actionHook"], told) if "actionHook" in verb else None
