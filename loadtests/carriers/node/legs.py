"""A platform's legs."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

from loadtests.carriers.phones import Leg


@dataclass(eq=False, kw_only=True)
class PlatformLeg(Leg):
    """`gone`: whoever is on it has hung up, or been hung up on. `broke`: by a fault of its line."""

    sid: str = field(default_factory=lambda: uuid.uuid4().hex)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    broke: bool = False
    node: str = ""

    @property
    def ended(self) -> bool:
        return self.gone.is_set()
