"""The end of an interleaving: everything still under way comes to an end, and then nobody may be stuck or alone."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.support.interleaving import AGENTS, Happening, Play, now, quietly
from tests.support.switchboard import Request

LONGEST = 2_000
MUSIC_MS, MINUTE_MS = 10_000, 60_000


class Ending(Play):
    """A play that can be brought to its end."""

    watched: Any = None

    async def wind_down(self) -> None:
        """No new trouble: everything is delivered, the agents go home, and every deadline runs."""
        for who in AGENTS:
            await self._do(f"{who} goes home", quietly(partial(self.site.engine.agent_away, who, "offline")))
        if self.frozen is not None:
            await self._do("the frozen process wakes", self._thaw)
        for _ in range(LONGEST):
            words, happen = await self._next_quiet()
            if not happen:
                return
            await self._do(words, happen)
        raise AssertionError("\n".join([*self.story[-60:], "never comes to an end"]))

    async def _next_quiet(self) -> tuple[str, Happening | None]:
        board = self.board
        for ask in self.process.wire.asks:
            return f"{type(ask.action).__name__} {ask.action.leg_id}", now(partial(self._answered, ask))
        for report in board.reports:
            return f"{report}", self._reporting(report, 1)
        for late in board.late:
            return f"late {late.route} {late.event}", self._delivering(late)
        legs = [leg for leg in board.legs.values() if not leg.over]
        for leg in legs:
            if leg.doing == "rings":
                return f"{leg.name} is not answered", now(partial(board.end, leg, "no_answer"))
            if leg.asks is not None and leg.asks.route.page == "join":
                return f"{leg.name} hears of {leg.asks.route}, a second later", self._later(leg.asks, 1_000)
            if leg.asks is not None and (leg.room is None or leg.doing == "talks"):
                return f"{leg.name} hears of {leg.asks.route}", self._delivering(leg.asks)
            if leg.doing in ("joins", "dials", "collects") and leg.room is None:
                happenings = list(board.happenings(leg))
                choice = 1 if leg.doing == "collects" else 0
                return f"{leg.name} {leg.doing}: {choice}", now(happenings[choice])
        due = await self.site.engine.read_due(1)
        if due.entries or due.next_ms or self.process.sleepers:
            return "time goes to the next deadline", self._pass_time
        for leg in legs:
            if leg.doing in ("asks", "collects") and leg.room is not None:
                if leg.asks is not None:
                    return f"{leg.name} hears of {leg.asks.route}, some music later", self._later(leg.asks, MUSIC_MS)
                return f"{leg.name} presses nothing", now(list(board.happenings(leg))[1])
        if self.watched != (newest := await self._newest()):  # twice: what it does not hear of it looks for
            self.watched = newest
            return "the watch looks twice", self._watch
        return "", None

    async def _watch(self) -> None:
        self.clock.now_ms += MINUTE_MS
        await self.watch.look()
        await self.watch.look()

    def _later(self, request: Request, ms: int) -> Happening:
        async def wait() -> None:
            self.clock.now_ms += ms
            await self.site.engine.run_until(self.clock.now_ms)
            self.process.wake()
            await self._delivering(request)()

        return wait

    async def faults(self) -> list[str]:
        """Who is stuck, and who is alone."""
        wrong: list[str] = []
        held = set()
        for row in await self._rows():
            if row.letter == "e":
                continue
            if row.letter != "c":
                wrong.append(f"{row.call_id} is {row.state} for ever")
                continue
            talking = [leg for leg in self.board.legs.values() if leg.name == row.offer_id and leg.doing == "talks"]
            if not talking or talking[0].partner is None or talking[0].partner.call_id != row.call_id:
                wrong.append(f"{row.call_id} talks to nobody")
            held.add(row.agent_id)
        for agent in await self._agents():
            if agent.state == "talking" and agent.agent_id not in held:
                wrong.append(f"{agent.agent_id} is talking to nobody")
            if agent.state in ("offered", "wrapping", "cooling"):
                wrong.append(f"{agent.agent_id} is {agent.state} for ever")
        for leg in self.board.legs.values():
            if not leg.over and leg.doing != "talks":
                wrong.append(f"{leg.role} {leg.name} is left alone, it {leg.doing}")
            if leg.doing == "talks" and (leg.partner is None or leg.partner.call_id != leg.call_id):
                wrong.append(f"{leg.name} talks to another call's leg")
        return wrong
