"""What one process asks of a carrier, and its sleep, both in the hands of a test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from ivr.capabilities import Capabilities
from ivr.gateway import Done
from ivr.vocabulary import Action, Originate
from router.site import Site
from router.store.channel import Channel
from router.store.sending import VirtualClock
from router.telephony.carrying import Carrier
from router.telephony.claims import Claims
from router.telephony.pace import Pace
from router.telephony.term import Term
from tests.support.fake_gateway import ALL
from tests.support.switchboard import Switchboard

PROVIDER = "wire"


@dataclass(eq=False)
class Ask:
    """Something asked of the carrier, not yet answered."""

    action: Action
    leg: str | None
    find: bool
    answer: asyncio.Future[Any]

    def settle(self, result: object) -> None:
        if self.answer.done():
            return
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)


@dataclass(eq=False)
class Wire:
    """One process's gateway: what it asks waits here."""

    board: Switchboard
    asks: list[Ask] = field(default_factory=list)
    capabilities: Capabilities = ALL

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        done: Done = await self._ask(action, leg, False)
        return done

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        found: str | None = await self._ask(action, None, True)
        return found

    async def is_up(self, site: str, leg: str) -> bool | None:
        found = self.board.legs.get(leg)
        return None if found is None else not found.over

    async def _ask(self, action: Action, leg: str | None, find: bool) -> Any:
        ask = Ask(action, leg, find, asyncio.get_running_loop().create_future())
        self.asks.append(ask)
        try:
            return await ask.answer
        finally:
            self.asks.remove(ask)


class Process:
    """One that carries out what the engine decides. A frozen one neither sleeps nor hears."""

    def __init__(self, site: Site, name: str, clock: VirtualClock, board: Switchboard) -> None:
        self.wire = Wire(board)
        self.sleepers: list[tuple[int, asyncio.Future[None]]] = []
        self.position = "0"
        self._clock = clock
        pace = Pace(lambda: clock.now_ms / 1000, self._sleep)
        self.claims = claims = Claims(site.channel, site.keys, name, clock=lambda: str(clock.now_ms))
        self.carrier = Carrier(site, claims, pace)
        self.term = Term(site, {PROVIDER: self.wire}, _Commands(site.channel), self.carrier, pace)

    async def _sleep(self, seconds: float) -> None:
        sleeper = (self._clock.now_ms + round(seconds * 1000), asyncio.get_running_loop().create_future())
        self.sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self.sleepers.remove(sleeper)

    def wake(self) -> None:
        for due, sleeper in list(self.sleepers):
            if due <= self._clock.now_ms and not sleeper.done():
                sleeper.set_result(None)

    async def settle(self) -> None:
        """Until everything waits for the carrier or the clock."""
        async with asyncio.timeout(10):
            while True:
                asks = [ask for ask in self.wire.asks if not ask.answer.done()]
                sleepers = [one for one in self.sleepers if not one[1].done()]
                if len(self.term.busy) == len(asks) + len(sleepers) + self.carrier.queued:
                    return
                await asyncio.sleep(0)


class _Commands:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def call(self, *args: Any) -> Any:
        return await self._channel.call(*args)
