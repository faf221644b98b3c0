"""What Twilio sends → our events. Pure; which page was asked says what kind of thing happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime

from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    CallOffered,
    Envelope,
    Event,
    HoldEnd,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    LegAnswered,
    LegFailed,
    LegFailure,
    LegRinging,
    PromptFinished,
    Role,
)
from router.directory.trust import trust_of_verstat

PROVIDER = "twilio"
KEYED = frozenset({"menu", "identify", "pin", "question", "key", "survey", "accept"})
"""Pages that keys are sent to."""
WAITING = frozenset({"hold", "key"})
"""Pages whose documents play to a caller who stands in a queue."""
OF_AGENT = frozenset({"whisper", "accept", "join", "bridged"})
"""Pages of an agent's leg; their step is the leg's id."""

_HOLD_END: Mapping[str, HoldEnd] = {
    "bridged": "bridged",
    "redirected-from-bridged": "bridged",
    "redirected": "redirected",
    "leave": "left",
    "bridging-in-process": "left",
    "hangup": "hangup",
    "queue-full": "full",
}

OVER = frozenset({"completed", "failed", "canceled", "busy", "no-answer"})

# By the final SIP answer, which tells more than Twilio's word does: a phone that is off is not one that rang out.
_BY_SIP: Mapping[str, LegFailure] = {
    **dict.fromkeys(("486", "600"), "busy"),
    **dict.fromkeys(("603", "607"), "declined"),
    **dict.fromkeys(("404", "410", "415", "480", "484", "488", "604", "606"), "device"),
}
_BY_WORD: Mapping[str, LegFailure] = {
    "busy": "busy",
    "no-answer": "no_answer",
    "canceled": "canceled",
    "failed": "network",
}


class Fields:
    """What one request carried. A name that occurs twice counts as absent: nothing is decided by a smuggled one."""

    __slots__ = ("_one", "pairs")

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = pairs
        self._one: dict[str, str] = dict(pairs)
        if len(self._one) != len(pairs):
            names = Counter(name for name, _ in pairs)
            self._one = {name: value for name, value in pairs if names[name] == 1}

    def get(self, name: str) -> str:
        return self._one.get(name, "")

    def every(self, name: str) -> list[str]:
        return [value for found, value in self.pairs if found == name]


def event_of(page: str, fields: Fields) -> Event:
    """What a request for `page`'s document tells."""
    if page in KEYED:
        digits = fields.get("Digits")
        return InputDigits(digits) if digits else InputNone()
    if page == "hold":
        return HoldTick()
    if page == "voice":
        return CallOffered(
            from_number=fields.get("From") or None,
            to_number=fields.get("To"),
            trust=trust_of_verstat(fields.every("StirVerstat")),
            diverted_from=fields.get("ForwardedFrom") or None,
        )
    if page == "left":
        ended = fields.get("CallStatus") in OVER  # Twilio tells of a talk then, as if somebody still listened
        return HoldLeft("hangup" if ended else _HOLD_END.get(fields.get("QueueResult"), "error"))
    if page in ("whisper", "callback"):
        return LegAnswered()
    if page == "bridged":
        return BridgeUp()
    if page == "over":
        return _end_of_dial(fields)
    return PromptFinished()


def _end_of_dial(fields: Fields) -> Event:
    """A finished talk, or why there was none."""
    status = fields.get("DialCallStatus")
    if fields.get("CallStatus") == "failed":
        return LegFailed("network")
    if status in ("completed", "answered") or fields.get("DialBridged") == "true":
        return BridgeDown()
    return LegFailed(failure_of(status, fields.get("DialSipResponseCode")))


def failure_of(status: str, sip: str) -> LegFailure:
    """Why a leg came to nothing. A cancel is ours, whatever the phone said; a ring that timed out carries 487."""
    if status == "canceled":
        return "canceled"
    return _BY_SIP.get(sip) or _BY_WORD.get(status, "network")


def report_of(role: Role, fields: Fields) -> Event | None:
    """What a status callback tells; None for what nobody needs to know (queued, initiated)."""
    status = fields.get("CallStatus")
    if status == "ringing":
        return LegRinging()
    if status in ("in-progress", "answered"):
        return LegAnswered()
    if status == "completed":
        seconds = fields.get("CallDuration")
        return CallEnded("normal", int(seconds) * 1_000 if _is_count(seconds) else None)
    if status not in _BY_WORD:
        return None
    cause = failure_of(status, fields.get("SipResponseCode"))
    return CallEnded(cause) if role == "caller" else LegFailed(cause)


def envelope_of(site: str, role: Role, call_id: str, leg_id: str, key: str, fields: Fields) -> Envelope:
    """`key` tells this request from the leg's others; Twilio's own number of it, where there is one, does it better."""
    sequence = fields.get("SequenceNumber")
    counted = _is_count(sequence)
    return Envelope(
        provider=PROVIDER,
        site=site,
        call_id=call_id,
        leg_id=leg_id,
        role=role,
        event_key=f"{fields.get('CallSid')}:{sequence if counted else key}",
        seq=int(sequence) if counted else None,
        occurred_ms=_when(fields.get("Timestamp")),
    )


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 9


def _when(word: str) -> int | None:
    """RFC 2822 → Unix ms."""
    try:
        return int(parsedate_to_datetime(word).timestamp() * 1_000) if word else None
    except (ValueError, OverflowError):
        return None
