"""What an event of a call asks of its provider. Pure.

Only calls that we carry ourselves (kind `a`, and `ka`, their callbacks): of all others the media are elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivr.vocabulary import CUSTOMER, FETCHED, Action, Interrupt, Originate, Route, Terminate
from router.domain.events import Event

TYPES = (
    "call.offered|",
    "call.accepted_offer|",
    "call.returned|",
    "call.ended|",
    "call.transferred|",
    "call.owner_busy|",
)
OURS = frozenset({"a", "ka"})
STANDS = frozenset({"hold", "key"})
"""Pages that are asked for from within the holding room."""
IN_ROOM = STANDS | {"connect"}
GONE_ALREADY = frozenset({"busy", "no_answer", "device", "network"})
TO_BE_TOLD = frozenset({"overflowed_out", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """`name`: what it is called within its call; it is done once.

    `lease`: without what it is void: the offer it is for, or `=q`: the state the call must be in.
    """

    name: str
    action: Action
    lease: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known beyond the event. `page`: asked for last by the caller's leg. `provider`: who carries the call.

    `acts`: what was asked of the provider before. `endpoint`: of the agent of the offer. `stands_by`: that agent has
    taken the call on the telephone, and asks every second whether the other side is there.
    """

    letter: str
    page: str
    meta: Mapping[str, Any]
    acts: Mapping[str, str]
    endpoint: str | None
    caller_id: str
    provider: str
    offer_ms: int
    dial_ms: int
    stands_by: bool = False


def is_ours(event: Event) -> bool:
    facts = event.facts
    return facts is not None and facts.kind in OURS


def wanted(event: Event, look: Look) -> Iterator[Wanted]:
    """In the order in which they are to be done."""
    call_id = event.fields["call"]
    offer = event.entry_id if event.type == "call.offered" else event.fields.get("offer", "")
    if event.type == "call.offered":
        if look.endpoint:
            yield _ring(call_id, offer, look)
        if _was_asked(event):
            yield _to_room(call_id, offer, look)
    elif event.type == "call.accepted_offer":
        yield from _accepted(call_id, offer, event, look)
    elif event.type == "call.owner_busy":
        if look.page in IN_ROOM or (event.step and event.step.asked > 1):
            yield _send(call_id, "again", event, look, "=q")
    else:
        yield from _over(call_id, offer, event, look)


def _ring(call_id: str, offer: str, look: Look) -> Wanted:
    answered, status = Route("whisper", call_id, offer), Route("status-agent", call_id, offer)
    target = look.endpoint or ""
    awaited = look.page in STANDS
    ring = Originate(offer, "agent", target, look.caller_id, answered, status, look.offer_ms, awaited)
    return Wanted(f"ring:{offer}", ring, offer)


def _accepted(call_id: str, offer: str, event: Event, look: Look) -> Iterator[Wanted]:
    if _is_callback(event):
        leg_id = offer + CUSTOMER
        answered, status = Route("callback", call_id, leg_id), Route("status-callback", call_id, leg_id)
        phone = str(look.meta.get("phone") or "")
        if phone:
            dial = Originate(leg_id, "callback", phone, look.caller_id, answered, status, look.dial_ms)
            yield Wanted(f"dial:{offer}", dial, offer)
    elif look.page not in IN_ROOM:
        yield _to_room(call_id, offer, look)
    if event.fields.get("listens"):
        yield Wanted(f"join:{offer}", Interrupt(offer, Route("join", call_id, offer + FETCHED)), offer)


def _over(call_id: str, offer: str, event: Event, look: Look) -> Iterator[Wanted]:
    """No leg of an offer that has passed is left ringing; and whose time is up is told, caller or agent."""
    gone = event.type == "call.returned" and event.fields["cause"] in GONE_ALREADY
    hears = event.type == "call.ended" and event.fields["was"] == "b" and look.stands_by and _is_callback(event)
    if offer and f"do:ring:{offer}" in look.acts and not gone and not hears:
        yield stop(offer)
    dialled = offer and f"do:dial:{offer}" in look.acts
    if dialled and event.type in ("call.returned", "call.ended") and event.fields.get("was") != "c":
        yield stop(offer + CUSTOMER)
    if event.type == "call.ended" and event.fields["outcome"] in TO_BE_TOLD and event.fields["was"] in "wob":
        assert event.facts is not None
        if event.facts.kind == "a":
            yield _send(call_id, "exit", event, look, "=e")


def _is_callback(event: Event) -> bool:
    return event.facts is not None and event.facts.kind == "ka"


def stop(leg_id: str) -> Wanted:
    return Wanted(f"stop:{leg_id}", Terminate(leg_id))


def _to_room(call_id: str, offer: str, look: Look) -> Wanted:
    """Out of what the caller hears, to where the agent's leg fetches them; once an offer."""
    return Wanted(f"room:{offer}", Interrupt(caller_leg(call_id, look.acts), Route("connect", call_id, offer)), offer)


def _send(call_id: str, page: str, event: Event, look: Look, lease: str) -> Wanted:
    route = Route(page, call_id, event.entry_id)
    return Wanted(f"{page}:{event.entry_id}", Interrupt(caller_leg(call_id, look.acts), route), lease)


def caller_leg(call_id: str, acts: Mapping[str, str]) -> str:
    """The caller's leg; of a callback's customer who waits again, the leg that was dialled."""
    dialled = [name.removeprefix("do:dial:") for name in acts if name.startswith("do:dial:")]
    return max(dialled, key=_in_order) + CUSTOMER if dialled else call_id


def _in_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _was_asked(event: Event) -> bool:
    """Whether the caller heard the question when the agent was found: asked, and no answer noted."""
    parts = event.fields.get("step", "").split(";")
    return len(parts) == 7 and parts[5] not in ("", "0") and parts[6] == ""
