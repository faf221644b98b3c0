"""What every stand-in of a carrier has in common: people on legs, a clock of its own, faults, breaches, and one end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Generic, Self, TypeVar

from aiohttp import web

from loadtests.carriers.faults import Faults
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.tasks import Tasks

LegT = TypeVar("LegT", bound=Leg)


class StandIn(Generic[LegT]):
    """Most of a `carrier.Carrier`. `speed`: the carrier's seconds in one of ours."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.faults = Faults()
        self.breaches: list[str] = []
        self.people: dict[str, Person] = {}
        self.legs: dict[str, LegT] = {}
        self.listener: Callable[[Leg, str], None] | None = None
        self._tasks = Tasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Open for calls; leaving it hangs everybody up and fails on any breach."""
        async with self._open():
            try:
                yield self
            finally:
                await self.fall_silent()
        assert not self.breaches, "\n".join(self.breaches)
        for failure in self._failures():
            raise failure

    async def fall_silent(self) -> None:
        """Nothing happens any more; to be called before those who are asked go away."""
        await self._tasks.stop()

    def know(self, leg: LegT) -> LegT:
        """A new leg: it can be found from now on, and its story is followed."""
        leg.listener = self.listener
        self.legs[leg.sid] = leg
        return leg

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        raise NotImplementedError

    def leg_to(self, number: str) -> LegT:
        """The newest leg placed to a number. StopIteration: there is none."""
        return next(leg for leg in reversed(list(self.legs.values())) if leg.to_number == number)

    async def until_leg_to(self, number: str, count: int = 1, timeout_s: float = 10.0) -> LegT:
        """The newest leg to a number, once so many have been placed."""
        async with asyncio.timeout(timeout_s):
            while sum(leg.to_number == number for leg in self.legs.values()) < count:
                await asyncio.sleep(0.005)
        return self.leg_to(number)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.start(work)

    def after(self, seconds: float | None, act: Callable[..., Awaitable[object]], *given: Any) -> None:
        """Done when so many of the carrier's seconds have passed; None: never."""
        if seconds is not None:
            self.start(self._later(seconds, act, *given))

    async def _later(self, seconds: float, act: Callable[..., Awaitable[object]], *given: Any) -> None:
        await self.sleep(seconds)
        await act(*given)

    def _open(self) -> AbstractAsyncContextManager[object]:
        """What is held as long as calls are taken."""
        return nullcontext()

    def _failures(self) -> list[BaseException]:
        return self._tasks.failures


@asynccontextmanager
async def served(app: web.Application, shutdown_s: float) -> AsyncIterator[str]:
    """Its address on this machine."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=shutdown_s)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
