"""jambonz's legs, and the rooms they meet in."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from loadtests.carriers.phones import Leg

TERMINAL = frozenset({"completed", "busy", "failed", "no-answer"})


@dataclass(eq=False, kw_only=True)
class JambonzLeg(Leg):
    """`tag`: what it carries for us. `holding`: it goes round in our holding loop."""

    sid: str = field(default_factory=lambda: str(uuid.uuid4()))
    account: str
    direction: str
    status_url: str = ""
    trunk: str = ""
    sip_call_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sip_status: int = 100
    tag: dict[str, Any] | None = None
    created: float = field(default_factory=time.time)
    holding: bool = False

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL


@dataclass(eq=False)
class Room:
    """A conference of two. `over`: somebody has left."""

    name: str
    members: list[JambonzLeg] = field(default_factory=list)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
