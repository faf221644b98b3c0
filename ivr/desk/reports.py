"""What a provider reports of a leg → the engine's transition. Refusals mean that it is over already."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine
from typing import Any

from ivr.vocabulary import CUSTOMER, CallEnded, Envelope, Event, LegFailed
from router.callbacks import is_callback
from router.domain.errors import OfferGone, Refused, UnknownCall, WrongState
from router.store.begun import Begun
from router.store.engine import Engine


def offer_of(leg_id: str) -> str:
    return leg_id.removesuffix(CUSTOMER)


async def take_report(engine: Engine, event: Event, envelope: Envelope) -> None:
    """Only an end is news: of ringing and answering we hear by the pages that are asked for."""
    with contextlib.suppress(Refused):
        if isinstance(event, CallEnded):
            if envelope.role == "agent":
                await agent_left(engine, envelope.call_id, envelope.leg_id)
            elif envelope.role == "callback":
                await customer_left(engine, envelope.call_id, offer_of(envelope.leg_id), "no_answer")
            else:
                await engine.abandon_call(envelope.call_id)
        elif isinstance(event, LegFailed):
            if envelope.role == "callback":
                await customer_left(engine, envelope.call_id, offer_of(envelope.leg_id), event.cause)
            else:
                await leg_failed(engine, envelope.call_id, envelope.leg_id, event.cause)


async def agent_left(engine: Engine, call_id: str, offer_id: str) -> None:
    """The agent hung up: after a talk that is its end, before it a no."""
    await _whichever_holds(
        engine.complete_call(call_id, offer_id=offer_id), engine.give_back(call_id, offer_id, "declined")
    )


async def customer_left(engine: Engine, call_id: str, offer_id: str, cause: str) -> None:
    """The leg we dialled is over: not answered, hung up, or hung up while its customer waited again.

    One of an earlier offer says nothing of a callback that stands in line.
    """
    try:
        await engine.complete_call(call_id, offer_id=offer_id)
    except (OfferGone, WrongState):
        row = await engine.read_call(call_id)
        if row is None:
            raise UnknownCall from None
        if not is_callback(row):
            await engine.abandon_call(call_id)
        elif row.letter == "b" and row.offer_id == offer_id:
            await engine.fail_leg(call_id, offer_id, cause)


def lost(cause: str) -> bool:
    """Whether a leg broke, rather than somebody hung up."""
    return cause in ("device", "network")


async def leg_failed(engine: Engine, call_id: str, offer_id: str, cause: str) -> None:
    """Our own cancel is no failure. A leg that breaks in mid-talk leaves its caller waiting at the old place."""
    if cause == "canceled":
        return
    broke = [engine.lose_leg(call_id, offer_id, cause)] if lost(cause) else []
    await _whichever_holds(*broke, engine.give_back(call_id, offer_id, cause))


async def _whichever_holds(*transitions: Coroutine[Any, Any, str]) -> None:
    """In one flush; of what became of the offer before, the engine knows best which of them is meant."""
    for begun in [Begun(transition) for transition in transitions]:
        with contextlib.suppress(Refused):
            await begun
