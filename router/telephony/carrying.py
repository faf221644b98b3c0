"""Carries one action out: claim, send, settle. What may have been sent is looked for before it is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from ivr.vocabulary import Originate
from router.domain.errors import Refused
from router.logging_ import say
from router.site import Site
from router.telephony.actions import CUSTOMER, Wanted, stop
from router.telephony.claims import Claim, Claims, Outcome
from router.telephony.gateway import Done, Gateway, GatewayBusy, GatewayRefused, GatewayUnknown

PAUSE_S, LONGEST_S = 0.25, 5.0
TRIES = 8

log = logging.getLogger("vipline.telephony")


class Carrier:
    """One site's actions, for one term of leading."""

    def __init__(self, site: Site, claims: Claims, pause_s: float = PAUSE_S) -> None:
        self._site = site
        self._claims = claims
        self._pause_s = pause_s

    async def carry_out(self, call_id: str, wanted: Wanted, gateway: Gateway) -> None:
        """Returns when it is done, refused or not wanted any more; what never becomes known is left to deadlines."""
        for tries in range(TRIES):
            started = time.monotonic()
            claim = await self._claims.claim(call_id, wanted.name, wanted.lease)
            if claim.word in ("DONE", "VOID"):
                return
            pause_s = min(self._pause_s * 2**tries, LONGEST_S)
            if claim.word == "BUSY":
                await asyncio.sleep(self._claims.claim_ms / 1000 / TRIES + pause_s)
                continue
            if time.monotonic() - started > self._claims.claim_ms / 2000:
                continue  # we slept; somebody else may have claimed it since
            try:
                done = await self._send(call_id, wanted, claim, gateway)
            except GatewayBusy as busy:
                if claim.word == "OK":
                    await self._claims.settle(call_id, wanted.name, wanted.lease, "free")
                await asyncio.sleep(max(pause_s, busy.retry_after_ms / 1000))
            except GatewayUnknown:
                await asyncio.sleep(pause_s)
            except GatewayRefused as refused:
                await self._claims.settle(call_id, wanted.name, wanted.lease, "refused")
                await self._give_up(call_id, wanted, refused)
                return
            else:
                await self._settle(call_id, wanted, done, gateway)
                return
        say(log, logging.ERROR, "action given up", call=call_id, action=wanted.name.partition(":")[0])

    async def _send(self, call_id: str, wanted: Wanted, claim: Claim, gateway: Gateway) -> Done:
        action, name = wanted.action, self._site.name
        if claim.word == "VOID_SENT" and not isinstance(action, Originate):
            return Done(gone=True)
        if isinstance(action, Originate):
            if claim.word != "OK" and (leg := await gateway.find(name, action, claim.since_ms)) is not None:
                return Done(leg)
            return Done(gone=True) if claim.word == "VOID_SENT" else await gateway.perform(name, action, None)
        key = f"{self._site.keys.root}:o:{call_id}"
        known = await self._site.channel.call("HGET", key, f"leg:{action.leg_id}")
        return await gateway.perform(name, action, known.decode() if known else None)

    async def _settle(self, call_id: str, wanted: Wanted, done: Done, gateway: Gateway) -> None:
        """A leg that was placed for a lease which passed meanwhile is taken back at once."""
        outcome: Outcome = "gone" if done.gone else "done"
        leg_id = wanted.action.leg_id
        word = await self._claims.settle(call_id, wanted.name, wanted.lease, outcome, leg_id, done.leg)
        if word == "PASSED" and isinstance(wanted.action, Originate) and done.leg:
            await self.carry_out(call_id, stop(leg_id), gateway)

    async def _give_up(self, call_id: str, wanted: Wanted, refused: GatewayRefused) -> None:
        """The provider will never ring them: as if the leg had failed."""
        say(log, logging.WARNING, "action refused", call=call_id, cause=refused.cause, code=refused.code)
        if isinstance(wanted.action, Originate):
            with contextlib.suppress(Refused):
                await self._site.engine.fail_leg(call_id, wanted.action.leg_id.removesuffix(CUSTOMER), refused.cause)
