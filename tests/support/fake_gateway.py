"""A provider that writes down what it is asked, and fails as it is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.vocabulary import Action, Interrupt, Originate, Terminate

Trouble = Literal["busy", "refused", "placed, answer lost", "never placed, answer lost"]

ALL = Capabilities(True, True, True, True, False, True, True, 64_000, 15_000)


@dataclass
class FakeGateway:
    """`troubles` befall the next Originates, one each. `hold`: an Originate waits until it is set, then places."""

    troubles: list[Trouble] = field(default_factory=list)
    asked: list[Action] = field(default_factory=list)
    placed: dict[str, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    legs: list[str | None] = field(default_factory=list)
    hold: asyncio.Event | None = None
    capabilities: Capabilities = ALL

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        self.asked.append(action)
        self.legs.append(leg)
        if not isinstance(action, Originate):
            return Done(leg)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble == "busy":
            raise GatewayBusy(10)
        if trouble == "refused":
            raise GatewayRefused("device", "13224")
        if trouble == "never placed, answer lost":
            raise GatewayUnknown("timeout")
        if self.hold is not None:
            await self.hold.wait()
        assert action.leg_id not in self.placed, "dialled twice"
        self.placed[action.leg_id] = f"sid-{len(self.placed)}"
        if trouble == "placed, answer lost":
            raise GatewayUnknown("timeout")
        return Done(self.placed[action.leg_id])

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        self.found.append(action.leg_id)
        return self.placed.get(action.leg_id)

    def originates(self, role: str = "agent") -> list[Originate]:
        return [action for action in self.asked if isinstance(action, Originate) and action.role == role]

    def interrupts(self, page: str) -> list[Interrupt]:
        return [action for action in self.asked if isinstance(action, Interrupt) and action.route.page == page]

    def stopped(self) -> list[str]:
        return [action.leg_id for action in self.asked if isinstance(action, Terminate)]
