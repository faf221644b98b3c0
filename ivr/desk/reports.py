"""What a provider reports of a leg → the engine's transition. Refusals mean that it is over already."""

from __future__ import annotations

import contextlib

from ivr.vocabulary import CallEnded, Envelope, Event, LegFailed
from router.domain.errors import OfferGone, Refused, WrongState
from router.store.engine import Engine

CUSTOMER = "c"
"""The customer's leg of a callback is the offer's id with this at its end; the offer's own is the agent's leg."""


def offer_of(leg_id: str) -> str:
    return leg_id.removesuffix(CUSTOMER)


async def take_report(engine: Engine, event: Event, envelope: Envelope) -> None:
    """Only an end is news: of ringing and answering we hear by the pages that are asked for."""
    with contextlib.suppress(Refused):
        if isinstance(event, CallEnded):
            if envelope.role == "agent":
                await agent_left(engine, envelope.call_id, envelope.leg_id)
            else:
                await engine.abandon_call(envelope.call_id)
        elif isinstance(event, LegFailed):
            await leg_failed(engine, envelope.call_id, offer_of(envelope.leg_id), event.cause)


async def agent_left(engine: Engine, call_id: str, offer_id: str) -> None:
    """The agent hung up: after a talk that is its end, before it a no."""
    try:
        await engine.complete_call(call_id, offer_id=offer_id)
    except WrongState:
        await engine.fail_leg(call_id, offer_id, "declined")


async def leg_failed(engine: Engine, call_id: str, offer_id: str, cause: str) -> None:
    """Our own cancel is no failure. A leg that breaks in mid-talk leaves its caller waiting at the old place."""
    if cause == "canceled":
        return
    try:
        await engine.fail_leg(call_id, offer_id, cause)
    except OfferGone:
        if cause in ("device", "network"):
            await engine.lose_leg(call_id, offer_id, cause)
