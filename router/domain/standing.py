"""How sure we are of a caller: what a number alone may claim, what is suspicious, who is asked to prove it. Pure."""

from __future__ import annotations

from config.identity import TRUST, Asked
from config.models import SitePlan
from config.values import spoken
from router.domain.customer import Caller, CallFacts

FAILED, PROVED = "failed", "verified"
MANY_CALLS, MANY_NUMBERS, ATTESTATION_FAILED = "many_calls", "many_numbers", "attestation_failed"
_UNATTESTED = ("gateway", "none")


def believed(caller: Caller | None, call: CallFacts, site: SitePlan) -> str:
    """The trust that counts, one of `config.models.Vouching`: after a PIN, the numbering plan, and what went before."""
    if call.proof:
        return PROVED
    trust = call.trust or "vouched"
    if trust == "none" and not _is_attested(call.from_number or "", site):
        return "vouched"
    better = site.trust.reached_before
    if caller and caller.reached and better and trust in _UNATTESTED:
        return min(trust, better, key=TRUST.index)
    return trust


def _is_attested(number: str, site: SitePlan) -> bool:
    """Whether the network vouches for numbers of this kind at all. What is no number is never believed for that."""
    return not number.startswith("+") or number.startswith(site.trust.attested)


def flags_of(caller: Caller | None, call: CallFacts, site: SitePlan) -> tuple[tuple[str, ...], list[str]]:
    """What is suspicious of this call, and in words. Those it has already it keeps."""
    rule, found, why = site.velocity, list(call.flags), list[str]()
    if call.trust == FAILED and not call.proof:
        found.append(ATTESTATION_FAILED)
    if 0 < rule.calls <= call.recent:
        found.append(MANY_CALLS)
        why.append(f"flagged: {call.recent} calls from this number within {spoken(rule.window)}")
    if caller and 0 < rule.numbers <= caller.numbers:
        found.append(MANY_NUMBERS)
        why.append(f"flagged: this customer from {caller.numbers} numbers within {spoken(rule.window)}")
    return tuple(dict.fromkeys(found)), why


def is_trusted(trust: str, flags: tuple[str, ...], site: SitePlan) -> bool:
    """Whether the caller has the customer's VIP rights."""
    if trust == FAILED or trust in site.trust.loses_vip_rights:
        return False
    return not (site.velocity.loses_vip_rights and (MANY_CALLS in flags or MANY_NUMBERS in flags))


def kind_of_doubt(caller: Caller | None, call: CallFacts, site: SitePlan) -> Asked | None:
    """What there is to prove; None: we are sure."""
    if call.proof:
        return None
    if call.from_number is None or call.trust == "withheld":
        return "withheld"
    trust = believed(caller, call, site)
    if caller is None or trust == FAILED:
        return "unknown"
    if caller.shared or trust in site.trust.loses_vip_rights or trust not in site.trust.greet_by_name:
        return "unproven"
    return None


def asks_anybody(call: CallFacts, site: SitePlan) -> tuple[Asked, ...]:
    """Who is asked for customer number and PIN on the number dialled."""
    number = site.numbers.get(call.to)
    return site.identification.ask if number is None or number.identify is None else number.identify


def is_asked(caller: Caller | None, call: CallFacts, site: SitePlan) -> bool:
    """Whether this caller is."""
    asked = asks_anybody(call, site)
    return bool(asked) and kind_of_doubt(caller, call, site) in asked
