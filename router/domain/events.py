"""What a stream entry says. One transition, one entry: `type|key=value|…`, free text percent-encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

WORDS = "words:"
"""By it an event says that people wrote something. It lies with the call's cold facts, as `words:<id of the entry>`."""

CALL_STATES = {
    "g": "greeting",
    "q": "choosing",
    "w": "waiting",
    "o": "offered",
    "b": "offered",
    "c": "connected",
    "e": "ended",
}
AGENT_STATES = {
    "x": "offline",
    "r": "ready",
    "o": "offered",
    "t": "talking",
    "w": "wrapping",
    "c": "cooling",
    "b": "break",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """The packed facts of a call: times in ms, `talks` how often it has been connected."""

    accepted_ms: int
    max_ms: int | None
    kind: str
    tier: str
    talks: int


@dataclass(frozen=True, slots=True)
class StepNow:
    """The packed step of a call: its name and when it was entered, ms."""

    name: str
    entered_ms: int
    asked: int


@dataclass(frozen=True, slots=True)
class Told:
    """A wait as it was announced, in round figures: about so long, at most so long; ms."""

    at_ms: int
    p50_ms: int
    p90_ms: int

    @classmethod
    def parse(cls, text: str) -> Told | None:
        """None: nothing was announced."""
        at, _, figures = text.partition(";")
        p50, _, p90 = figures.partition(";")
        return cls(int(at), int(p50), int(p90)) if at.isdigit() and p50.isdigit() and p90.isdigit() else None

    def text(self) -> str:
        return f"{self.at_ms};{self.p50_ms};{self.p90_ms}"


@dataclass(frozen=True, slots=True)
class Event:
    """`entry_id` is the stream's own id (and an offer's fence); `at_ms` the site's time of the transition.

    `raw` is the entry as it was written.
    """

    entry_id: str
    type: str
    fields: Mapping[str, str]
    raw: str = ""

    @property
    def at_ms(self) -> int:
        return _whole(self.fields.get("at", "")) or int(self.entry_id.partition("-")[0])

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The calls whose timeline it belongs to: a place that passes on is told in both."""
        return tuple(self.fields[key] for key in ("call", "old") if self.fields.get(key))

    def text(self, key: str) -> str:
        """A field of free text, decoded. People's own words are not there: `with_words` puts them in."""
        text = self.fields.get(key, "")
        return "" if text == WORDS else unquote(text)

    def with_words(self, facts: Mapping[str, Any]) -> Event:
        """The same with what people wrote, as far as the call's cold facts still have it."""
        words = facts.get(WORDS + self.entry_id)
        if words is None:
            return self
        told = quote(str(words), safe="")
        return replace(self, fields={key: told if text == WORDS else text for key, text in self.fields.items()})

    @property
    def facts(self) -> Facts | None:
        return _facts(self.fields.get("facts", ""))

    @property
    def told(self) -> Told | None:
        """The wait announced last before it happened."""
        return Told.parse(self.fields.get("told", ""))

    @property
    def step(self) -> StepNow | None:
        return _step(self.fields.get("step", ""))


# One process reads an entry for timelines, telephony, figures, estimates and screens: each at about the same time.
@lru_cache(maxsize=1_024)
def parse(entry_id: str, text: str) -> Event:
    """Read one entry; a part without `=` is dropped, so that a newer writer does not stop an older reader."""
    kind, *parts = text.split("|")
    return Event(entry_id, kind, dict(part.split("=", 1) for part in parts if "=" in part), text)


def order(entry_id: str) -> tuple[int, int]:
    """Stream ids compare as two numbers."""
    ms, _, count = entry_id.partition("-")
    return int(ms), int(count or 0)


def _whole(text: str) -> int | None:
    """Lua writes times as `1700000000000` or, when it computed them, as `1.7e+12`."""
    return int(float(text)) if text else None


@lru_cache(maxsize=1_024)
def _facts(text: str) -> Facts | None:
    parts = text.split(";")
    if len(parts) != 5 or not parts[0]:
        return None
    return Facts(int(float(parts[0])), _whole(parts[1]), parts[2], parts[3], _whole(parts[4]) or 0)


@lru_cache(maxsize=1_024)
def _step(text: str) -> StepNow | None:
    parts = text.split(";")
    if len(parts) != 7:
        return None
    return StepNow(parts[0], _whole(parts[2]) or 0, _whole(parts[5]) or 0)
