"""The platform itself: numbers, phones, and the flow that every call runs through."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from loadtests.carriers.carrier import newest_to, until_newest_to
from loadtests.carriers.faults import Faults
from loadtests.carriers.node.asking import Asking
from loadtests.carriers.node.flow import Flow
from loadtests.carriers.node.legs import PlatformLeg
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.tasks import Tasks


class FakePlatform:
    """`speed`: its seconds in one of ours. `secret`: what stands in the path of its questions."""

    def __init__(self, secret: str, *, speed: float = 50.0) -> None:
        self.secret = secret
        self.speed = speed
        self.faults = Faults()
        self.breaches: list[str] = []
        self.people: dict[str, Person] = {}
        self.legs: dict[str, PlatformLeg] = {}
        self.listener: Callable[[Leg, str], None] | None = None
        self.asking: Asking
        self._nodes: dict[str, str] = {}
        self._tasks = Tasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakePlatform]:
        """Open for calls; leaving it hangs everybody up and fails on any breach."""
        self.asking = Asking(self.faults, self.breaches)
        try:
            yield self
        finally:
            await self.fall_silent()
            await self.asking.session.close()
        assert not self.breaches, "\n".join(self.breaches)
        if self._tasks.failures:
            raise self._tasks.failures[0]

    async def fall_silent(self) -> None:
        """Nothing happens any more; to be called before those who are asked go away."""
        await self._tasks.stop()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    def number(self, number: str, node: str) -> None:
        """Whose decisions the flow of a number asks for."""
        self._nodes[number] = node

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> PlatformLeg:
        """Somebody calls one of our numbers. `extra` is told with every question."""
        leg = self._new(from_number, to_number, person or Person(), self._nodes[to_number], extra)
        self._tasks.start(Flow(self, leg).run())
        self._limit(leg)
        return leg

    def ring(self, caller: PlatformLeg, target: str) -> PlatformLeg:
        """A leg to whom a decision named."""
        return self._new(caller.from_number, target, self.people.get(target, Person()), "", {})

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
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
            self._tasks.start(self._later(told, node, late_s))

    def leg_to(self, number: str) -> PlatformLeg:
        """The newest leg placed to a number."""
        leg = newest_to(self.legs, number)
        assert isinstance(leg, PlatformLeg)
        return leg

    async def until_leg_to(self, number: str, count: int = 1, timeout_s: float = 10.0) -> PlatformLeg:
        """The newest leg to a number, once so many have been placed."""
        await until_newest_to(self.legs, number, count, timeout_s)
        return self.leg_to(number)

    def _new(self, from_number: str, to_number: str, person: Person, node: str, extra: dict[str, str]) -> PlatformLeg:
        leg = PlatformLeg(
            sid=uuid.uuid4().hex,
            from_number=from_number,
            to_number=to_number,
            person=person,
            node=node,
            extra=extra,
            listener=self.listener,
        )
        self.legs[leg.sid] = leg
        return leg

    def _limit(self, leg: PlatformLeg) -> None:
        if leg.person.hangs_up_after_s is not None:
            self._tasks.start(self._hang_up_later(leg, leg.person.hangs_up_after_s))

    async def _hang_up_later(self, leg: PlatformLeg, seconds: float) -> None:
        await self.sleep(seconds)
        await self.hang_up(leg)

    async def _later(self, told: dict[str, str], node: str, late_s: float) -> None:
        await self.sleep(late_s)
        await self.asking.decide(node, "event", told)
