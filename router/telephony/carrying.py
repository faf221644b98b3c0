"""Carries one action out: claim, send, settle. What may have been sent is looked for before it is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from weakref import WeakValueDictionary

from ivr.gateway import Done, Gateway, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.vocabulary import CUSTOMER, Originate, Terminate
from router.domain.errors import Refused
from router.logging_ import say
from router.site import Site
from router.telephony.actions import Wanted, stop
from router.telephony.claims import Claim, Claims
from router.telephony.counters import count, reconciled
from router.telephony.pace import Pace

PAUSE_S, LONGEST_S = 0.25, 5.0
PATIENCE_S = 120.0
"""How long a leg is tried to be interrupted or ended; and after its last ring, to be found."""
STRAY_LOOKS = 8

log = logging.getLogger("vipline.telephony")


class Carrier:
    """One site's actions, for one term of leading."""

    def __init__(self, site: Site, claims: Claims, pace: Pace, pause_s: float = PAUSE_S) -> None:
        self._site = site
        self._claims = claims
        self._pace = pace
        self._pause_s = pause_s
        self._queued = 0
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def carry_out(self, call_id: str, wanted: Wanted, gateway: Gateway) -> None:
        """Returns when it is done, refused or not wanted any more; what never becomes known is left to deadlines."""
        began, tries = self._pace.now(), 0
        while True:
            asked = self._pace.now()
            claim = await self._claims.claim(call_id, wanted.name, wanted.lease)
            if claim.word in ("DONE", "VOID"):
                if claim.word == "VOID":
                    count(self._site, wanted.action, "void")
                return
            pause_s = min(self._pause_s * 2 ** min(tries, 8), LONGEST_S)
            tries += 1
            if claim.word == "BUSY":
                await self._pace.sleep(self._claims.claim_ms / 8_000 + pause_s)
                continue
            sent = claim.word != "OK"
            try:
                async with self._alone(wanted):
                    # Frozen in between, we may have been taken for dead, and somebody be at it: half the claim is ours.
                    left_s = self._claims.claim_ms / 2_000 - (self._pace.now() - asked)
                    if left_s <= 0:
                        continue
                    async with asyncio.timeout(left_s):
                        done = await self._send(call_id, wanted, claim, gateway)
                    word = await self._settle(call_id, wanted, done)
            except GatewayBusy as busy:
                if not sent:
                    await self._claims.settle(call_id, wanted.name, wanted.lease, "free")
                pause_s = max(pause_s, busy.retry_after_ms / 1000)
            except (GatewayUnknown, TimeoutError):
                sent = True
            except GatewayRefused as refused:
                await self._claims.settle(call_id, wanted.name, wanted.lease, "refused")
                count(self._site, wanted.action, "refused")
                await self._refused(call_id, wanted, refused)
                return
            else:
                await self._take_back(call_id, wanted, done, word, gateway)
                return
            waited_s = self._pace.now() + pause_s - began
            if isinstance(wanted.action, Originate) and waited_s > wanted.action.ring_timeout_ms / 2_000:
                await self._give_back(call_id, wanted.action)
            if waited_s > _patience_s(wanted, sent):
                count(self._site, wanted.action, "given_up")
                say(log, logging.ERROR, "action given up", call=call_id, action=wanted.name.partition(":")[0])
                return
            await self._pace.sleep(pause_s)

    async def _send(self, call_id: str, wanted: Wanted, claim: Claim, gateway: Gateway) -> Done:
        action, name = wanted.action, self._site.name
        if claim.word == "VOID_SENT" and not isinstance(action, Originate):
            return Done(gone=True)
        if isinstance(action, Originate):
            if claim.word != "OK":
                leg = await gateway.find(name, action, claim.since_ms)
                if leg is not None and await self._claims.is_another(leg, action.leg_id):
                    leg = None  # to the same telephone, for a later offer
                reconciled(self._site, "absent" if leg is None else "found")
                if leg is not None:
                    return Done(leg)
            return Done(gone=True) if claim.word == "VOID_SENT" else await gateway.perform(name, action, None)
        return await gateway.perform(name, action, await self._claims.leg(call_id, action.leg_id))

    @property
    def queued(self) -> int:
        """How many rings wait for another of the same telephone to be settled."""
        return self._queued

    @asynccontextmanager
    async def _alone(self, wanted: Wanted) -> AsyncIterator[None]:
        """One ring of a telephone at a time: who looks for one must not take another for it, not written down yet."""
        if not isinstance(wanted.action, Originate):
            yield
            return
        line = self._lines.setdefault(wanted.action.target, asyncio.Lock())
        self._queued += 1
        try:
            await line.acquire()
        finally:
            self._queued -= 1
        try:
            yield
        finally:
            line.release()

    async def _settle(self, call_id: str, wanted: Wanted, done: Done) -> str:
        outcome: Literal["gone", "done"] = "gone" if done.gone else "done"
        count(self._site, wanted.action, outcome)
        leg_id = wanted.action.leg_id
        return await self._claims.settle(call_id, wanted.name, wanted.lease, outcome, leg_id, done.leg)

    async def _take_back(self, call_id: str, wanted: Wanted, done: Done, word: str, gateway: Gateway) -> None:
        """A leg that was placed for a lease which passed meanwhile, or by one whom another has replaced."""
        leg_id = wanted.action.leg_id
        if not isinstance(wanted.action, Originate) or not done.leg:
            return
        if word == "PASSED":
            await self.carry_out(call_id, stop(leg_id), gateway)
        elif word == "LOST":
            await self._end_stray(call_id, leg_id, done.leg, gateway)

    async def _end_stray(self, call_id: str, leg_id: str, ours: str, gateway: Gateway) -> None:
        """We were taken for dead while we placed it. Whoever took over has found this leg, or placed another."""
        for _ in range(STRAY_LOOKS):
            known = await self._claims.leg(call_id, leg_id)
            if known == ours:
                return
            if known is not None:
                break
            await self._pace.sleep(self._claims.claim_ms / 8_000)
        else:
            return
        reconciled(self._site, "stray")
        say(log, logging.WARNING, "leg placed twice, ours is ended", call=call_id)
        with contextlib.suppress(GatewayBusy, GatewayRefused, GatewayUnknown):
            await gateway.perform(self._site.name, Terminate(leg_id), ours)

    async def _refused(self, call_id: str, wanted: Wanted, refused: GatewayRefused) -> None:
        """The provider will never ring them: as if the leg had failed."""
        say(log, logging.WARNING, "action refused", call=call_id, cause=refused.cause, code=refused.code)
        if isinstance(wanted.action, Originate):
            with contextlib.suppress(Refused):
                await self._site.engine.fail_leg(call_id, wanted.action.leg_id.removesuffix(CUSTOMER), refused.cause)

    async def _give_back(self, call_id: str, action: Originate) -> None:
        """A provider that is away is nobody's fault: the caller goes on, and the agent rests uncounted.

        Not if the leg was heard of meanwhile.
        """
        offer_id = action.leg_id.removesuffix(CUSTOMER)
        documents, agent = self._site.keys.documents(call_id), action.role == "agent"
        if agent and await self._site.channel.call("HEXISTS", documents, f"whisper@{offer_id}"):
            return
        with contextlib.suppress(Refused):
            await self._site.engine.decline_offer(call_id, "", offer_id, "network", only_in="o" if agent else "d")


def _patience_s(wanted: Wanted, sent: bool) -> float:
    """A leg that may have been placed is looked for as long as it may ring, and longer."""
    if not isinstance(wanted.action, Originate):
        return PATIENCE_S
    ring_s = wanted.action.ring_timeout_ms / 1000
    return ring_s + PATIENCE_S if sent else ring_s / 2
