"""How a platform that keeps its media asks for decisions: the plan's `telephony: node:`."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from config.parts import Part, Secret
from config.values import Duration, Name

Asked = Literal["call", "caller", "called", "digits", "phone", "language", "skills", "event", "reason", "offer"]
"""What a platform may tell with a question."""
Envelope = Literal["plain", "result", "ret", "code"]
Preset = Literal["plain", "alibaba", "tencent"]

OFFER_TAIL_MS = 2_000
"""A decision lapses so long before the agent's offer does, so that it costs the agent nothing."""


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no network; write an address or 203.0.113.0/24") from None
    return text


Network = Annotated[str, AfterValidator(_network)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Line = Annotated[str, StringConstraints(max_length=128)]

FIELDS: Mapping[Asked, tuple[str, ...]] = {
    "call": ("call_id", "callId", "uuid", "sessionId", "SessionId", "session_id", "ucid"),
    "caller": ("caller", "callerNumber", "from", "tel", "phoneNo", "ani"),
    "called": ("called", "calleeNumber", "to", "serviceNumber", "dnis"),
    "digits": ("digits", "dtmf", "key"),
    "phone": ("phone", "callbackNumber"),
    "language": ("language",),
    "skills": ("skills",),
    "event": ("event", "type", "status"),
    "reason": ("reason", "cause"),
    "offer": ("offer_id",),
}
"""Under which names each is looked for, unless the plan says otherwise."""
ENVELOPES: Mapping[Preset, Envelope] = {"plain": "plain", "alibaba": "result", "tencent": "plain"}
NAMES: Mapping[Preset, Mapping[str, str]] = {
    "plain": {},
    "alibaba": {"target": "called", "display": "showNumber"},
    "tencent": {},
}
"""What fields of answers are called there."""


class Node(Part):
    """See docs/node.md. Any of `secrets` may stand in the path; `networks`: who may ask, left out: whoever knows one.

    `queues`: group → number callers of it are transferred to. `default`: where to when nothing can be decided.
    `trust`: how far its callers' numbers can be believed; `vouched`: the platform knows them, as in the JSON API.
    `plus`: its numbers are international, whether or not they begin with a plus. `answered`: whether the platform tells
    that an agent has answered, or that is taken for granted. `patience`: how long it may be silent about a caller who
    waits; `again`: how soon it should ask again.
    """

    secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=8)]
    networks: Annotated[tuple[Network, ...], Field(max_length=256)] = ()
    preset: Preset = "plain"
    envelope: Envelope | None = None
    codes: tuple[Line, Line] | None = None
    fields: dict[Asked, Annotated[tuple[Word, ...], Field(min_length=1, max_length=16)]] = Field(default_factory=dict)
    names: dict[Word, Word] = Field(default_factory=dict)
    queues: dict[Name, Line] = Field(default_factory=dict)
    default: Line = ""
    plus: bool = False
    trust: Literal["vouched", "verified", "partial", "gateway", "none"] = "vouched"
    answered: Literal["told", "assumed"] = "told"
    patience: Annotated[Duration, Field(ge=1_000, le=600_000)] = 15_000
    again: Annotated[Duration, Field(ge=1_000, le=60_000)] = 3_000
    longest_talk: Annotated[Duration, Field(ge=60_000)] = 7_200_000

    @model_validator(mode="after")
    def _asks_in_time(self) -> Self:
        if self.again >= self.patience:
            raise ValueError("whoever asks again every `again` must be within `patience`; make `patience` longer")
        return self

    @property
    def wraps(self) -> Envelope:
        return self.envelope or ENVELOPES[self.preset]

    def called(self, field: str) -> str:
        """What a field of an answer is called there."""
        return self.names.get(field) or NAMES[self.preset].get(field, field)

    def asked_as(self, what: Asked) -> tuple[str, ...]:
        return self.fields.get(what) or FIELDS[what]
