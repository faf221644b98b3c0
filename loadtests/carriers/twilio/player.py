"""Runs our documents on a leg: speaks, plays, collects keys, queues, dials, and asks for the next one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, NamedTuple
from urllib.parse import urljoin
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from loadtests.carriers.phones import CHARACTERS_A_SECOND, SOUND_S, Bridge, Person, keys_pressed
from loadtests.carriers.twilio.asking import Failed
from loadtests.carriers.twilio.contract import IN_QUEUE, ON_BRIDGE, Breach
from loadtests.carriers.twilio.legs import Member, Queue, TwilioLeg
from loadtests.carriers.twilio.lines import Lines

SPIN = 25
"""So many wait documents in a row that take no time at all: we would burn in a loop."""


class HungUp(Exception):
    """The leg is over, by a verb of ours or by whoever was on it."""

    def __init__(self, status: str = "completed") -> None:
        super().__init__(status)
        self.status = status


class Next(NamedTuple):
    """Where to ask next, and what to tell there."""

    url: str
    told: dict[str, str]


LEAVE = Next("", {})


class Player:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def run(self, leg: TwilioLeg, url: str, told: dict[str, str]) -> None:
        """One document after the other. Returns when the last has run out; raises HungUp."""
        following: Next | None = Next(url, told)
        while following is not None:
            document = await self._fetch(leg, following)
            following = await self._play(leg, document, following.url)

    async def _fetch(self, leg: TwilioLeg, wanted: Next, verbs: frozenset[str] | None = None) -> Element:
        try:
            raw = await self._lines.asking.document(leg, wanted.url, wanted.told)
        except Failed as failed:
            await leg.tell(f"no document: {failed}")
            if not leg.fallback_url:
                raise HungUp("failed") from None
            try:
                raw = await self._lines.asking.document(leg, leg.fallback_url, {"ErrorCode": "11200"})
            except Failed:
                raise HungUp("failed") from None
        try:
            if self._lines.twiml is not None:
                return self._lines.twiml.check(raw, verbs)
            return ElementTree.fromstring(raw)
        except (Breach, ElementTree.ParseError) as error:
            self._lines.breaches.append(f"{wanted.url}: {error}")
            raise HungUp("failed") from None

    async def _play(self, leg: TwilioLeg, document: Element, base: str) -> Next | None:
        """Verb by verb, until one leads elsewhere. None when the document has run out."""
        for verb in document:
            if verb.tag != "Reject" and leg.status == "ringing" and leg.direction == "inbound":
                leg.status = "in-progress"
            following = await self._verb(leg, verb, base)
            if following is not None:
                return following
        return None

    async def _verb(self, leg: TwilioLeg, verb: Element, base: str) -> Next | None:
        if verb.tag in ("Say", "Play", "Pause"):
            await self._speak(leg, verb)
            return None
        if verb.tag == "Gather":
            return await self._gather(leg, verb, base)
        if verb.tag == "Redirect":
            return Next(urljoin(base, verb.text or ""), {})
        if verb.tag == "Enqueue":
            return await self._enqueue(leg, verb, base)
        if verb.tag == "Dial":
            return await self._dial(leg, verb, base)
        if verb.tag == "Leave":
            return LEAVE
        if verb.tag == "Reject":
            raise HungUp("busy" if verb.get("reason") == "busy" else "failed")
        if verb.tag == "Hangup":
            raise HungUp
        raise NotImplementedError(verb.tag)

    async def _speak(self, leg: TwilioLeg, verb: Element, with_keys: bool = False) -> None:
        words = verb.text or ""
        if verb.tag == "Pause":
            await self._lines.sleep(float(verb.get("length", "1")))
            return
        times = int(verb.get("loop", "1")) or 1_000
        await leg.tell(f"{verb.tag.lower()}: {words}")
        if leg.person.hangs_up_on(words):
            raise HungUp
        for keys in leg.person.keys_for(words) if with_keys else ():
            leg.press(keys)
        await self._lines.sleep(times * (SOUND_S if verb.tag == "Play" else len(words) / CHARACTERS_A_SECOND))

    async def _gather(self, leg: TwilioLeg, verb: Element, base: str) -> Next:
        patience_s = float(verb.get("timeout", "5")) / self._lines.speed
        digits = await keys_pressed(self._keys(leg, verb), self._prompts(leg, verb), patience_s) or ""
        await leg.tell(f"keys: {digits or 'none'}")
        if not digits and verb.get("actionOnEmptyResult") != "true":
            raise NotImplementedError("our questions always come back")
        told = {"Digits": digits} if digits else {"Digits": ""}
        return Next(urljoin(base, verb.get("action", "")), told)

    async def _prompts(self, leg: TwilioLeg, verb: Element) -> None:
        for child in verb:
            await self._speak(leg, child, with_keys=True)

    async def _keys(self, leg: TwilioLeg, verb: Element) -> str:
        """What is pressed: as many keys as are asked for, or fewer and the finishing one."""
        wanted, finish = int(verb.get("numDigits", "0")) or 99, verb.get("finishOnKey", "#")
        digits = ""
        while len(digits) < wanted:
            for key in await leg.keys.get():
                if finish and key in finish:
                    return digits
                digits += key
        return digits[:wanted]

    # ------------------------------------------------------------ queues

    async def _enqueue(self, leg: TwilioLeg, verb: Element, base: str) -> Next | None:
        queue = self._lines.queue(verb.text or "")
        member = Member(leg, time.monotonic(), asyncio.get_running_loop().create_future())
        queue.members.append(member)
        queue.arrived.set()
        action = urljoin(base, verb.get("action", ""))
        leg.pending = (action, self._left(queue, member, "hangup"))
        await leg.tell(f"queue: {queue.name}")
        waiting = asyncio.create_task(self._wait(leg, queue, member, urljoin(base, verb.get("waitUrl", ""))))
        try:
            either: set[asyncio.Future[Any]] = {waiting, member.taken}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if member.taken.done():
                waiting.cancel()
                await self._talk(leg, queue, *member.taken.result())
                result = "bridged"
            else:
                await waiting
                result = "leave"
        finally:
            waiting.cancel()
            if member in queue.members:
                queue.members.remove(member)
        leg.pending = None
        return Next(action, self._left(queue, member, result))

    async def _wait(self, leg: TwilioLeg, queue: Queue, member: Member, url: str) -> None:
        """Hold documents, again and again, until one says Leave."""
        following: Next | None = None
        spins = 0
        while following is not LEAVE:
            started = time.monotonic()
            following = following or Next(url, {})
            told = following.told | self._standing(queue, member)
            document = await self._fetch(leg, Next(following.url, told), IN_QUEUE)
            following = await self._play(leg, document, following.url)
            spins = spins + 1 if (time.monotonic() - started) * self._lines.speed < 0.2 else 0
            if spins > SPIN:
                self._lines.breaches.append(f"{url} is asked for without a pause")
                raise HungUp("failed")

    async def _talk(self, leg: TwilioLeg, queue: Queue, bridge: Bridge, url: str) -> None:
        """The queue's own document first, on the side of whoever waited; then both talk until either is gone."""
        assert leg.pending is not None
        leg.pending = (leg.pending[0], leg.pending[1] | {"QueueResult": "bridged"})
        if url:
            told = {"QueueSid": queue.sid, "QueueTime": "7", "DequeingCallSid": bridge.agent.sid}
            document = await self._fetch(leg, Next(url, told), ON_BRIDGE)
            await self._play(leg, document, url)
        bridge.up.set()
        await leg.tell(f"bridged: {bridge.agent.to_number}")
        await bridge.agent.tell(f"bridged: {leg.from_number}")
        talks_s = leg.person.talks_s
        if talks_s is None:
            await bridge.over.wait()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(bridge.over.wait(), talks_s / self._lines.speed)
            if not bridge.over.is_set():
                raise HungUp
        leg.bridge = None

    def _standing(self, queue: Queue, member: Member) -> dict[str, str]:
        place = queue.members.index(member) + 1 if member in queue.members else 1
        return {
            "QueueSid": queue.sid,
            "QueuePosition": str(place),
            "QueueTime": str(int((time.monotonic() - member.since) * self._lines.speed)),
            "AvgQueueTime": "0",
            "CurrentQueueSize": str(len(queue.members)),
            "MaxQueueSize": "1000",
        }

    def _left(self, queue: Queue, member: Member, result: str) -> dict[str, str]:
        waited = int((time.monotonic() - member.since) * self._lines.speed)
        return {"QueueResult": result, "QueueSid": queue.sid, "QueueTime": str(waited)}

    # ------------------------------------------------------------ dialling

    async def _dial(self, leg: TwilioLeg, verb: Element, base: str) -> Next | None:
        action = urljoin(base, verb.get("action", ""))
        timeout_s = float(verb.get("timeout", "30"))
        (noun,) = verb
        if noun.tag == "Queue":
            told = await self._fetch_caller(leg, action, noun, base, timeout_s)
        else:
            told = await self._dial_out(leg, noun.text or "", timeout_s)
        leg.pending = None
        return Next(action, told)

    async def _fetch_caller(
        self, leg: TwilioLeg, action: str, noun: Element, base: str, timeout_s: float
    ) -> dict[str, str]:
        """Whoever stands first in the queue, once somebody does."""
        leg.pending = (action, {"DialCallStatus": "canceled"})
        queue = self._lines.queues.get(noun.text or "")
        if queue is None:
            return {"DialCallStatus": "failed", "DialBridged": "false"}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s / self._lines.speed):
                while not queue.members:
                    queue.arrived.clear()
                    await queue.arrived.wait()
        if not queue.members:
            return {"DialCallStatus": "no-answer", "DialBridged": "false"}
        member = queue.members.pop(0)
        bridge = leg.bridge = member.leg.bridge = Bridge(member.leg, leg)
        leg.pending = (action, {"DialCallStatus": "completed", "DialBridged": "true", "DialCallSid": member.leg.sid})
        member.taken.set_result((bridge, urljoin(base, noun.get("url", "")) if noun.get("url") else ""))
        over = asyncio.create_task(bridge.over.wait())
        up = asyncio.create_task(bridge.up.wait())
        try:
            await asyncio.wait({over, up}, return_when=asyncio.FIRST_COMPLETED)
            talks_s = leg.person.talks_s
            await asyncio.wait({over}, timeout=None if talks_s is None else talks_s / self._lines.speed)
            if not bridge.over.is_set():
                raise HungUp
        finally:
            over.cancel()
            up.cancel()
            bridge.over.set()
        leg.bridge = None
        return leg.pending[1] if bridge.up.is_set() else {"DialCallStatus": "canceled", "DialBridged": "false"}

    async def _dial_out(self, leg: TwilioLeg, number: str, timeout_s: float) -> dict[str, str]:
        person = self._lines.people.get(number, Person())
        await leg.tell(f"dial: {number}")
        await self._lines.sleep(min(person.after_s, timeout_s))
        if not person.takes_within(timeout_s):
            words = {"busy": "busy", "no_answer": "no-answer", "answers": "no-answer"}
            return {"DialCallStatus": words.get(person.picks, "failed"), "DialBridged": "false"}
        await leg.tell(f"bridged: {number}")
        await self._lines.sleep(person.talks_s or 5.0)
        return {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "5"}
