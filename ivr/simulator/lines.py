"""A line between the exchange and one phone; rooms in which callers wait; two lines talking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from ivr.vocabulary import Event, LegFailure, Role, Route

Pick = Literal["answers", "busy", "no_answer", "declines", "device", "network"]
Fault = Literal["busy", "broken", "lost", "silent", "slow"]


class HungUp(Exception):
    """The line is over, by a command of ours or by whoever is at the phone."""


class Phone(Protocol):
    """What is at the end of a line. `picks` and `after_s`: what becomes of a ring, and when; `talks_s`: how long."""

    @property
    def picks(self) -> Pick: ...

    @property
    def after_s(self) -> float: ...

    @property
    def talks_s(self) -> float | None: ...

    def plugged(self, line: Line) -> None:
        """It is at the end of this line now."""
        ...

    async def happens(self, words: str) -> None:
        """What happens on the line, in plain words; what is spoken or played comes to `hears`, too."""
        ...

    def hears(self, line: Line, words: str, may_press: bool) -> None:
        """May press keys. Raises HungUp."""
        ...


class Disturbances(Protocol):
    """What goes wrong between the exchange and us."""

    def asks_twice(self) -> bool:
        """Whether this document is asked for again."""
        ...

    def report_delays(self) -> Sequence[float]:
        """When this report comes, s from now: no number, never; two, twice."""
        ...

    def take_rest(self, what: str) -> Fault | None:
        """What becomes of this command of ours: `create`, `update` or `list`."""
        ...


class Undisturbed:
    def asks_twice(self) -> bool:
        return False

    def report_delays(self) -> Sequence[float]:
        return (0.0,)

    def take_rest(self, what: str) -> Fault | None:
        return None


class Asked(NamedTuple):
    """What is told at a page of the flow."""

    route: Route
    event: Event


@dataclass(eq=False)
class Line:
    """`owes`: what the page of the command that is under way would be told, were the line to end or be taken away."""

    line_id: str
    site: str
    call_id: str
    leg_id: str
    role: Role
    phone: Phone
    number: str
    """Of the other end, as the exchange knows it."""
    shown: str
    """Whom the phone sees."""
    state: Literal["ringing", "up", "ended"] = "ringing"
    owes: Asked | None = None
    talk: Talk | None = None
    task: asyncio.Task[None] | None = None
    keys: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    counted: int = 0

    def press(self, keys: str) -> None:
        self.keys.put_nowait(keys)


@dataclass(eq=False)
class Talk:
    """Two lines, until either is gone. `up` when both hear each other."""

    caller: Line
    agent: Line
    up: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Guest:
    """A caller in a room; `fetched` is the talk an agent's line begins with them."""

    line: Line
    fetched: asyncio.Future[Talk]


@dataclass(eq=False)
class Room:
    """One call's. `entered` is set when somebody may have come in."""

    guests: list[Guest] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)


FAILURES: dict[Pick, LegFailure] = {
    "busy": "busy",
    "no_answer": "no_answer",
    "declines": "declined",
    "device": "device",
    "network": "network",
}
