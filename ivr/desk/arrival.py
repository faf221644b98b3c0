"""A caller is at the door: greeted by the first document, whoever is on duty. Two round trips, the first a look-up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from config.voice import MenuEntry
from ivr.desk.telling import turned_away
from ivr.desk.viewing import Viewing
from ivr.scene import Scene
from ivr.vocabulary import CallOffered, Event, InputDigits
from router.domain.errors import SiteFull, StepRepeated, UnknownCall
from router.domain.policy import decide
from router.domain.tiers import choose_caller
from router.logging_ import say
from router.routing import Incoming, Recognised, enter, pack, recognise
from router.store.rows import CallView

log = logging.getLogger("vipline.desk")

NORTH_AMERICA = "+1"


def trust_of(offered: CallOffered) -> str | None:
    """Where nobody attests numbers, that nobody did says nothing: the platform is believed, as in the API."""
    number = offered.from_number or ""
    if offered.trust == "none" and number and not number.startswith(NORTH_AMERICA):
        return None
    return offered.trust


class Arrivals(Viewing):
    """The first document, and the menu where the plan has one."""

    async def arrive(self, call_id: str, offered: CallOffered, provider: str) -> Scene:
        """Raises StepRepeated for a call that was here before."""
        incoming = Incoming(
            call_id, offered.from_number, offered.to_number, trust=trust_of(offered), provider=provider
        )
        known = await recognise(self.site, incoming)
        try:
            if self.site.plan.voice.menu:
                view = await self._greeted(incoming, known)
            else:
                view = await self._entered(incoming, known)
        except SiteFull:
            say(log, logging.ERROR, "caller turned away, site full", site=self.site.name)
            return turned_away(call_id, offered.to_number, self.site.plan, self.clock())
        telling = self.telling(view, expected=1)
        return telling.first(self.clock(), self.told(telling) if telling.row.letter == "q" else None)

    async def _greeted(self, incoming: Incoming, known: Recognised) -> CallView | None:
        """In the menu; its time counts from now."""
        plan = self.site.plan
        caller = choose_caller(known.found.customers, plan)
        decision = decide(caller, known.facts, plan, datetime.now(UTC))
        meta = pack(incoming, known.identity, known.facts, caller, decision, known.found)
        accept = self.engine.accept_call(incoming.call_id, max_wait_ms=plan.max_wait, meta=meta, tier=decision.tier)
        accepted, view = await asyncio.gather(accept, self.engine.view_call(incoming.call_id))
        if not accepted.created:
            raise StepRepeated
        return view

    async def _entered(self, incoming: Incoming, known: Recognised) -> CallView | None:
        """On its ladder. The view may have been faster than a lane that had to be registered first."""
        entering = enter(self.site, incoming, known, kind="adapter")
        routed, view = await asyncio.gather(entering, self.engine.view_call(incoming.call_id))
        if not routed.created:
            raise StepRepeated
        if view is None or view.row.letter == "g":
            view = await self.engine.view_call(incoming.call_id)
        return view

    async def _menu(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Not understood: once again, then without a choice."""
        digits = event.digits if isinstance(event, InputDigits) else ""
        entry = next((one for one in self.site.plan.voice.menu if one.key == digits), None)
        telling = await self.view(call_id, token)
        if telling.row.letter != "g":
            return telling.now(self.told(telling), in_room=False)
        if entry is None and telling.view.unclear != "menu":
            return telling.scene("menu", menu=telling.menu().menu, again=True, reason="menu")
        incoming = chosen(call_id, telling.meta, entry)
        view = await self._entered(incoming, await recognise(self.site, incoming))
        if view is None:
            raise UnknownCall
        telling = self.telling(view)
        return telling.now(self.told(telling), in_room=False)


def chosen(call_id: str, meta: Mapping[str, Any], entry: MenuEntry | None) -> Incoming:
    """The call as it came, with what the caller chose."""
    return Incoming(
        call_id,
        meta.get("from"),
        str(meta.get("to") or ""),
        language=entry.language if entry else None,
        skills=entry.skills if entry else (),
        trust=meta.get("trust"),
        provider=str(meta.get("provider") or ""),
    )
