"""The platform's lines: who is on them, and what may happen to one at any moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loadtests.carriers.node.asking import Asking
from loadtests.carriers.node.legs import PlatformLeg
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.stand_in import StandIn


class Lines(StandIn[PlatformLeg]):
    asking: Asking

    def ring(self, caller: PlatformLeg, target: str) -> PlatformLeg:
        """A leg to whom a decision named."""
        person = self.people.get(target, Person())
        return self.know(PlatformLeg(from_number=caller.from_number, to_number=target, person=person))

    async def hang_up(self, leg: Leg) -> None:
        await self.end(leg, "completed")

    async def end(self, leg: Leg, why: str) -> None:
        assert isinstance(leg, PlatformLeg)
        if not leg.ended:
            leg.gone.set()
            leg.bridge = None
            await leg.tell(f"ended: {why}")

    async def break_(self, leg: Leg) -> None:
        """The line fails."""
        assert isinstance(leg, PlatformLeg)
        leg.broke = True
        await self.end(leg, "network")

    def again(self, told: dict[str, str], node: str) -> None:
        """An event that was told is told once more, perhaps late."""
        for late_s in self.faults.report_delays()[1:]:
            self.after(late_s, self.asking.decide, node, "event", told)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        self.asking = Asking(self.faults, self.breaches)
        async with self.asking.session:
            yield
