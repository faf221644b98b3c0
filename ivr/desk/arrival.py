"""A caller is at the door: greeted by the first document, whoever is on duty. Two round trips, the first a look-up."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from config.models import SitePlan
from config.voice import MenuEntry
from ivr.desk.door import Door
from ivr.desk.planned import turned_away
from ivr.desk.viewing import Viewing
from ivr.scene import Scene
from ivr.vocabulary import CallOffered, Event, InputDigits
from router.domain.errors import SiteFull, StepRepeated, UnknownCall
from router.domain.policy import decide
from router.domain.standing import asks_anybody, is_asked, kind_of_doubt
from router.logging_ import say
from router.routing import Incoming, Recognised, enter, pack, recognise
from router.site import Site
from router.store.begun import Begun
from router.store.rows import CallView

MET_KEPT, MET_MS = 4_096, 90_000
"""Nobody is in the menu for longer: whoever hung up there is forgotten by then."""

log = logging.getLogger("vipline.desk")


class Arrivals(Viewing):
    """The first document, and the menu where the plan has one."""

    def __init__(self, site: Site, clock: Callable[[], int]) -> None:
        super().__init__(site, clock)
        self.door = Door()
        self._met: OrderedDict[str, tuple[int, Incoming, Recognised]] = OrderedDict()
        """Callers in the menu and when they came, so that nobody is looked up twice; who answers another process is
        looked up there.
        """

    async def arrive(self, call_id: str, offered: CallOffered, provider: str) -> Scene:
        """Raises StepRepeated for a call that was here before."""
        plan = self.site.plan
        if self.door.is_rushed(plan):
            return self._busy(call_id, "too many at once")
        incoming = Incoming(call_id, offered.from_number, offered.to_number, trust=offered.trust, provider=provider)
        known = await recognise(self.site, incoming)
        if self.door.is_flooded(known.found, plan):
            return self._busy(call_id, "too many of one number")
        try:
            asked = what_to_ask(known, plan)
            if plan.voice.menu or asked:
                view = await self._greeted(incoming, known, "" if plan.voice.menu else asked)
                self._remember(incoming, known)
            else:
                view = await self._entered(incoming, known)
        except SiteFull:
            say(log, logging.ERROR, "caller turned away, site full", site=self.site.name)
            return turned_away(call_id, offered.to_number, plan, self.clock())
        telling = self.telling(view, expected=1)
        return telling.first(self.clock(), self.told(telling) if telling.row.letter == "q" else None)

    def _remember(self, incoming: Incoming, known: Recognised) -> None:
        now = self.clock()
        while self._met and (len(self._met) >= MET_KEPT or next(iter(self._met.values()))[0] < now - MET_MS):
            self._met.popitem(last=False)
        self._met[incoming.call_id] = now, incoming, known

    def _busy(self, call_id: str, why: str) -> Scene:
        say(log, logging.WARNING, "caller turned away", why=why, site=self.site.name)
        return Scene("busy", call_id, 0, self.site.plan.language)

    async def _greeted(self, incoming: Incoming, known: Recognised, asked: str) -> CallView | None:
        """In the menu, or asked who it is; the time counts from now."""
        plan = self.site.plan
        caller = known.found.caller(plan)
        decision = decide(caller, known.facts, plan, datetime.now(UTC))
        meta = pack(incoming, known.identity, known.facts, caller, decision, known.found, asked)
        accept = self.engine.accept_call(incoming.call_id, max_wait_ms=plan.max_wait, meta=meta, tier=decision.tier)
        begun, view = Begun(accept), Begun(self.engine.view_call(incoming.call_id))
        if not (await begun).created:
            raise StepRepeated
        return await view

    async def _entered(self, incoming: Incoming, known: Recognised) -> CallView | None:
        """On its ladder. The view may have been faster than a lane that had to be registered first."""
        entering = Begun(enter(self.site, incoming, known, kind="adapter"))
        viewing = Begun(self.engine.view_call(incoming.call_id))
        if not (await entering).created:
            raise StepRepeated
        view = await viewing
        if view is None or view.row.letter == "g":
            view = await self.engine.view_call(incoming.call_id)
        return view

    async def _menu(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        """Not understood: once again, then without a choice."""
        digits = event.digits if isinstance(event, InputDigits) else ""
        entry = next((one for one in self.site.plan.voice.menu if one.key == digits), None)
        if entry is not None and (met := self._met.pop(call_id, None)):
            return await self._chosen(token, *met[1:], entry)
        telling = await self.view(call_id, token)
        if telling.row.letter != "g":
            return self.now(telling, in_room=False)
        if entry is None and telling.view.unclear != "menu":
            return telling.scene("menu", menu=telling.menu().menu, again=True, reason="menu")
        incoming = chosen(call_id, telling.meta, entry)
        known = await recognise(self.site, incoming)
        if asked := what_to_ask(known, self.site.plan):
            facts = {"asked": asked, "language": incoming.language, "skills": list(incoming.skills)}
            telling = await self.after(call_id, self.engine.amend_call(call_id, facts))
            return self.now(telling, in_room=False)
        view = await self._entered(incoming, known)
        if view is None:
            raise UnknownCall
        telling = self.telling(view)
        return self.now(telling, in_room=False)

    async def _chosen(self, token: str, incoming: Incoming, known: Recognised, entry: MenuEntry) -> Scene:
        """By what was found when the caller came."""
        call_id, language = incoming.call_id, entry.language or incoming.language
        incoming = replace(incoming, language=language, skills=entry.skills)
        known = replace(known, facts=replace(known.facts, language=language, skills=entry.skills))
        if asked := what_to_ask(known, self.site.plan):
            facts = {"asked": asked, "language": language, "skills": list(entry.skills)}
            telling = await self.after(call_id, self.engine.amend_call(call_id, facts, token))
            return self.now(telling, in_room=False)
        entering = Begun(enter(self.site, incoming, known, kind="adapter", step=token))
        viewing, loads = Begun(self.engine.view_call(call_id)), self.engine.loads
        await entering
        view = await viewing
        telling = self.telling(view) if self.engine.loads == loads else await self.view(call_id)
        if telling.row.letter == "g":  # a lane had to be registered first
            telling = await self.view(call_id)
        return self.now(telling, in_room=False)


def what_to_ask(known: Recognised, plan: SitePlan) -> str:
    """`number`: customer number and PIN; `pin`: the PIN of whom the telephone number tells; empty: nothing.

    Who calls a closed line is told so, and not asked first.
    """
    if not asks_anybody(known.facts, plan):
        return ""
    caller = known.found.caller(plan)
    if not is_asked(caller, known.facts, plan) or decide(caller, known.facts, plan, datetime.now(UTC)).closed:
        return ""
    if caller is None or caller.shared or kind_of_doubt(caller, known.facts, plan) != "unproven":
        return "number"
    candidate = known.found.candidate(caller.customer.customer_id)
    return "pin" if candidate and candidate.has_pin else ""


def chosen(call_id: str, meta: Mapping[str, Any], entry: MenuEntry | None) -> Incoming:
    """The call as it came, with what the caller chose."""
    return Incoming(
        call_id,
        meta.get("from"),
        str(meta.get("to") or ""),
        language=(entry.language if entry else None) or meta.get("language"),
        skills=entry.skills if entry else tuple(meta.get("skills") or ()),
        trust=meta.get("trust"),
        provider=str(meta.get("provider") or ""),
    )
