"""A caller says who they are and proves it by a PIN. Tries are counted in the server before anything is checked."""

from __future__ import annotations

from dataclasses import dataclass

from config.models import SitePlan
from router.directory.contacts import unpack
from router.directory.customers import Customers
from router.directory.lookup import Candidate
from router.directory.phones import CallerIdentity
from router.directory.pins import fits
from router.directory.record import Stored


class Locked(Exception):
    """Nobody is checked for a while: too many wrong tries at this customer number, or from this telephone number."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a caller says they are: by `number` as entered, or by `customer_id` when the telephone number told it.

    `vouched`: whether anybody vouches for the telephone number the claim comes from.
    """

    call_id: str
    caller: CallerIdentity
    number: str = ""
    customer_id: str = ""
    vouched: bool = False


async def prove(customers: Customers, claim: Claim, pin: str, plan: SitePlan) -> Candidate | None:
    """The customer, if the PIN is right. None: number or PIN are wrong, and nothing tells which. Raises Locked."""
    rule, velocity, telephone = plan.identification, plan.velocity, claim.caller.key
    source = telephone or f"call:{claim.call_id}"
    strangers = "" if claim.vouched else rule.strangers
    reply = await customers.scripts.run(
        "try_pin",
        own=claim.number,
        customer_id=claim.customer_id,
        source=source,
        tries=rule.tries,
        lock_ms=rule.lock,
        lock_max_ms=max(rule.lock, rule.lock_max),
        strangers=strangers,
    )
    if reply[0] == b"LOCKED":
        raise Locked
    _, customer_id, kept, record, contacts = reply
    if not await fits(pin, kept.decode()):
        return None
    settled = await customers.scripts.run(
        "settle_pin",
        customer_id=customer_id,
        source=source,
        tries=rule.tries,
        number=telephone,
        window_ms=velocity.window,
        numbers=velocity.numbers,
        strangers=strangers,
        lock_ms=rule.lock,
    )
    return Candidate.of(Stored(record, unpack(contacts), has_pin=True, numbers=settled[1]))
