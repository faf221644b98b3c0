"""What jambonz sends → our events. Pure. What a gather heard is in its `reason`; all else is said by the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from config.telephony import Trunk
from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    CallOffered,
    Envelope,
    Event,
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
from router.directory.trust import Trust, says_failed, trust_of_header

PROVIDER = "jambonz"
OF_AGENT = frozenset({"whisper", "accept", "join", "lost"})
"""Pages of an agent's leg; their step is the leg's id."""
ASKED_AS: Mapping[str, str] = {"lost": "over", "unmet": "left"}
"""What a verb leads to that has failed: the page that its success would have led to is told otherwise."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9*#A-Da-d]{1,64}")
_INTERNATIONAL = re.compile(r"[1-9][0-9]{6,14}")
_VOUCHING = frozenset({"p-asserted-identity", "from"})
_ADDRESS = re.compile(r"(?:sips?|tel):([^@;>\s]+)", re.IGNORECASE)

_BY_SIP: Mapping[int, LegFailure] = {
    **dict.fromkeys((486, 600), "busy"),
    **dict.fromkeys((603, 607), "declined"),
    **dict.fromkeys((404, 410, 415, 480, 484, 488, 604, 606), "device"),
}
_BY_WORD: Mapping[str, LegFailure] = {"busy": "busy", "no-answer": "no_answer", "failed": "network"}
ENDED = frozenset({"completed", *_BY_WORD})

Body = Mapping[str, Any]


def is_sid(word: object) -> bool:
    """Whether `word` is an id of a call of jambonz's."""
    return isinstance(word, str) and _UUID.fullmatch(word) is not None


def text_of(body: Body, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def tag_of(body: Body) -> Mapping[str, Any]:
    """What we gave the leg to carry."""
    tag = body.get("customerData")
    return tag if isinstance(tag, dict) else {}


def bound_of(body: Body) -> Mapping[str, str]:
    """Whose leg the tag says it is; {} on a caller's own."""
    tag = tag_of(body)
    return {name: tag[name] for name in ("call", "leg") if isinstance(tag.get(name), str)}


def is_about(body: Body, call_id: str, leg_id: str, role: Role) -> bool:
    """Whether the signed body belongs to the address it came to: else it was taken from another request."""
    bound = bound_of(body)
    if bound:
        return bound.get("call") == call_id and (role != "agent" or bound.get("leg") == leg_id)
    return role == "agent" or not is_sid(call_id) or text_of(body, "call_sid") == call_id


def event_of(page: str, body: Body, trunks: Mapping[str, Trunk]) -> Event:
    """What a request for `page`'s document tells."""
    if page == "voice":
        return offered(body, trunks)
    if page in ("whisper", "callback"):
        return LegAnswered()
    if page == "left":
        return HoldLeft("bridged")
    if page == "unmet":
        return HoldLeft("error")
    if page == "bridged":
        return BridgeUp()
    if page == "lost":
        return LegFailed("network")
    if page == "over":
        return _end_of_talk(body)
    if "reason" in body:
        digits = text_of(body, "digits")
        return InputDigits(digits) if _DIGITS.fullmatch(digits) else InputNone()
    return HoldTick() if page == "hold" else PromptFinished()


def has_ended(body: Body) -> bool:
    """Whether the leg is over: whatever is answered, nobody hears it."""
    return text_of(body, "call_status") in ENDED


def report_of(role: Role, body: Body) -> Event | None:
    """What a status hook tells; None for what nobody needs to know."""
    status = text_of(body, "call_status")
    if status in ("ringing", "early-media"):
        return LegRinging()
    if status == "in-progress":
        return LegAnswered()
    if status == "completed":
        seconds = body.get("duration")
        return CallEnded("normal", seconds * 1_000 if type(seconds) is int and 0 <= seconds < 10**7 else None)
    if status not in _BY_WORD:
        return None
    cause = failure_of(status, body.get("sip_status"))
    return CallEnded(cause) if role == "caller" else LegFailed(cause)


def failure_of(status: str, sip: object) -> LegFailure:
    """By the final SIP answer, which tells more than the word: a phone that is off is not one that rang out."""
    by_sip = _BY_SIP.get(sip) if isinstance(sip, int) else None
    return by_sip or _BY_WORD.get(status, "network")


def envelope_of(site: str, role: Role, call_id: str, leg_id: str, key: str, body: Body) -> Envelope:
    return Envelope(
        provider=PROVIDER,
        site=site,
        call_id=call_id,
        leg_id=leg_id,
        role=role,
        event_key=f"{text_of(body, 'call_sid')}:{key}",
    )


def offered(body: Body, trunks: Mapping[str, Trunk]) -> CallOffered:
    """A caller at the door. SIP headers count where their trunk is known to send its own."""
    trunk = trunks.get(text_of(body, "originating_sip_trunk_name"), Trunk())
    sent = _sent(body) if trunk.headers else {}
    headers = _headers(sent)
    return CallOffered(
        from_number=_number(text_of(body, "from"), trunk) or None,
        to_number=_number(text_of(body, "to"), trunk),
        trust="failed" if _are_against(sent) else _trust(headers),
        diverted_from=_diverted(headers, trunk),
    )


def _number(word: str, trunk: Trunk) -> str:
    """With a plus where the trunk is known to mean one."""
    return f"+{word}" if trunk.plus and _INTERNATIONAL.fullmatch(word) else word


def _sent(body: Body) -> Mapping[str, Any]:
    """The INVITE's headers as they came."""
    sip = body.get("sip")
    found = sip.get("headers") if isinstance(sip, dict) else None
    return found if isinstance(found, dict) else {}


def _headers(sent: Mapping[str, Any]) -> Mapping[str, str]:
    """By lower-case name; one that occurs twice counts as absent."""
    names: dict[str, str] = {}
    twice = set()
    for name, value in sent.items():
        if name.lower() in names or not isinstance(value, str):
            twice.add(name.lower())
        names[name.lower()] = value if isinstance(value, str) else ""
    return {name: value for name, value in names.items() if name not in twice}


def _are_against(sent: Mapping[str, Any]) -> bool:
    """Whether any of the headers that may vouch, however often they occur, says that the number is not the caller's."""
    return any(says_failed(str(value)) for name, value in sent.items() if name.lower() in _VOUCHING)


def _trust(headers: Mapping[str, str]) -> Trust:
    """What the network asserts of the number, or else what its From carries."""
    return trust_of_header(headers.get("p-asserted-identity") or headers.get("from", ""))


def _diverted(headers: Mapping[str, str], trunk: Trunk) -> str | None:
    found = _ADDRESS.search(headers.get("diversion", ""))
    return _number(found[1], trunk) if found else None


def _end_of_talk(body: Body) -> Event:
    """A room that is over was a talk; a number dialled may have been none."""
    status = text_of(body, "dial_call_status")
    if status in _BY_WORD:
        return LegFailed(failure_of(status, body.get("dial_sip_status")))
    return BridgeDown()
