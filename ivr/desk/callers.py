"""The caller's leg: greeted, asked, held, called back, connected, and on the way out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

from ivr.desk.arrival import Arrivals
from ivr.desk.telling import Telling
from ivr.flow.asking import choice_of
from ivr.scene import Scene
from ivr.vocabulary import Event, HoldLeft, InputDigits
from router.callbacks import keep_place
from router.domain.errors import UnknownCall
from router.site import Site


class CallerPages(Arrivals):
    """Every page of the caller's leg."""

    def __init__(self, site: Site, clock: Callable[[], int]) -> None:
        super().__init__(site, clock)
        self.pages: dict[str, Callable[[str, str, str, Event], Awaitable[Scene]]] = {
            "menu": self._menu,
            "question": self._question,
            "hold": self._tick,
            "key": self._key,
            "left": self._left,
            "connect": self._sent,
            "exit": self._sent,
            "again": self._sent,
            "survey": self._survey,
            "over": self._over,
        }

    async def where(self, call_id: str, in_room: bool) -> Scene:
        try:
            telling = await self.after(call_id)
        except UnknownCall:
            return Scene("apology", call_id, 0, self.site.plan.language)
        return telling.now(await self.told(telling), in_room)

    async def _question(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Not understood: once again, then the plan's default."""
        question = self.site.plan.question
        choice = choice_of(event.digits, question.options) if isinstance(event, InputDigits) else None
        if choice is None:
            telling = await self.after(call_id)
            asking = f"question{telling.row.step.asked}"
            if telling.row.letter == "q" and telling.view.unclear != asking:
                telling = await self.after(call_id, self.engine.take_step(call_id, token))
                return replace(telling.question(await self.told(telling), again=True), reason=asking)
            choice = question.default
        if choice == "callback":
            return await self._call_back(await self.after(call_id), token)
        telling = await self.after(call_id, self.engine.choose(call_id, choice, token))
        return telling.now(await self.told(telling), in_room=False)

    async def _tick(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        telling = await self.after(call_id, self.engine.take_step(call_id, token))
        return telling.now(await self.told(telling), in_room=True)

    async def _key(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        if isinstance(event, InputDigits) and event.digits == self.site.plan.voice.callback_key:
            telling = await self.after(call_id)
            if telling.may_call_back:
                return await self._call_back(telling, token)
        return await self._tick(call_id, step, token, event)

    async def _call_back(self, telling: Telling, token: str) -> Scene:
        """The call ends, its callback stands in the place; one who was just offered an agent is held for that."""
        call_id, row = telling.row.call_id, telling.row
        telling = await self.after(call_id, keep_place(self.site, row, step=token))
        return telling.now(None, in_room=token.startswith("key"))

    async def _left(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Out of the holding room: by a talk that is over, by us, or with the caller."""
        reason = event.reason if isinstance(event, HoldLeft) else "error"
        take = self.engine.take_step(call_id, token)
        if reason == "bridged":
            telling = await self.after(call_id, take)
            if telling.row.letter == "c":  # whether the agent hung up, or a leg broke, is about to be reported
                return replace(telling.scene("parting"), step=int(step))
            return self._parted(telling)
        if reason == "hangup":
            return (await self.after(call_id, take, self.engine.abandon_call(call_id))).scene("nothing")
        if reason == "redirected":
            return (await self.after(call_id, take)).scene("nothing")
        if reason == "left":
            return (await self.after(call_id, take)).now(None, in_room=False)
        return (await self.after(call_id, take, self.engine.abandon_call(call_id, "failed"))).scene("apology")

    async def _sent(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """We took the caller out of what they heard: to be asked, to be fetched, or to be told why it ends."""
        telling = await self.after(call_id, self.engine.take_step(call_id, token))
        return telling.now(await self.told(telling), in_room=False)

    async def _survey(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        telling = await self.after(call_id, self.engine.take_step(call_id, token))
        if isinstance(event, InputDigits):
            meta = json.dumps(dict(telling.meta) | {"survey": event.digits[:1]}, ensure_ascii=False)
            await self.site.channel.call("SET", self.site.keys.meta(call_id), meta, "XX", "KEEPTTL")
        return telling.scene("goodbye", reason="survey")

    async def _over(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """The talk is over: with a number outside, or with an agent of whom nothing else was heard meanwhile."""
        telling = await self.after(call_id, self.engine.take_step(call_id, token))
        if telling.row.letter == "c":
            telling = await self.after(call_id, self.engine.complete_call(call_id, offer_id=telling.row.offer_id))
        return self._parted(telling)

    def _parted(self, telling: Telling) -> Scene:
        if telling.row.outcome == "answered":
            return telling.scene("survey" if self.site.plan.voice.survey else "goodbye")
        return telling.scene("goodbye") if telling.row.letter == "e" else telling.now(None, in_room=False)
