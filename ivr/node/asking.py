"""What a platform asked, whatever it calls things. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from config.node import Asked, Node
from router.api.ids import CALL, FENCE

MAX_FIELDS = 100
MAX_VALUE = 512
MAX_CALL = 96
"""Letters of a platform's id of a call; ids here are a little longer."""
FORM = "application/x-www-form-urlencoded"

_CALL, _OFFER = re.compile(CALL), re.compile(FENCE)
_INTERNATIONAL = re.compile(r"[1-9][0-9]{6,14}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Pairs = Sequence[tuple[str, str]]


class Unreadable(Exception):
    """The body is not what it says it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request. `call_id` empty: it did not say which call."""

    call_id: str
    caller: str
    called: str
    digits: str = ""
    phone: str = ""
    language: str = ""
    skills: tuple[str, ...] = ()
    event: str = ""
    reason: str = ""
    offer_id: str = ""


def pairs_of(query: str, content_type: str, body: bytes) -> Pairs:
    """Everything told: in the address, in a form, or as the plain members of a JSON object. Raises Unreadable."""
    try:
        found = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        if not body:
            return found
        if content_type == FORM:
            return found + parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(told, dict) or len(told) > MAX_FIELDS:
        raise Unreadable
    return found + [(name, _plain(value)) for name, value in told.items() if isinstance(value, str | int | float)]


def question_of(node: Node, pairs: Pairs) -> Question:
    """What was asked. A name that comes twice counts as absent: nothing is decided by a smuggled one."""
    names = Counter(name for name, _ in pairs)
    told = {name: value.strip() for name, value in pairs if names[name] == 1 and len(value) <= MAX_VALUE}

    def of(what: Asked) -> str:
        return next((told[name] for name in node.asked_as(what) if told.get(name)), "")

    offer = of("offer")
    return Question(
        call_id=call_id_of(of("call")),
        caller=_number(node, of("caller")),
        called=_number(node, of("called")),
        digits=of("digits"),
        phone=_number(node, of("phone")),
        language=of("language"),
        skills=tuple(skill for skill in re.split(r"[,\s]+", of("skills")) if _NAME.fullmatch(skill)),
        event=of("event").lower(),
        reason=of("reason").lower(),
        offer_id=offer if _OFFER.fullmatch(offer) else "",
    )


def call_id_of(given: str) -> str:
    """The platform's own id as it is, or a name made of it where it is none that a call here may have."""
    if not given or (_CALL.fullmatch(given) and len(given) <= MAX_CALL):
        return given
    return f"node-{hashlib.sha256(given.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _number(node: Node, word: str) -> str:
    return f"+{word}" if node.plus and _INTERNATIONAL.fullmatch(word) else word


def _plain(value: str | int | float) -> str:
    return value if isinstance(value, str) else json.dumps(value)
