"""Who is it? A customer number, then a PIN. Whatever is pressed, or not, the caller goes on; the clock has begun."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from ivr.desk.arrival import Arrivals, chosen
from ivr.desk.telling import Telling
from ivr.scene import Notice, Scene
from ivr.vocabulary import Event, InputDigits
from router.directory.lookup import Candidate, LookUp
from router.directory.phones import identify
from router.directory.proving import Claim, Locked, prove
from router.domain.errors import UnknownCall
from router.routing import Recognised, recognise, unpack

CHECK_S = 2.5
"""A check that takes longer (many at once) is none: carriers wait no more than some seconds for the document."""
SKIP = "*"
MAX_DIGITS = 20


def keys_of(event: Event) -> str:
    """The digits entered; empty: on without."""
    pressed = event.digits if isinstance(event, InputDigits) else ""
    if SKIP in pressed:
        return ""
    return "".join(key for key in pressed if key in "0123456789")[:MAX_DIGITS]


class Identifying(Arrivals):
    """The pages `identify` (the customer number) and `pin`."""

    async def _identify(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        number = keys_of(event)
        if not number:
            return await self._without(await self.view(call_id, token))
        claim = {"claimed": number, "asked": "pin"}
        telling = await self.after(call_id, self.engine.amend_call(call_id, claim, token))
        return self.now(telling, in_room=False)

    async def _pin(self, call_id: str, step: str, token: str, event: Event) -> Scene:
        telling = await self.view(call_id, token)
        pin = keys_of(event)
        if not pin or telling.row.letter != "g":
            return await self._without(telling)
        try:
            async with asyncio.timeout(CHECK_S):
                candidate = await prove(
                    self.site.customers, _claim(telling, self.site.plan.region), pin, self.site.plan
                )
        except (Locked, TimeoutError):
            return await self._without(telling, "identify.locked")
        return await (self._again(telling) if candidate is None else self._proved(telling, candidate))

    async def _again(self, telling: Telling) -> Scene:
        """The same words whether the number or the PIN was wrong; both are asked for again."""
        call_id, tries = telling.row.call_id, int(telling.meta.get("tries") or 0) + 1
        if tries >= self.site.plan.identification.tries:
            return await self._without(telling, "identify.wrong")
        facts: dict[str, Any] = {"tries": tries}
        if "claimed" in telling.meta:
            facts["asked"] = "number"
        telling = await self.after(call_id, self.engine.amend_call(call_id, facts))
        return replace(self.now(telling, in_room=False), again=True)

    async def _without(self, telling: Telling, notice: Notice = "") -> Scene:
        """On with what the telephone number says."""
        if telling.row.letter != "g":
            return self.now(telling, in_room=False)
        incoming = chosen(telling.row.call_id, telling.meta, None)
        view = await self._entered(incoming, await recognise(self.site, incoming))
        if view is None:
            raise UnknownCall
        telling = self.telling(view)
        return telling.entered(self.told(telling), notice=notice)

    async def _proved(self, telling: Telling, candidate: Candidate) -> Scene:
        """Surely this customer: ladder and greeting are theirs, and the place counts from the first second."""
        call_id, meta = telling.row.call_id, telling.meta
        facts = replace(unpack(call_id, meta)[1], proof="pin")
        known = Recognised(
            identify(meta.get("from"), self.site.plan.region), LookUp((candidate,), "directory", 0), facts
        )
        view = await self._entered(replace(chosen(call_id, meta, None), proof="pin"), known)
        if view is None:
            raise UnknownCall
        telling = self.telling(view)
        if not telling.meta.get("greet_by_name"):
            return telling.entered(self.told(telling))
        return telling.first(self.clock(), self.told(telling))


def _claim(telling: Telling, region: str) -> Claim:
    meta = telling.meta
    return Claim(
        telling.row.call_id,
        identify(meta.get("from"), region),
        number=str(meta.get("claimed") or ""),
        customer_id="" if "claimed" in meta else str((meta.get("customer") or {}).get("customer_id") or ""),
        vouched=meta.get("trust") in (None, "verified", "partial"),
    )
