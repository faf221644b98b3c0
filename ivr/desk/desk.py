"""Hears a page or a report, runs the engine's transition, and answers with what is heard next.

An answered step is answered again by the same bytes; one that is over, or never was, changes nothing and is told where
the call stands.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from ivr.desk.agents import AgentPages
from ivr.desk.callers import CallerPages
from ivr.desk.reports import take_report
from ivr.desk.steps import NO_WAY_OUT, WAY_OUT, Steps, token_of
from ivr.flow.perform import perform
from ivr.scene import Scene
from ivr.vocabulary import CUSTOMER, CallOffered, Envelope, Event, Script
from router.domain.errors import Refused, StepGone, StepRepeated
from router.domain.events import Told
from router.metrics.definitions import HOOKS_REFUSED
from router.site import Site
from router.store.reading import fields

ASKED_AGAIN = frozenset({"join"})
"""Pages that tell how things stand, whenever they are asked."""

Render = Callable[[Script], bytes]
Page = Callable[[str, str, str, Event], Awaitable[Scene]]
"""(call, step, token, event) → what is heard next."""


def wall_clock() -> int:
    return int(time.time() * 1000)


class Desk:
    """One site's, in one process. `clock` tells Unix ms: greetings and waits are told by it."""

    def __init__(self, site: Site, clock: Callable[[], int] = wall_clock) -> None:
        self._site = site
        self._clock = clock
        self._steps = Steps(site.channel, site.keys)
        self._callers = CallerPages(site, clock)
        self._agents = AgentPages(site, clock)
        self._pages: dict[str, Page] = {**self._callers.pages, **self._agents.pages}

    @property
    def site(self) -> Site:
        """For whoever decides without documents."""
        return self._site

    @property
    def language(self) -> str:
        return self._site.plan.language

    async def hear(self, page: str, call_id: str, step: str, event: Event, envelope: Envelope, render: Render) -> bytes:
        """The document that answers a request. Raises what the channel raises: then nothing is known, ask again."""
        token = token_of(page, step)
        try:
            scene = await self._answer(page, call_id, step, token, event, envelope)
        except StepRepeated:
            if (document := await self._steps.answered(call_id, token)) is not None:
                return document
            scene = await self._where(page, call_id, step, envelope)
        except StepGone:
            return render(perform(await self._where(page, call_id, step, envelope)))
        document = render(perform(scene))
        if page in ASKED_AGAIN or scene.kind == "busy":  # who was turned away leaves nothing here
            return document
        self._steps.remember(call_id, token, document, **_noted(page, scene, self._clock()))
        return document

    async def note(self, event: Event, envelope: Envelope) -> None:
        """A report that nobody waits for. Again, late or out of order it finds nothing to do: the engine is fenced."""
        await take_report(self._site.engine, event, envelope)

    def turned_away(self, provider: str, cause: str) -> None:
        """A request for the site was refused; `cause` is one of a few words."""
        self._site.local.count(HOOKS_REFUSED, f"{provider}: {cause}")

    async def dialled(self, call_id: str) -> str | None:
        """The provider's id of the customer's leg of a callback, the newest; None when nobody was dialled."""
        acts = await self._site.channel.call("HGETALL", self._site.keys.own(f"o:{call_id}"))
        legs = [leg for name, leg in fields(acts).items() if name.startswith("leg:") and name.endswith(CUSTOMER)]
        return legs[-1] if legs else None

    async def have_met(self, call_id: str, offer_id: str) -> bool:
        """Whether the caller has come to the agent of that offer."""
        return await self._callers.have_met(call_id, offer_id)

    async def _answer(self, page: str, call_id: str, step: str, token: str, event: Event, envelope: Envelope) -> Scene:
        try:
            if isinstance(event, CallOffered):
                return await self._callers.arrive(call_id, event, envelope.provider)
            if page == "over" and envelope.role == "agent":
                return await self._agents.over(call_id, step, token, event)
            return await self._pages[page](call_id, step, token, event)
        except (StepRepeated, StepGone):
            raise
        except (Refused, KeyError):
            return await self._where(page, call_id, step, envelope)

    async def _where(self, page: str, call_id: str, step: str, envelope: Envelope) -> Scene:
        """Harmless: how things stand."""
        if envelope.role == "agent":
            return await self._agents.where(call_id, step)
        if envelope.role == "callback" and not await self._agents.is_customers_leg(call_id, step):
            return Scene("goodbye", call_id, 0, self.language)
        return await self._callers.where(call_id, in_room=page in ("hold", "key"))


def _noted(page: str, scene: Scene, now_ms: int) -> dict[str, str]:
    """What is to be known later of this answer: by the requests that follow, and by whoever counts what was said."""
    noted = {"n": "1", "at": page} if page == "voice" else {}
    if scene.kind == "exit" and scene.callback_key:
        noted["unclear"] = NO_WAY_OUT if scene.again else WAY_OUT
    elif scene.kind == "menu" and scene.again:
        noted["unclear"] = scene.reason
    if scene.wait is not None:
        noted["told"] = Told(scene.told_ms or now_ms, scene.wait.p50, scene.wait.p90).text()
    if scene.position is not None:
        noted["place"] = str(scene.position)
    if scene.kind == "question" and "" in scene.options:
        noted["uncallable"] = "1"
    return noted
