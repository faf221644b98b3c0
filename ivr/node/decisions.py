"""The decisions: who is this, where to, what does this key mean, call back instead. Each is the engine's, told flat.

The media are the platform's, so a call here is one as of the JSON API: an agent is held for it by an offer, a place by
its rank, and whatever becomes of it can be told either way.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from config.node import Node
from ivr.desk.door import Door
from ivr.desk.planned import greeting_for, turned_away
from ivr.desk.telling import Telling
from ivr.flow.asking import choice_of
from ivr.flow.greeting import greet
from ivr.node.answers import DECISION, LOOKUP, Answer
from ivr.node.asking import Question
from ivr.node.books import Books, Entry, now_ms
from ivr.node.told import menu_of, standing
from ivr.node.words import text_of
from ivr.scene import Scene
from router.callbacks import callback_id_of
from router.domain.errors import OfferGone, Refused, SiteFull, UnknownCall
from router.domain.policy import decide
from router.routing import Incoming, enter, pack, recognise
from router.site import Site
from router.store.rows import CallView

ANSWERED = frozenset({"answered", "answer", "connected", "bridged", "talking"})
GONE = frozenset({"hangup", "hungup", "ended", "end", "released", "completed", "disconnect", "abandoned"})
CAUSES = frozenset({"busy", "no_answer", "declined", "device", "network"})
BROKEN = frozenset({"device", "network"})
TRIES = 3
ASKED = 3
"""So many times the plan's `timing.question` a platform has to say the question, twice, and to collect its key."""


