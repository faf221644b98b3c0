"""What the hot keys hold, read into typed rows."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from router.domain.events import AGENT_STATES, CALL_STATES, Told

KINDS = {"j": "api", "a": "adapter", "kj": "callback", "ka": "callback"}

Fields = dict[str, str]


def _number(text: str) -> int | None:
    return (int(text) if text.isdigit() else int(float(text))) if text else None


METAS_KEPT = 2_048
_metas: OrderedDict[str, dict[str, Any]] = OrderedDict()


def know_meta(text: str, meta: dict[str, Any]) -> None:
    """What this text says, from whoever has just written it. Shared by all who read it: never to be changed."""
    _metas[text] = meta
    if len(_metas) > METAS_KEPT:
        _metas.popitem(last=False)


def _meta(text: str) -> dict[str, Any]:
    """The same text is read at every request of its call."""
    found = _metas.get(text)
    if found is None:
        found = json.loads(text)
        know_meta(text, found)
    return found


@lru_cache(maxsize=1_024)
def _card(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@dataclass(frozen=True, slots=True)
class StepFacts:
    """The step a call stands in: `sp` of its record. Times in ms since the epoch."""

    name: str
    lanes: int
    entered_ms: int | None
    due_ms: int | None
    when_busy: str
    asked: int
    mode: str

    @staticmethod
    @lru_cache(maxsize=4_096)
    def parse(text: str) -> StepFacts:
        name, lanes, entered, due, busy, asked, mode = (text or ";;;;;;").split(";")
        return StepFacts(name, int(lanes or 0), _number(entered), _number(due), busy, int(asked or 0), mode)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What never changes while a call waits: `mx` of its record. `talks` counts how often it was connected."""

    accepted_ms: int
    max_ms: int | None
    kind: str
    tier: str
    talks: int

    @staticmethod
    @lru_cache(maxsize=4_096)
    def parse(text: str) -> CallFacts:
        accepted, maximum, kind, tier, talks = (text or "0;;j;;0").split(";")
        return CallFacts(_number(accepted) or 0, _number(maximum), kind, tier, int(talks or 0))


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call as it stands. `letter` is the engine's own state (`b`: taken by the agent, not yet bridged)."""

    call_id: str
    letter: str
    agent_id: str | None
    offer_id: str | None
    rank: int | None
    lanes: tuple[str, ...]
    step: StepFacts
    facts: CallFacts
    avoids: tuple[str, ...]
    rest: str
    outcome: str | None
    ended_ms: int | None
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return CALL_STATES[self.letter]

    @classmethod
    def parse(cls, call_id: str, f: Fields, rest: str = "", meta: str = "") -> CallRow:
        rank, ended = f.get("rk", ""), f.get("en", "")
        return cls(
            call_id=call_id, letter=f["st"], agent_id=f.get("ag") or None, offer_id=f.get("fe") or None,
            rank=int(rank) if rank else None, lanes=tuple(f.get("ln", "").split()),
            step=StepFacts.parse(f.get("sp", "")), facts=CallFacts.parse(f.get("mx", "")),
            avoids=tuple(f.get("av", "").split()), rest=rest, outcome=f.get("oc"), ended_ms=_number(ended),
            meta=_meta(meta) if meta else {},
        )


_RECORD = ("st", "ag", "fe", "rk", "ln", "sp", "mx", "av", "oc", "en")


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What an agent is at: the state's letter, since when, and until when it lasts at most (None: no limit); ms."""

    letter: str
    since_ms: int
    due_ms: int | None

    @classmethod
    def parse(cls, text: str) -> AgentFacts | None:
        letter, since, due = (text or ";;").split(";")
        return cls(letter, int(float(since)), _number(due)) if letter else None


@dataclass(frozen=True, slots=True)
class CallView:
    """A call, and what a document says beyond it.

    `expected`: the step asked for next, None before the first. `page`: the one asked for last. `unclear`: which asking
    (`menu`, `question1` …) was not understood. `told`, `place`: the wait and the place in line announced last.
    `counts`: for each lane the call stands in, the calls of lower rank; `deserted`: those of them that nobody on duty
    serves. `agent`: whom it waits for, or who is rung for
    it. `sent_for`: caller or agent is being taken out of what they hear. `closing`: what a closed group tells those it
    sends away, as it was put: a text, or language → text. `card`: of the agent who has the call, or whom it waits for.
    """

    row: CallRow
    expected: int | None
    page: str
    unclear: str
    told: Told | None
    place: int | None
    counts: dict[str, int]
    deserted: frozenset[str]
    agent: AgentFacts | None
    sent_for: bool
    closing: str | dict[str, str]
    card: dict[str, Any]

    @property
    def ahead(self) -> int | None:
        """Calls of lower rank in the line of its step; None when it stands in none."""
        lanes, step = self.row.lanes, self.row.step
        return self.counts.get(lanes[-step.lanes]) if step.lanes and lanes else None

    @classmethod
    def parse(cls, call_id: str, lines: list[str]) -> CallView:
        expected, page, unclear, told, place, ahead, agent, sent, closing, *record, rest, meta, card = lines
        found = {name: value for name, value in zip(_RECORD, record, strict=True) if value or name not in ("oc", "en")}
        parts = [part.partition("=") for part in ahead.split()]
        counts = {lane: int(count.rstrip("*")) for lane, _, count in parts}
        return cls(
            CallRow.parse(call_id, found, rest, meta), _number(expected), page, unclear, Told.parse(told),
            _number(place), counts, frozenset(lane for lane, _, count in parts if count.endswith("*")),
            AgentFacts.parse(agent), bool(sent),
            json.loads(closing)["message"] if closing else "", _card(card),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent as it stands. `card` is what the engine never reads: name, groups, skills, endpoint."""

    agent_id: str
    letter: str
    profile: str
    call_id: str | None
    offer_id: str | None
    since_ms: int
    ready_since_ms: int
    next_state: str | None
    misses: int
    reason: str | None
    card: str

    @property
    def state(self) -> str:
        return AGENT_STATES[self.letter]

    @classmethod
    def parse(cls, agent_id: str, f: Fields, card: str) -> AgentRow:
        following = f.get("nx") or ""
        return cls(
            agent_id=agent_id, letter=f["st"], profile=f["pr"], call_id=f.get("ca") or None,
            offer_id=f.get("fe") or None, since_ms=int(float(f["sn"])), ready_since_ms=int(float(f["rs"])),
            next_state=AGENT_STATES[following] if following else None, misses=int(float(f.get("ms") or 0)),
            reason=f.get("rn") or None, card=card,
        )
