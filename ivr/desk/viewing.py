"""Transitions and the view after them in one flush: commands leave in the order they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

from ivr.desk.telling import Telling
from ivr.scene import Scene
from router.domain.errors import ChoiceGone, OfferGone, UnknownCall, WrongState
from router.domain.judging import Announcement
from router.site import Site
from router.store.begun import Begun
from router.store.rows import CallRow, CallView

TOO_LATE = (ChoiceGone, OfferGone, WrongState)
"""What happened instead is in the view."""


class Viewing:
    """What the pages of all legs share."""

    def __init__(self, site: Site, clock: Callable[[], int]) -> None:
        self.site = site
        self.engine = site.engine
        self.clock = clock

    async def view(self, call_id: str, step: str = "") -> Telling:
        """How the call stands; `step`: the carrier's request that asks, see the engine."""
        return self.telling(await self.engine.view_call(call_id, step))

    async def after(self, call_id: str, *transitions: Coroutine[Any, Any, Any]) -> Telling:
        """How the call stands after these; their refusals are raised, unless they only came too late."""
        return (await self.tried(call_id, *transitions))[0]

    async def tried(self, call_id: str, *transitions: Coroutine[Any, Any, Any]) -> tuple[Telling, bool]:
        """The same, and whether none of them came too late."""
        loads = self.engine.loads
        begun = [Begun(transition) for transition in transitions]
        view = Begun(self.engine.view_call(call_id))
        late = await self._are_late(begun)
        seen = await view
        if self.engine.loads != loads:  # a script was not there yet, and ran after the view
            return await self.view(call_id), not late
        return self.telling(seen), not late

    async def done(self, *transitions: Coroutine[Any, Any, Any]) -> None:
        """As `after`, where nothing is said of the call."""
        await self._are_late([Begun(transition) for transition in transitions])

    @staticmethod
    async def _are_late(begun: Sequence[Begun[Any]]) -> bool:
        """Whether any came too late; raises the first refusal of another kind when all have ended."""
        late, refused = False, None
        for one in begun:
            try:
                await one
            except TOO_LATE:
                late = True
            except Exception as error:
                refused = refused or error
        if refused:
            raise refused
        return late

    async def meeting(self, row: CallRow) -> Literal["met", "alone", "coming"]:
        """Of a connected call. `alone`: of caller and agent one waits for the other, who should have come by now: their
        leg is gone, and whoever was to report that did not.
        """
        met, agent = await asyncio.gather(
            self.have_met(row.call_id, row.offer_id or ""), self.engine.read_agent(row.agent_id or "")
        )
        if met:
            return "met"
        late = agent is not None and self.clock() - agent.since_ms > 2 * self.engine.timing.bridge_ms
        return "alone" if late else "coming"

    async def have_met(self, call_id: str, offer_id: str) -> bool:
        """Whether the caller has come to the agent of that offer."""
        return bool(await self.site.channel.call("HEXISTS", self.site.keys.documents(call_id), f"bridged@{offer_id}"))

    def telling(self, view: CallView | None, expected: int | None = None) -> Telling:
        if view is None:
            raise UnknownCall
        return Telling(view, self.site.plan, expected or view.expected or 1)

    def now(self, telling: Telling, in_room: bool) -> Scene:
        """What a caller hears of the call as it stands; the wait is only asked for where it is said."""
        return telling.now(self.told(telling) if in_room or telling.row.letter == "q" else None, in_room)

    def told(self, telling: Telling) -> Announcement | None:
        """What may honestly be said of the wait that is left."""
        if telling.row.letter not in "qw":
            return None
        return self.site.estimates.told(telling.view, self.clock())
