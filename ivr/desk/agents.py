"""The agent's leg, and the customer's of a callback. Their step is the leg's id: the offer's, or one made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from ivr.desk.reports import FETCHED, lost, offer_of
from ivr.desk.telling import Telling
from ivr.desk.viewing import Viewing
from ivr.scene import Scene
from ivr.vocabulary import BridgeDown, Event, InputDigits, LegFailed
from router.callbacks import is_callback
from router.domain.errors import OfferGone, UnknownCall
from router.site import Site


class AgentPages(Viewing):
    """Whisper → accept → join → bridged → over."""

    def __init__(self, site: Site, clock: Callable[[], int]) -> None:
        super().__init__(site, clock)
        self.pages: dict[str, Callable[[str, str, str, Event], Awaitable[Scene]]] = {
            "whisper": self._whisper,
            "accept": self._accept,
            "join": self._join,
            "bridged": self._bridged,
            "callback": self._callback,
        }

    async def where(self, call_id: str, offer_id: str) -> Scene:
        try:
            return await self._scene(await self.after(call_id), offer_id)
        except UnknownCall:
            return Scene("gone", call_id, 0, self.site.plan.language)

    async def is_customers_leg(self, call_id: str, leg_id: str) -> bool:
        """Not one that was dialled for an offer which has passed, while its callback stands in line again."""
        row = await self.engine.read_call(call_id)
        return row is not None and (row.offer_id == offer_of(leg_id) or not is_callback(row))

    async def over(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        """The talk is over, or the caller could not be reached. Asked again it finds the same."""
        if isinstance(event, BridgeDown):
            telling = await self.after(call_id, self.engine.complete_call(call_id, offer_id=offer_id))
        else:
            telling = await self.after(call_id)
            if telling.row.letter == "b" and is_callback(telling.row):
                return await self._scene(telling, offer_id)  # the customer's telephone still rings
            cause = event.cause if isinstance(event, LegFailed) else "bridge"
            if telling.row.letter == "c" and lost(cause):
                telling = await self.after(call_id, self.engine.lose_leg(call_id, offer_id, cause))
            else:
                telling = await self.after(call_id, self.engine.fail_leg(call_id, offer_id, "bridge"))
        return telling.scene("nothing")

    async def _whisper(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        return await self._scene(await self.after(call_id, self.engine.take_step(call_id, token)), offer_id)

    async def _accept(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        telling = await self.after(call_id, self.engine.take_step(call_id, token))
        agent_id = telling.row.agent_id
        if telling.row.offer_id != offer_id or agent_id is None:
            return await self._scene(telling, offer_id)
        digits = event.digits if isinstance(event, InputDigits) else ""
        if digits == self.site.plan.voice.accept_key:
            telling = await self.after(call_id, self.engine.accept_offer(call_id, agent_id, offer_id))
            return await self._scene(telling, offer_id)
        if telling.row.letter == "o":
            cause = "declined" if digits else "no_answer"
            await self.engine.decline_offer(call_id, agent_id, offer_id, cause)
            return replace(telling.scene("gone", reason="declined"), language=self.site.plan.language)
        return await self._scene(telling, offer_id)

    async def _join(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Asked again and again until the caller is in the holding room."""
        offer_id = step.removesuffix(FETCHED)
        if step != offer_id:
            self.site.channel.send("HSET", self.site.keys.documents(call_id), f"fetched@{offer_id}", "1")
        return await self._scene(await self.after(call_id), offer_id)

    async def _bridged(self, call_id: str, offer_id: str, token: str, event: Event) -> Scene:
        take = self.engine.take_step(call_id, token)
        return (await self.after(call_id, take, self.engine.connect_call(call_id, offer_id))).scene("nothing")

    async def _callback(self, call_id: str, leg_id: str, token: str, event: Event) -> Scene:
        """The customer has picked up; the agent stands ready to fetch them out of the holding room."""
        take, offer_id = self.engine.take_step(call_id, token), offer_of(leg_id)
        telling = await self.after(call_id, take, self.engine.connect_call(call_id, offer_id))
        if telling.row.letter != "c" or telling.row.offer_id != offer_id:
            raise OfferGone
        return telling.scene("callback_hello")

    async def _scene(self, telling: Telling, offer_id: str) -> Scene:
        """What an agent's leg hears while the offer holds: who is coming, then the caller."""
        if telling.row.offer_id == offer_id and telling.row.letter == "o":
            return telling.whisper(self.clock())
        if telling.row.offer_id == offer_id and telling.row.letter in "bc":
            there = telling.view.page in ("hold", "key") and not await self._are_sent_for(telling.row.call_id, offer_id)
            return telling.scene("join" if there else "stand_by", offer_id=offer_id)
        return replace(telling.scene("gone"), language=self.site.plan.language)

    async def _are_sent_for(self, call_id: str, offer_id: str) -> bool:
        """Whether caller or agent is being taken out of what they hear: a talk begun before that would be cut off."""
        keys = self.site.keys
        sent, came = await self.site.channel.call_many(
            [
                ["HMGET", keys.own(f"o:{call_id}"), f"do:room:{offer_id}", f"do:join:{offer_id}"],
                ["HMGET", keys.documents(call_id), f"connect/{offer_id}", f"fetched@{offer_id}"],
            ]
        )
        return any(
            one is not None and here is None and one not in (b"gone", b"refused")
            for one, here in zip(sent, came, strict=True)
        )
