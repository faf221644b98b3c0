"""The caller's leg: greeted, asked, held, called back, connected, and on the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from config.parts import in_language
from ivr.desk.identifying import Identifying
from ivr.desk.planned import elsewhere, nothing, sorry
from ivr.desk.steps import NO_WAY_OUT, WAY_OUT
from ivr.desk.telling import Telling
from ivr.flow.asking import choice_of
from ivr.scene import Scene
from ivr.vocabulary import Event, HoldLeft, InputDigits, LegFailed
from router.callbacks import callback_id_of
from router.domain.errors import UnknownCall
from router.site import Site
from router.store.rows import CallRow

SENT_AWAY = ("rejected", "overflowed_out", "failed")
FELL_OUT, AGAIN_MS = "fell out", 60_000
"""When a holding room failed its caller last, and how soon after that it is not tried once more."""
SURVEYED = frozenset("12345")
FETCHED_OUT, FETCHED_MS = frozenset({"overflowed_out", "withdrawn"}), 3_000
"""Ends that are told on a page of their own, and how soon the caller is there, out of the holding room."""


class CallerPages(Identifying):
    """Every page of the caller's leg."""

    def __init__(self, site: Site, clock: Callable[[], int]) -> None:
        super().__init__(site, clock)
        self.pages: dict[str, Callable[[str, str, str, Event], Awaitable[Scene]]] = {
            "menu": self._menu,
            "identify": self._identify,
            "pin": self._pin,
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
            telling = await self.view(call_id)
        except UnknownCall:
            return sorry(call_id, self.site.plan)
        return self.now(telling, in_room)

    async def _question(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Not understood: once again, then the plan's default."""
        choice = choice_of(event.digits, self.site.plan.question.options) if isinstance(event, InputDigits) else None
        if choice == "callback":
            return await self._call_back(call_id, token, in_room=False)
        telling = await self.after(call_id, self.engine.choose(call_id, choice or "", token))
        if choice is None and telling.row.letter == "q":
            return telling.question(self.told(telling), again=True)
        return self.now(telling, in_room=False)

    async def _tick(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        telling = await self.view(call_id, token)
        if telling.row.letter == "c" and telling.row.offer_id:
            meeting = await self.meeting(telling.row)
            if meeting == "met":
                return _fetched(telling)
            if meeting == "alone":
                telling = await self.after(call_id, self.engine.lose_leg(call_id, telling.row.offer_id, "bridge"))
        return self._round(telling)

    def _round(self, telling: Telling) -> Scene:
        """What is heard next in the room; who is just being fetched out of it hears why there, and only there."""
        row, now = telling.row, self.site.now_ms()
        if row.outcome in FETCHED_OUT and row.ended_ms is not None and now - row.ended_ms < FETCHED_MS:
            return telling.scene("moment")
        return self.now(telling, in_room=True)

    async def _key(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Asks for a callback: while waiting, or on the way out. Not understood there: once again, then farewell."""
        voice, digits = self.site.plan.voice, event.digits if isinstance(event, InputDigits) else ""
        if digits and digits == (voice.callback_key or "1"):
            return await self._call_back(call_id, token, in_room=True)
        telling = await self.view(call_id, token)
        if telling.row.letter == "e" and telling.view.unclear in (WAY_OUT, NO_WAY_OUT):
            scene = telling.unreached() if telling.exit().number else telling.exit()
            if digits and telling.view.unclear == WAY_OUT and scene.callback_key:
                return replace(scene, again=True)
            return telling.scene("goodbye")
        if await self._have_met(telling.row):
            return _fetched(telling)
        return self._round(telling)

    async def _call_back(self, call_id: str, token: str, in_room: bool) -> Scene:
        """The call ends, its callback stands in the place; one who was just offered an agent is held for that."""
        rule = self.site.plan.callback
        call_back = self.engine.call_back(
            call_id, callback_id_of(call_id), widen=rule.widen, a_day=rule.per_day, step=token
        )
        telling = await self.after(call_id, call_back)
        refused = telling.meta.get("uncallable")
        if not refused or telling.row.outcome == "callback":
            return self.now(telling, in_room)
        scene = telling.scene("goodbye") if telling.row.letter == "e" else self.now(telling, in_room)
        return replace(scene, notice="callback.already" if refused == "already" else "callback.refused")

    async def _left(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Out of the holding room: by a talk that is over, by us, or with the caller."""
        reason = event.reason if isinstance(event, HoldLeft) else "error"
        if reason == "hangup":
            await self.done(self.engine.abandon_call(call_id, step=token))
            return nothing(call_id)
        if reason == "full":
            return await self._failed(call_id, token)
        telling = await self.view(call_id, token)
        if reason == "error":
            return await self._fell_out(telling, step)
        if reason == "redirected":
            return telling.scene("nothing")
        if reason == "left":
            return telling.now(None, in_room=False)
        if telling.row.letter == "c":  # whether the agent hung up, or a leg broke, is about to be reported
            return replace(telling.scene("parting"), step=_of_room(step)[0])
        return self._parted(telling)

    async def _fell_out(self, telling: Telling, step: str) -> Scene:
        """Out of the holding room by its own fault: in again at the old place, unless that happened just before."""
        call_id, row = telling.row.call_id, telling.row
        asked, fallen = _of_room(step)
        met = await self._have_met(row)
        if met or row.letter == "e":
            return replace(telling.scene("parting"), step=asked) if met else self.now(telling, in_room=False)
        now, key = self.clock(), self.site.keys.documents(call_id)
        before = await self.site.channel.call("HGET", key, FELL_OUT)
        if before is not None and now - int(before) < AGAIN_MS:
            return await self._failed(call_id)
        await self.site.channel.call("HSET", key, FELL_OUT, now)
        return replace(self.now(telling, in_room=False), room=fallen + 1)

    async def _have_met(self, row: CallRow) -> bool:
        return row.letter == "c" and await self.have_met(row.call_id, row.offer_id or "")

    async def _failed(self, call_id: str, token: str = "") -> Scene:
        telling = await self.after(call_id, self.engine.abandon_call(call_id, "failed", token))
        return telling.scene("apology", **elsewhere(self.site.plan.exit))

    async def _sent(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """We took the caller out of what they heard: to be asked, to be fetched, or to be told why it ends."""
        telling = await self.view(call_id, token)
        return self.now(telling, in_room=False)

    async def _survey(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        facts = {"survey": event.digits} if isinstance(event, InputDigits) and event.digits in SURVEYED else {}
        telling = await self.after(call_id, self.engine.amend_call(call_id, facts, token))
        return telling.scene("goodbye", reason="survey" if facts else "")

    async def _over(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """The talk is over: with a number outside, or with an agent of whom nothing else was heard meanwhile."""
        plan, nobody = self.site.plan, isinstance(event, LegFailed)
        try:
            telling = await self.after(call_id, self.engine.complete_call(call_id, step=token))
        except UnknownCall:
            if nobody:
                words, tag = in_language(plan.exit_message, plan.language, plan.language)
                return replace(sorry(call_id, plan), number="", voicemail=False, message=words, message_language=tag)
            return Scene("goodbye", call_id, 0, plan.language)
        return telling.unreached() if nobody and telling.row.outcome in SENT_AWAY else self._parted(telling)

    def _parted(self, telling: Telling) -> Scene:
        if telling.row.outcome == "answered":
            return telling.scene("survey" if self.site.plan.voice.survey else "goodbye")
        return telling.scene("goodbye") if telling.row.letter == "e" else telling.now(None, in_room=False)


def _fetched(telling: Telling) -> Scene:
    """A round ended in the very moment of the fetching: where a carrier plays what came last, another one would end the
    talk.
    """
    return telling.scene("nothing")


def _of_room(step: str) -> tuple[int, int]:
    """The step a caller went into the room at, and how often they had fallen out of one by then."""
    asked, _, fallen = step.partition("-")
    return int(asked), int(fallen or 0)
