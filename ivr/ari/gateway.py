"""Our actions on the Asterisks of a site: an agent or customer is rung, a leg goes elsewhere, a leg ends."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Mapping
from zlib import crc32

from ivr.ari import commands
from ivr.ari.commands import Answer
from ivr.ari.exchange import Exchange
from ivr.ari.legs import Leg, channel_id_of
from ivr.ari.offered import asterisk_of
from ivr.ari.pace import lasting
from ivr.ari.rest import NoAnswer, NotSent
from ivr.ari.targets import NoTarget, endpoint_of
from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.vocabulary import Action, Interrupt, Originate, PromptFinished
from router.logging_ import say

ARI = Capabilities(
    interrupt=True,
    dtmf_in_hold=True,
    whisper=True,
    native_tts=False,
    amd=False,
    stir=True,
    answer_control=True,
    max_document_bytes=1_000_000,
    answer_within_ms=10_000,
)
AGAIN_MS = 500
LEAST_RING_S = 5
"""Shorter offers end by their own deadline, which takes the leg back."""

log = logging.getLogger("vipline.ari")


class AriGateway:
    """`exchanges` gives those of a site that this process speaks with now, by name."""

    capabilities = ARI

    def __init__(self, exchanges: Callable[[str], Mapping[str, Exchange]]) -> None:
        self._exchanges = exchanges

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        exchanges = self._exchanges(site)
        if not exchanges:
            raise GatewayBusy(AGAIN_MS, "no asterisk")
        if isinstance(action, Originate):
            return await self._originate(self._placed_by(exchanges, action.answered.call_id), action)
        for exchange in exchanges.values():
            if (found := exchange.by_leg.get(action.leg_id)) is not None:
                if isinstance(action, Interrupt):
                    return self._interrupt(exchange, found, action)
                return await self._terminate(exchange, found)
        if any(not exchange.asterisk.connected or not exchange.known for exchange in exchanges.values()):
            raise GatewayBusy(AGAIN_MS, "not all legs known")
        return Done(leg, gone=True)

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        """By its id, which says it all. One that has ended already was placed too."""
        exchanges = self._exchanges(site)
        if not exchanges:
            raise GatewayBusy(AGAIN_MS, "no asterisk")
        exchange = self._placed_by(exchanges, action.answered.call_id)
        channel_id = _id_of(action)
        leg = exchange.legs.get(channel_id)
        if (leg is not None and leg.seen) or channel_id in exchange.ended:
            return channel_id
        try:
            answer = await exchange.asterisk.ask(commands.channel(channel_id))
        except (NotSent, NoAnswer):
            raise GatewayBusy(AGAIN_MS, "cannot look") from None
        return channel_id if answer.ok else None

    async def is_up(self, site: str, leg: str) -> bool | None:
        """Whether a leg rings or talks; None: not known now."""
        exchanges = self._exchanges(site)
        if not exchanges or not all(one.known for one in exchanges.values()):
            return None
        return any(leg in one.legs or leg in one.by_leg for one in exchanges.values())

    def _placed_by(self, exchanges: Mapping[str, Exchange], call_id: str) -> Exchange:
        """Whose the caller is; of a callback, where its other leg is, else always the same of those that are there."""
        if (own := exchanges.get(asterisk_of(call_id))) is not None:
            return own
        for exchange in exchanges.values():
            if any(leg.call_id == call_id for leg in exchange.legs.values()):
                return exchange
        return _chosen(call_id, [one for one in exchanges.values() if one.asterisk.connected] or exchanges.values())

    async def _originate(self, exchange: Exchange, action: Originate) -> Done:
        part, channel_id = exchange.part, _id_of(action)
        if not exchange.asterisk.connected:
            raise GatewayBusy(AGAIN_MS, "asterisk away")
        try:
            endpoint = endpoint_of(action.target, part)
        except NoTarget:
            raise GatewayRefused("device", "no endpoint") from None
        call_id, seconds = action.answered.call_id, max(LEAST_RING_S, math.ceil(action.ring_timeout_ms / 1_000))
        leg = exchange.legs.get(channel_id)
        if leg is None:
            leg = exchange.add(Leg(channel_id, action.role, call_id, action.leg_id, exchange.app, endpoint))
        leg.first = action.answered
        leg.rings_until = asyncio.get_running_loop().time() + lasting(seconds - 0.5)
        args = (action.role, call_id, action.leg_id)
        try:
            answer = await exchange.asterisk.ask(
                commands.originate(channel_id, endpoint, exchange.app, args, action.caller_id, seconds)
            )
        except NotSent:
            self._unplaced(exchange, leg)
            raise GatewayBusy(AGAIN_MS, "not sent") from None
        except NoAnswer:
            raise GatewayUnknown("no answer") from None
        if answer.ok or answer.status == 409:
            return Done(channel_id)
        self._unplaced(exchange, leg)
        raise _refusal(answer)

    def _unplaced(self, exchange: Exchange, leg: Leg) -> None:
        """Nothing rings: the outbox says what that means."""
        leg.gone = True
        exchange.legs.pop(leg.channel_id, None)
        exchange.by_leg.pop(leg.leg_id, None)

    def _interrupt(self, exchange: Exchange, leg: Leg, action: Interrupt) -> Done:
        if leg.role != "caller" and not leg.up:
            return Done(leg.channel_id, gone=True)  # it will ask for its first page when it is answered
        exchange.meeting.interrupt(leg)
        exchange.begin(leg, action.route, PromptFinished())
        return Done(leg.channel_id)

    async def _terminate(self, exchange: Exchange, leg: Leg) -> Done:
        try:
            await exchange.phone.hang_up(leg)
        except NotSent:
            raise GatewayBusy(AGAIN_MS, "not sent") from None
        except NoAnswer:
            raise GatewayUnknown("no answer") from None
        return Done(leg.channel_id)


def _id_of(action: Originate) -> str:
    return channel_id_of(action.role, action.leg_id, action.answered.call_id)


def _chosen(call_id: str, exchanges: Collection[Exchange]) -> Exchange:
    return max(exchanges, key=lambda one: crc32(f"{one.name}:{call_id}".encode()))


def _refusal(answer: Answer) -> Exception:
    """400: no such endpoint; 500 `Allocation failed`: a telephone that is not registered."""
    body = answer.body if isinstance(answer.body, dict) else {}
    unreachable = "Allocation failed" in (body.get("error"), body.get("message"))
    if answer.status == 429 or (answer.status >= 500 and not unreachable):
        return GatewayBusy(AGAIN_MS, str(answer.status))
    say(log, logging.WARNING, "leg refused", status=answer.status)
    return GatewayRefused("network" if answer.status in (401, 403) else "device", str(answer.status))
