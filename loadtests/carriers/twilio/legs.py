"""Twilio's legs, and the queues they wait in."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from loadtests.carriers.phones import Bridge, Leg

TERMINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(eq=False, kw_only=True)
class TwilioLeg(Leg):
    """`pending`: the action address a verb still owes, and what it would tell when the leg ended now."""

    sid: str = field(default_factory=lambda: f"CA{secrets.token_hex(16)}")
    account: str
    direction: str
    status_url: str = ""
    status_events: frozenset[str] = frozenset({"completed"})
    fallback_url: str = ""
    created: float = field(default_factory=time.time)
    sequence: int = 0
    pending: tuple[str, dict[str, str]] | None = None

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL


@dataclass(eq=False)
class Member:
    """Somebody in a queue. `taken` is who fetches them, and the address that is asked before they talk."""

    leg: TwilioLeg
    since: float
    taken: asyncio.Future[tuple[Bridge, str]]


@dataclass(eq=False)
class Queue:
    sid: str
    name: str
    members: list[Member] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    created: float = field(default_factory=time.time)
