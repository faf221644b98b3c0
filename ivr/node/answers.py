"""Answers: flat, every field there, every value text, in the platform's envelope and under its names. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from config.node import Envelope, Node

Answer = dict[str, str]

LOOKUP: Answer = {
    "found": "0",
    "vip": "0",
    "tier": "",
    "name": "",
    "title": "",
    "greeting": "",
    "language": "",
    "agent_id": "",
    "agent_name": "",
    "agent_state": "",
    "agent_target": "",
    "wait_minutes": "",
    "wait_at_most_minutes": "",
}
DECISION: Answer = {
    "call_id": "",
    "action": "default",
    "target": "",
    "display": "",
    "agent_id": "",
    "agent_name": "",
    "offer_id": "",
    "queue": "",
    "position": "",
    "wait_minutes": "",
    "wait_at_most_minutes": "",
    "again_seconds": "",
    "text": "",
    "options": "",
    "valid": "",
    "language": "",
    "skills": "",
    "callback_id": "",
}
"""`route`, `menu`, `callback` and `event` are answered with these: what to do with the call now."""
WHOLE: Mapping[str, Answer] = {"lookup": LOOKUP} | dict.fromkeys(("route", "menu", "callback", "event"), DECISION)

_CODES: Mapping[Envelope, tuple[str, str]] = {
    "plain": ("", ""),
    "result": ("success", "fail"),
    "ret": ("0", "1"),
    "code": ("0", "1"),
}


def default(decision: str, node: Node) -> Answer:
    """What is said when nothing could be decided: whole all the same, and where to, if the plan says."""
    whole = WHOLE[decision]
    return whole if decision == "lookup" else {**whole, "target": node.default}


def encode(node: Node, answer: Answer, good: bool) -> bytes:
    """The response's body. `good` False: the envelope says so, and its content is whole all the same."""
    data = {node.called(field): value for field, value in answer.items()}
    success, failure = node.codes or _CODES[node.wraps]
    code, words = (success, "ok") if good else (failure, "no decision")
    whole: dict[str, Any]
    if node.wraps == "result":
        whole = {"result": code, "msg": words, "data": data}
    elif node.wraps == "ret":
        whole = {"retCode": code, "retMsg": words, **data}
    elif node.wraps == "code":
        whole = {"code": code, "message": words, "data": data}
    else:
        whole = data
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
