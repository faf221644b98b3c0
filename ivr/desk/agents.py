"""The agent's leg, and the customer's of a callback. Their step is the leg's id: the offer's, or one made of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace

from ivr.desk.planned import nothing
from ivr.desk.reports import lost, offer_of
from ivr.desk.telling import Telling
from ivr.desk.viewing import Viewing
from ivr.scene import Scene
from ivr.vocabulary import FETCHED, BridgeDown, Event, InputDigits, LegFailed
from router.callbacks import is_callback
from router.domain.errors import OfferGone, UnknownCall
from router.site import Site

LANGUAGES_KEPT = 1_024


class AgentPages(Viewing):
    """Whisper → accept → join → bridged → over."""

    def __init__(self, site: Site, clock: Callable[[], int]) -> None:
        super().__init__(site, clock)
        self._languages: OrderedDict[str, str] = OrderedDict()
        """Of those whose telephones rang last, by offer: once it has passed, the call does not tell whose it was."""
        self.pages: dict[str, Callable[[str, str, str, Event], Awaitable[Scene]]] = {
            "whisper": self._whisper,
            "accept": self._accept,
            "join": self._join,
            "bridged": self._bridged,
            "callback": self._callback,
        }

    async def where(self, call_id: str, offer_id: str) -> Scene:
        try:
            return self._scene(await self.view(call_id), offer_id)
        except UnknownCall:
            return Scene("gone", call_id, 0, self._language_of(offer_id))

    async def is_customers_leg(self, call_id: str, leg_id: str) -> bool:
        """Not one that was dialled for an offer which has passed, while its callback stands in line again."""
        row = await self.engine.read_call(call_id)
        return row is not None and (row.offer_id == offer_of(leg_id) or not is_callback(row))

    async def over(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        """The talk is over, or the caller could not be reached. Asked again it finds the same."""
        engine = self.engine
        if isinstance(event, BridgeDown):
            await self.done(engine.complete_call(call_id, offer_id=offer_id))
            return nothing(call_id)
        cause = event.cause if isinstance(event, LegFailed) else "bridge"
        # In mid-talk a leg broke, or before it the caller could not be reached: one of the two finds nothing to do.
        broke = [engine.lose_leg(call_id, offer_id, cause)] if lost(cause) else []
        telling = await self.after(call_id, *broke, engine.fail_leg(call_id, offer_id, "bridge", only_in="ob"))
        if telling.row.letter == "b" and is_callback(telling.row):
            return self._scene(telling, offer_id)  # the customer's telephone still rings
        if telling.row.letter == "c" and telling.row.offer_id == offer_id:  # a customer who was there before is gone
            telling = await self.after(call_id, engine.complete_call(call_id, offer_id=offer_id))
        return telling.scene("nothing")

    async def _whisper(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        telling = await self.after(call_id, self.engine.hear_offer(call_id, offer_id, token))
        return self._waiting(telling, offer_id)

    async def _accept(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        """The key takes the call; another one, or none, gives it back, unless it was taken in the application."""
        engine, digits = self.engine, event.digits if isinstance(event, InputDigits) else ""
        if digits == self.site.plan.voice.accept_key:
            telling = await self.after(call_id, engine.accept_offer(call_id, "", offer_id, token))
            return self._waiting(telling, offer_id)
        cause = "declined" if digits else "no_answer"
        decline = engine.decline_offer(call_id, "", offer_id, cause, only_in="o", step=token)
        telling, declined = await self.tried(call_id, decline)
        if not declined:
            return self._scene(telling, offer_id)
        return replace(telling.scene("gone", reason="declined"), language=self._language_of(offer_id))

    async def _join(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Asked again and again until the caller is in the holding room."""
        offer_id = step.removesuffix(FETCHED)
        fetched = step != offer_id
        if fetched:
            self.site.channel.send("HSET", self.site.keys.documents(call_id), f"fetched@{offer_id}", "1")
        telling = await self.view(call_id)
        scene = self._scene(telling, offer_id)
        if scene.kind == "stand_by" and telling.row.letter == "c" and await self.meeting(telling.row) == "alone":
            return self._scene(
                await self.after(call_id, self.engine.complete_call(call_id, offer_id=offer_id)), offer_id
            )
        return self._waiting(telling, offer_id) if fetched else scene

    async def _bridged(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        await self.done(self.engine.connect_call(call_id, offer_id, token))
        return nothing(call_id)

    async def _callback(self, call_id: str, leg_id: str, token: str, event: Event) -> Scene:
        """The customer has picked up; the agent stands ready to fetch them out of the holding room."""
        offer_id = offer_of(leg_id)
        telling = await self.after(call_id, self.engine.connect_call(call_id, offer_id, token))
        if telling.row.letter != "c" or telling.row.offer_id != offer_id:
            raise OfferGone
        return telling.scene("callback_hello")

    def _waiting(self, telling: Telling, offer_id: str) -> Scene:
        """The first moment on the line after the call was taken: who is called back is dialled, and it is said once."""
        scene = self._scene(telling, offer_id)
        dialling = scene.kind == "stand_by" and telling.row.letter == "b" and is_callback(telling.row)
        return replace(scene, language=telling.agents_language, reason="dialling") if dialling else scene

    def _scene(self, telling: Telling, offer_id: str) -> Scene:
        """What an agent's leg hears while the offer holds: who is coming, then the caller."""
        if telling.row.offer_id == offer_id and telling.row.letter == "o":
            self._languages[offer_id] = telling.agents_language
            if len(self._languages) > LANGUAGES_KEPT:
                self._languages.popitem(last=False)
            return telling.whisper(self.clock())
        if telling.row.offer_id == offer_id and telling.row.letter in "bc":
            # A talk begun before either is taken out of what they hear would be cut off.
            there = telling.view.page in ("hold", "key") and not telling.view.sent_for
            return telling.scene("join" if there else "stand_by", offer_id=offer_id)
        unreached = is_callback(telling.row) and telling.row.outcome == "failed"
        reason = "unreached" if unreached else ""
        return replace(telling.scene("gone", reason=reason), language=self._language_of(offer_id))

    def _language_of(self, offer_id: str) -> str:
        return self._languages.get(offer_id, self.site.plan.language)
