"""One call through the platform's flow: greet, ask the menu, route, and follow decisions until somebody is gone."""

from __future__ import annotations

import asyncio
import contextlib

from loadtests.carriers.node.legs import PlatformLeg
from loadtests.carriers.node.lines import Lines
from loadtests.carriers.phones import CHARACTERS_A_SECOND, Bridge

KEYS_S, RING_S = 5.0, 15.0
LOOK_S = 3.0
"""How often the flow asks how things stand, at least."""
TRIES = 2

Answer = dict[str, str]
"""What we said, by field."""


class Gone(Exception):
    """The caller has left."""


class Flow:
    def __init__(self, lines: Lines, leg: PlatformLeg) -> None:
        self._lines = lines
        self._leg = leg
        self._holds = False
        self._connecting = ""

    async def run(self) -> None:
        leg = self._leg
        try:
            await leg.tell("answered")
            await self._menu((await self._ask("lookup")).get("greeting", ""))
            await self._follow(await self._ask("route"))
        except Gone:
            await self._tell_event("hangup")
        await self._lines.end(leg, "completed")

    async def _menu(self, greeting: str) -> None:
        """Keys pressed while the greeting is heard count for the menu behind it."""
        answer = await self._ask("menu")
        if answer.get("action") != "ask":
            await self._say(greeting)
        for tries in range(TRIES):
            if answer.get("action") != "ask":
                return
            words = answer["text"] if tries else f"{greeting} {answer['text']}"
            answer = await self._ask("menu", digits=await self._keys(words))

    async def _follow(self, answer: Answer) -> None:
        """One decision after the other, until none is left."""
        while True:
            action = answer.get("action", "default")
            if action == "agent":
                answer = await self._transfer(answer)
            elif action == "ask":
                answer = await self._ask("menu", digits=await self._keys(answer["text"]))
            elif action == "queue":
                answer = await self._wait(answer)
            elif answer.get("options"):
                answer = await self._ask("menu", digits=await self._keys(answer["text"]))
            else:
                await self._say(answer.get("text", ""))
                if action in ("number", "default") and answer.get("target"):
                    await self._hand_over(answer["target"])
                return

    async def _wait(self, answer: Answer) -> Answer:
        await self._hold(answer["queue"])
        await self._say(answer["text"])
        await self._pause(float(answer["again_seconds"]))
        return await self._ask("route")

    # ------------------------------------------------------------ an agent

    async def _transfer(self, answer: Answer) -> Answer:
        """Rings whom the decision names, as long as it stands; then they talk."""
        offer = answer["offer_id"]
        if self._connecting != offer:
            self._connecting = offer
            await self._say(answer["text"])
        await self._hold(answer["target"])
        agent = self._lines.ring(self._leg, answer["target"])
        try:
            await agent.tell("ringing")
            failed = await self._ring(agent, offer)
            if failed is not None:
                return failed
            await agent.tell("answered")
            talking = await self._event("answered", offer)
            if talking.get("offer_id") != offer:
                return talking
            return await self._talk(agent, offer)
        finally:
            await self._lines.end(agent, "completed")

    async def _ring(self, agent: PlatformLeg, offer: str) -> Answer | None:
        """None: picked up. Else what is to be done instead."""
        person, left = agent.person, agent.person.after_s
        rings = RING_S if person.picks == "no_answer" else left
        while rings > 0 and not agent.ended:
            step = min(LOOK_S, rings)
            await self._pause(step, agent)
            rings -= step
            if rings > 0 and not agent.ended:
                now = await self._ask("route")
                if now.get("offer_id") != offer:
                    return now
        if agent.ended:
            return await self._event("declined", offer)
        if person.picks == "answers":
            return None
        return await self._event({"declines": "declined"}.get(person.picks, person.picks), offer)

    async def _talk(self, agent: PlatformLeg, offer: str) -> Answer:
        leg = self._leg
        leg.bridge = agent.bridge = Bridge(leg, agent)
        self._holds = False
        await leg.tell(f"bridged: {agent.to_number}")
        await agent.tell(f"bridged: {leg.from_number}")
        lasts = min((talks for one in (leg, agent) if (talks := one.person.talks_s) is not None), default=None)
        while not agent.ended:
            step = LOOK_S if lasts is None else min(LOOK_S, lasts)
            await self._pause(step, agent)
            if lasts is not None and (lasts := lasts - step) <= 0:
                break
            if not agent.ended:
                now = await self._ask("route")
                if now.get("offer_id") != offer:
                    return now
        return await self._event("network" if agent.broke else "hangup", offer)

    async def _hand_over(self, number: str) -> None:
        person = self._lines.people.get(number)
        await self._leg.tell(f"bridged: {number}")
        await self._pause((person and person.talks_s) or 5.0)

    # ------------------------------------------------------------ the caller

    async def _say(self, words: str) -> None:
        if not words:
            return
        await self._leg.tell(f"say: {words}")
        if self._leg.person.hangs_up_on(words):
            await self._lines.hang_up(self._leg)
        await self._pause(len(words) / CHARACTERS_A_SECOND)

    async def _keys(self, words: str) -> str:
        for keys in self._leg.person.keys_for(words):
            self._leg.press(keys)
        await self._say(words)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(KEYS_S / self._lines.speed, 0.02)):
                return await self._leg.keys.get()
        return ""

    async def _pause(self, seconds: float, other: PlatformLeg | None = None) -> None:
        """Until then, or until one of them is gone. Raises Gone when it is the caller."""
        legs = [self._leg] if other is None else [self._leg, other]
        waits = [asyncio.create_task(leg.gone.wait()) for leg in legs]
        try:
            await asyncio.wait(waits, timeout=seconds / self._lines.speed, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self._leg.ended:
            raise Gone

    async def _hold(self, why: str) -> None:
        """Into the platform's own holding room."""
        if not self._holds:
            await self._leg.tell(f"queue: {why}")
        self._holds = True

    # ------------------------------------------------------------ the questions

    async def _ask(self, decision: str, **more: str) -> Answer:
        return await self._lines.asking.decide(self._leg.node, decision, self._told() | more)

    async def _event(self, event: str, offer: str) -> Answer:
        told = self._told() | {"event": event, "offer_id": offer}
        self._lines.again(told, self._leg.node)
        return await self._lines.asking.decide(self._leg.node, "event", told)

    async def _tell_event(self, event: str) -> None:
        """The caller is gone: nobody minds the answer."""
        await self._event(event, "")

    def _told(self) -> dict[str, str]:
        leg = self._leg
        return {"call_id": leg.sid, "caller": leg.from_number, "called": leg.to_number, **leg.extra}