class Decisions:
    """One site's. `node`: the plan's part of the moment."""

    def __init__(self, site: Site, node: Callable[[], Node]) -> None:
        self._site = site
        self._engine = site.engine
        self._node = node
        self.books = Books(site)
        self.by_name: dict[str, Callable[[Question], Awaitable[Answer]]] = {
            "lookup": self.lookup,
            "route": self.route,
            "menu": self.menu,
            "callback": self.callback,
            "event": self.event,
        }

    async def lookup(self, asked: Question) -> Answer:
        """Who calls, and how they are greeted. Nothing is reserved; asked of a call that stands it says the same."""
        plan, incoming = self._site.plan, _incoming(asked, Entry(asked.call_id), self._node())
        known = await recognise(self._site, incoming)
        caller = known.found.caller(plan)
        decision = decide(caller, known.facts, plan, datetime.now(UTC))
        customer = caller.customer if caller and decision.greet_by_name else None
        meta = json.loads(pack(incoming, known.identity, known.facts, caller, decision, known.found))
        scene = Scene(
            "hold", asked.call_id, 0, decision.language, fallback=plan.language, site=plan.title,
            greeting=greeting_for(meta, decision.tier, plan, now_ms()),
        )  # fmt: skip
        owner_id = caller.customer.owner if caller else None
        owner = await self._engine.read_agent(owner_id) if owner_id else None
        card = json.loads(owner.card) if owner else {}
        return {
            **LOOKUP,
            "found": _flag(caller is not None),
            "vip": _flag(decision.tier in plan.vip_tiers),
            "tier": decision.tier,
            "name": (customer.name if customer else "") or "",
            "title": (customer.title if customer else "") or "",
            "greeting": " ".join(say.text for say in greet(scene)),
            "language": decision.language,
            "agent_id": owner_id or "",
            "agent_name": str(card.get("name") or ""),
            "agent_state": owner.state if owner else "",
            "agent_target": str(card.get("endpoint") or ""),
        }

    async def route(self, asked: Question) -> Answer:
        """Where to, now. The first time the caller enters the ladder; asked again it says how things stand."""
        entry = await self._entry(asked)
        view = await self._engine.view_call(entry.engine_id)
        if view is None or view.row.letter == "g":
            view = await self._enter(asked, entry)
        return await self._answer(view)

    async def menu(self, asked: Question) -> Answer:
        """What a key means: of the owner-busy question, or of the plan's menu before the call is routed.

        A question that is not answered is asked once more; then it is answered by the plan's default.
        """
        entry = await self._entry(asked)
        view = await self._engine.view_call(entry.engine_id)
        if view is None or view.row.letter == "g":
            return await self._menu(asked)
        if view.row.letter == "e":
            return await self._way_out(view, asked)
        if view.row.letter != "q":
            return {**await self._answer(view), "valid": "0"}
        telling = self._telling(view)
        choice = choice_of(asked.digits, telling.question(None).options)
        asking = f"{entry.engine_id}:{view.row.step.asked}"
        if not choice and entry.unclear != asking:
            await self.books.not_understood(asked.call_id, asking)
            again = text_of(telling.question(None, again=True))
            return {**await self._answer(view), "text": again, "valid": "0"}
        if choice == "callback":
            return await self._call_back(view)
        with contextlib.suppress(Refused):
            await self._engine.choose(view.row.call_id, choice or self._site.plan.question.default)
        return {**await self._answer(await self._view(view.row.call_id)), "valid": _flag(bool(choice))}

    async def callback(self, asked: Question) -> Answer:
        """The place is kept and the caller may hang up; they are called when their turn comes."""
        entry = await self._entry(asked)
        view = await self._engine.view_call(entry.engine_id)
        if view is None or view.row.letter == "g":
            view = await self._enter(asked, entry)
        return await self._call_back(view)

    def full(self, asked: Question) -> Answer:
        """No more calls fit into the site: the plan's own way out."""
        scene = turned_away(asked.call_id, asked.called, self._site.plan, now_ms())
        target = scene.number or self._node().default
        action = "number" if target else "message"
        return {**DECISION, "call_id": asked.call_id, "action": action, "target": target, "text": text_of(scene)}

    async def event(self, asked: Question) -> Answer:
        """What has become of the decision. Told twice, late or of an old offer it changes nothing."""
        entry = await self.books.entry(asked.call_id)
        view = await self._view(entry.engine_id)
        if view.row.letter != "e":
            await self.books.keep(entry.engine_id, now_ms() + self._node().patience)  # no sweep may overtake this
        offer_id = asked.offer_id or view.row.offer_id or ""
        with contextlib.suppress(Refused):
            if asked.event in ANSWERED:
                await self._answered(view, offer_id)
            elif asked.event in GONE and asked.reason not in CAUSES:
                await self._engine.abandon_call(entry.engine_id)
            elif (cause := _cause(asked)) and offer_id:
                broken = view.row.letter == "c" and cause in BROKEN
                await (self._engine.lose_leg if broken else self._engine.fail_leg)(entry.engine_id, offer_id, cause)
        return await self._answer(await self._view(entry.engine_id))

    # ------------------------------------------------------------ how

    async def _entry(self, asked: Question) -> Entry:
        """Kept from now on, before anything is reserved for it: whatever happens to us, it will lapse."""
        entry = await self.books.entry(asked.call_id)
        if entry.given_up:
            entry = await self.books.revive(asked.call_id, entry)
        await self.books.keep(entry.engine_id, now_ms() + self._node().patience)
        return entry

    async def _enter(self, asked: Question, entry: Entry) -> CallView:
        incoming = _incoming(asked, entry, self._node())
        known = await recognise(self._site, incoming)
        if Door.is_flooded(known.found, self._site.plan):
            raise SiteFull
        # What the platform says takes time, and it is asked twice.
        await enter(self._site, incoming, known, question_ms=ASKED * self._engine.timing.question_ms)
        return await self._view(entry.engine_id)

    async def _view(self, engine_id: str) -> CallView:
        view = await self._engine.view_call(engine_id)
        if view is None:
            raise UnknownCall
        return view

    async def _menu(self, asked: Question) -> Answer:
        """What is chosen is kept for the call: `route` knows it without being told again."""
        plan = self._site.plan
        said = {**DECISION, "call_id": asked.call_id}
        if not plan.voice.menu:
            return said | {"action": "route", "valid": _flag(not asked.digits)}
        entry = next((one for one in plan.voice.menu if one.key == asked.digits), None)
        if entry is not None:
            await self.books.note(asked.call_id, entry.language or "", entry.skills)
            chosen = {"language": entry.language or "", "skills": " ".join(entry.skills)}
            return said | chosen | {"action": "route", "valid": "1"}
        return said | menu_of(plan, asked.call_id, asked.called, again=bool(asked.digits))

    async def _way_out(self, view: CallView, asked: Question) -> Answer:
        """A key on the way out books the callback that it offered; any other, or none, is bidden farewell."""
        telling = self._telling(view)
        if asked.digits and asked.digits == telling.exit().callback_key:
            return await self._call_back(view)
        farewell = {"action": "ended", "target": "", "text": text_of(telling.scene("goodbye")), "options": ""}
        return {**await self._answer(view), **farewell, "valid": "0"}

    async def _call_back(self, view: CallView) -> Answer:
        """Waiting, or on a way out that offers it. Only the caller's own number: one told here could be anybody's."""
        telling, row = self._telling(view), view.row
        offered = row.letter in "qw" or (row.letter == "e" and bool(telling.exit().callback_key))
        if offered and telling.may_call_back:
            with contextlib.suppress(Refused):
                rule, callback_id = self._site.plan.callback, callback_id_of(row.call_id)
                await self._engine.call_back(row.call_id, callback_id, widen=rule.widen, a_day=rule.per_day)
        view = await self._view(row.call_id)
        return {**await self._answer(view), "valid": _flag(view.row.outcome == "callback")}

    async def _answered(self, view: CallView, offer_id: str) -> None:
        row = view.row
        if row.letter == "o" and row.offer_id == offer_id and row.agent_id:
            with contextlib.suppress(OfferGone):  # taken in the application already
                await self._engine.accept_offer(row.call_id, row.agent_id, offer_id)
        await self._engine.connect_call(row.call_id, offer_id)

    async def _answer(self, view: CallView) -> Answer:
        """What to do with the call now, and by when we must hear of it again."""
        for _ in range(TRIES):
            if view.row.letter != "o" or view.card.get("endpoint"):
                break
            with contextlib.suppress(Refused):  # an agent without an endpoint cannot be transferred to
                await self._engine.fail_leg(view.row.call_id, view.row.offer_id or "", "device")
            view = await self._view(view.row.call_id)
        if view.row.letter == "o" and self._node().answered == "assumed":
            with contextlib.suppress(Refused):
                await self._answered(view, view.row.offer_id or "")
            view = await self._view(view.row.call_id)
        if view.row.letter == "e":
            await self.books.close(view.row.call_id)
        else:
            await self.books.said(view, self._node())
        return standing(self._site, self._node(), view)

    def _telling(self, view: CallView) -> Telling:
        return Telling(view, self._site.plan, view.expected or 1)


def _incoming(asked: Question, entry: Entry, node: Node) -> Incoming:
    """As the JSON API would be told of the call; `vouched` is what it takes a call for whose trust is left out."""
    return Incoming(
        entry.engine_id,
        asked.caller or None,
        asked.called,
        language=asked.language or entry.language or None,
        skills=asked.skills or entry.skills,
        trust=None if node.trust == "vouched" else node.trust,
    )


def _cause(asked: Question) -> str:
    """Why the agent's leg came to nothing, by the event's own word or by its reason."""
    for word in (asked.event, asked.reason):
        plain = word.replace("-", "_").replace("noanswer", "no_answer")
        if plain in CAUSES:
            return plain
    return "no_answer" if asked.event in ("failed", "timeout") else ""


def _flag(holds: bool) -> str:
    return "1" if holds else "0"
