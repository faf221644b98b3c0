"""A channel that came in → a caller at the door. Pure.

The dialplan says what is worth knowing as arguments: `Stasis(vipline,caller,to=…,verstat=…,attest=…)`. What a
SIP header said counts only where the plan trusts the endpoint that sent it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from config.ari import Ari
from ivr.ari.heard import Channel
from ivr.vocabulary import CallOffered, Trust
from router.directory.trust import says_failed, trust_of_attestation, trust_of_header, trust_of_verstat

_WITHOUT_PLUS = re.compile(r"[1-9][0-9]{7,14}")
_WORD = re.compile(r"[A-Za-z0-9-]+")
_CALL_ID = re.compile(r"[A-Za-z0-9._:@+=/-]{1,80}")


def call_id_of(asterisk: str, channel_id: str) -> str | None:
    """Ours for a caller's channel: several Asterisks number theirs alike. None: no id we could use."""
    return f"{asterisk}:{channel_id}" if _CALL_ID.fullmatch(channel_id) else None


def asterisk_of(call_id: str) -> str:
    """Whose channel it is; empty when the id does not say."""
    return call_id.partition(":")[0] if ":" in call_id else ""


def offered(channel: Channel, args: tuple[str, ...], part: Ari) -> CallOffered:
    """`args`: those after the role."""
    told = told_by(args)
    trusted = channel.endpoint.partition("/")[2] in part.trusted
    number = told.get("from") or channel.number
    diverted = told.get("diverted") or channel.diverted_from
    return CallOffered(
        from_number=_number(number, part, trusted) or None,
        to_number=_number(told.get("to") or channel.exten, part, trusted),
        trust=_trust(args) if trusted else "gateway",
        diverted_from=_number(diverted, part, trusted) or None if trusted else None,
    )


def told_by(args: tuple[str, ...]) -> Mapping[str, str]:
    """`name=value` arguments. A name that comes twice counts as absent: nothing is decided by a smuggled one."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for word in args:
        name, equals, value = word.partition("=")
        if equals and name in found:
            twice.add(name)
        elif equals:
            found[name] = value.strip()
    return {name: value for name, value in found.items() if name not in twice}


def _number(text: str, part: Ari, trusted: bool) -> str:
    """As it came; with its "+" where the plan says that this peer leaves it out."""
    if part.plus and trusted and _WITHOUT_PLUS.fullmatch(text):
        return f"+{text}"
    return text


def _trust(args: tuple[str, ...]) -> Trust:
    """`verstat`: P-Asserted-Identity, or its parameter alone; `attest` and `verified`: of Asterisk's own check."""
    if "verified=failed" in args or any(says_failed(word) for word in args):
        return "failed"
    told = told_by(args)
    if verstat := told.get("verstat"):
        word = verstat.strip('<>" ')
        return trust_of_verstat([word]) if _WORD.fullmatch(word) else trust_of_header(_decoded(verstat))
    if attest := told.get("attest"):
        return trust_of_attestation(attest, {"passed": True}.get(told.get("verified", "")))
    return "none"


def _decoded(header: str) -> str:
    """URIENCODE leaves no colon, and no address is without one: what has one came as it is, its "%3B" being no ";"."""
    return header if ":" in header else unquote(header)
