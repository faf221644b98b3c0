"""An exchange on a clock that stands still until everything has been done that can be done now."""

from __future__ import annotations

import asyncio

from ivr.simulator.clock import SteppedClock
from ivr.simulator.exchange import Exchange
from router.site import Site
from router.telephony.term import GROUP

TURNS = 25
"""So many turns of the loop finish whatever needs nobody else."""


class Stepper:
    """`site`: whose deadlines and outbox belong to it, if there is one."""

    def __init__(self, exchange: Exchange, clock: SteppedClock, site: Site | None = None) -> None:
        self._exchange = exchange
        self._clock = clock
        self._site = site

    async def run(self, seconds: float) -> None:
        """Everything that happens within the next seconds, each thing at its own time."""
        until_ms = self._clock.now_ms + round(seconds * 1000)
        while True:
            await self._settle()
            times = [at_ms for at_ms in (self._clock.next_ms, await self._next_due()) if at_ms is not None]
            next_ms = min(times, default=until_ms + 1)
            if next_ms > until_ms:
                self._clock.step_to(until_ms)
                await self._settle()
                return
            self._clock.step_to(next_ms)

    async def _settle(self) -> None:
        """Until nothing is under way: no answer, no deadline that has come, no action of the outbox."""
        while True:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if self._exchange.asking:
                await asyncio.sleep(0.0002)
                continue
            busy = self._site is not None and (await self._ran_due(self._site) or await self._owes(self._site))
            if not busy and not self._exchange.asking:
                return

    async def _next_due(self) -> int | None:
        return (await self._site.engine.read_due(1)).next_ms if self._site else None

    async def _ran_due(self, site: Site) -> bool:
        due = await site.engine.read_due()
        for member, due_ms in due.entries:
            await site.engine.run_due(member, due_ms)
        return bool(due.entries)

    async def _owes(self, site: Site) -> bool:
        """Whether the outbox has something to do."""
        newest = await site.channel.call("XREVRANGE", site.keys.events, "+", "-", "COUNT", 1)
        for group in await site.channel.call("XINFO", "GROUPS", site.keys.events):
            facts = dict(group.items()) if isinstance(group, dict) else dict(zip(group[::2], group[1::2], strict=True))
            if facts[b"name"] == GROUP.encode():
                owes = bool(facts[b"pending"]) or (bool(newest) and facts[b"last-delivered-id"] != newest[0][0])
                if owes:
                    await asyncio.sleep(0.0005)
                return owes
        await asyncio.sleep(0.0005)
        return True
