"""The phone flow with nothing left to chance: desk, outbox and engine on a real server, a switchboard instead of a
carrier, one virtual clock, and at every step somebody who chooses what happens next.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Self

from config.loading import load_config
from config.settings import Settings
from ivr.desk import Desk
from ivr.desk.steps import token_of
from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.vocabulary import CallOffered, Envelope, Originate, Script
from router.callbacks import callback_id_of
from router.domain.errors import Refused
from router.domain.ladder import Profile
from router.site import Site
from router.store.channel import Channel
from router.store.rows import AgentRow, CallRow
from router.store.sending import VirtualClock
from router.telephony.watch import Watch
from tests.support.switchboard import Report, Request, Switchboard
from tests.support.wire import PROVIDER, Ask, Process

START = 1_763_571_600_000
LINE = "+12025550199"
CALLERS = ("+12025550110", "+12025550111", "+12025550116")
AGENTS = ("agent-7", "agent-3", "agent-4")
MOST_CALLS = 6
USUAL = frozenset({"rings", "collects", "joins", "dials"})

Happening = Callable[[], Awaitable[None]]


class Play:
    """One example. `step` lets one thing happen, `wind_down` everything that is left."""

    def __init__(self, site: Site, clock: VirtualClock) -> None:
        self.site = site
        self.clock = clock
        self.board = Switchboard()
        self.desk = Desk(site, lambda: clock.now_ms)
        self.log: list[tuple[Request, bytes]] = []
        self.story: list[str] = []
        self.processes = 0
        self.calls = 0
        self.process = self._start()
        self.watch = Watch(site, {PROVIDER: self.process.wire})
        self.frozen: Process | None = None
        self.held: list[tuple[Ask, object]] = []

    @classmethod
    async def open(cls, channel: Channel, name: str) -> Self:
        site, clock = Site(name, channel), VirtualClock(START)
        site.engine.clock = clock
        await site.engine.make_virtual()
        files = load_config(Settings().config)["main"]
        await site.keeper.start(files.plan)
        site.engine.timing = site.engine.timing.__class__(
            wrap_up_ms=5_000, cooling_ms=5_000, callback_ms=300_000, owner_wait_ms=30_000
        )
        for seed in files.agents:
            if seed.agent_id in AGENTS:
                card = json.dumps({"name": seed.name, "endpoint": seed.endpoint})
                await site.engine.put_agent(seed.agent_id, Profile(dict(seed.groups), frozenset(seed.skills)), card)
        for customer in files.customers:
            if set(customer.phones) & set(CALLERS):
                await site.customers.put(customer)
        play = cls(site, clock)
        await play.process.term.begin()
        return play

    def _start(self) -> Process:
        self.processes += 1
        return Process(self.site, f"process-{self.processes}", self.clock, self.board)

    # ------------------------------------------------------------ one step

    async def step(self, number: int) -> None:
        options = await self._options()
        total = sum(weight for weight, _, _ in options)
        at = number % total
        for weight, words, happen in options:
            at -= weight
            if at < 0:
                await self._do(words, happen)
                return

    async def _do(self, words: str, happen: Happening) -> None:
        self.story.append(words)
        await happen()
        await self._catch_up()
        assert not self.board.breaches, "\n".join([*self.story, *self.board.breaches])

    async def _catch_up(self) -> None:
        """The outbox has read whatever was decided, and asked for what follows."""
        while True:
            await self.process.settle()
            newest = await self._newest()
            self.process.position = await self.process.term.read(self.process.position, 0)
            await self.process.settle()
            if self.process.position == ">" and newest == await self._newest():
                return

    async def _newest(self) -> Any:
        return await self.site.channel.call("XREVRANGE", self.site.keys.events, "+", "-", "COUNT", 1)

    async def _options(self) -> list[tuple[int, str, Happening]]:
        """(weight, words, what happens)"""
        found: list[tuple[int, str, Happening]] = []
        for leg in list(self.board.legs.values()):
            if leg.asks is not None and leg.doing != "rings":
                found.append((40, f"{leg.name} hears of {leg.asks.route}", self._delivering(leg.asks)))
                found.append((4, f"{leg.name} hears twice of {leg.asks.route}", self._delivering(leg.asks, 2)))
            for rank, happen in enumerate(self.board.happenings(leg)):
                found.append(
                    (30 if rank == 0 and leg.doing in USUAL else 1, f"{leg.name} {leg.doing}: {rank}", now(happen))
                )
        for ask in self.process.wire.asks:
            found += self._fates(ask)
        for late in self.board.late:
            found.append((4, f"late {late.route} {late.event}", self._delivering(late)))
            found.append((1, f"never {late.route} {late.event}", now(partial(self.board.late.remove, late))))
        for report in self.board.reports:
            found.append((10, f"{report}", self._reporting(report, 1)))
            found.append((1, f"twice {report}", self._reporting(report, 2)))
            found.append((1, f"never {report}", now(partial(self.board.reports.remove, report))))
        if self.board.reports and self.board.late:
            found.append((4, "nothing that is under way arrives", now(self._lose)))
        if self.log:
            old = self.log[len(self.story) * 7 % len(self.log)][0]
            found.append((2, f"again {old.route} {old.event}", self._delivering(old)))
        if self.calls < MOST_CALLS:
            for number in CALLERS:
                found.append((8 if self.calls < 2 else 1, f"{number} calls", now(partial(self._call, number))))
        found.append((10, "time goes to the next deadline", self._pass_time))
        found.append((1, "a second passes", self._second))
        found += await self._by_people()
        found.append((1, "the watch looks", self.watch.look))
        found.append((1, "the process dies", self._die))
        found.append((1, "the process is replaced", partial(self._die, in_order=True)))
        if self.frozen is None:
            found.append((1, "the process freezes, another takes over", self._freeze))
        else:
            found.append((3, "the frozen process wakes", self._thaw))
        return found

    def _fates(self, ask: Ask) -> list[tuple[int, str, Happening]]:
        name = f"{'find' if ask.find else type(ask.action).__name__} {ask.action.leg_id}"
        fates: list[tuple[int, str, Callable[[], object]]] = [
            (40, name, partial(self._answered, ask)),
            (1, f"{name}: busy", partial(ask.settle, GatewayBusy(1_000))),
        ]
        if not ask.find:
            fates.append((1, f"{name}: lost", partial(ask.settle, GatewayUnknown("lost"))))
            fates.append((1, f"{name}: done, answer lost", partial(self._answer_lost, ask)))
            if isinstance(ask.action, Originate):
                fates.append((1, f"{name}: refused", partial(ask.settle, GatewayRefused("device", "13224"))))
        return [(weight, words, now(act)) for weight, words, act in fates]

    def _answered(self, ask: Ask) -> None:
        ask.settle(self._found(ask) if ask.find else self._performed(ask))

    def _answer_lost(self, ask: Ask) -> None:
        self._performed(ask)
        ask.settle(GatewayUnknown("lost"))

    def _performed(self, ask: Ask) -> Done:
        return self.board.perform(ask.action, ask.leg)

    def _found(self, ask: Ask) -> str | None:
        return self.board.placed.get(ask.action.leg_id)

    # ------------------------------------------------------------ what the carrier tells

    def _delivering(self, request: Request, times: int = 1) -> Happening:
        async def deliver() -> None:
            answers = await asyncio.gather(*(self._hear(request) for _ in range(times)))
            if request in self.board.late:
                self.board.late.remove(request)
            route = request.route
            kept = await self.site.channel.call(
                "HGET", self.site.keys.documents(route.call_id), token_of(route.page, route.step)
            )
            if kept and route.page != "join":
                assert set(answers) == {kept}, "\n".join([*self.story, f"{route} was answered anew"])
            self.log.append((request, answers[0]))
            leg = request.leg
            if leg is not None and leg.asks is request:
                self.board.play(leg, pickle.loads(answers[-1]))
            for other in self.board.legs.values():
                if other.asks is request and other.doing == "talks":
                    other.asks = None

        return deliver

    async def _hear(self, request: Request) -> bytes:
        route = request.route
        leg_id = route.call_id if request.role == "caller" else route.step
        envelope = Envelope(PROVIDER, self.site.name, route.call_id, leg_id, request.role, "")
        return await self.desk.hear(route.page, route.call_id, route.step, request.event, envelope, _render)

    def _reporting(self, report: Report, times: int) -> Happening:
        async def tell() -> None:
            self.board.reports.remove(report)
            envelope = Envelope(PROVIDER, self.site.name, report.call_id, report.leg_id, report.role, "")
            for _ in range(times):
                await self.desk.note(report.event, envelope)

        return tell

    def _lose(self) -> None:
        self.board.reports.clear()
        self.board.late.clear()

    def _call(self, number: str) -> None:
        self.calls += 1
        self.board.call(f"call{self.calls}", CallOffered(number, LINE, "verified"))

    # ------------------------------------------------------------ time, people, deaths

    async def _second(self) -> None:
        self.clock.now_ms += 1_000

    async def _pass_time(self) -> None:
        """Whoever sweeps is in time; music plays and sleepers sleep that long."""
        due = await self.site.engine.read_due(1)
        times = [at for at, _ in self.process.sleepers]
        if due.entries or due.next_ms:
            times.append(due.next_ms or due.now_ms)
        if times:
            self.clock.now_ms = max(self.clock.now_ms, min(times))
        await self.site.engine.run_until(self.clock.now_ms)
        self.process.wake()

    async def _by_people(self) -> list[tuple[int, str, Happening]]:
        engine = self.site.engine
        found: list[tuple[int, str, Happening]] = []
        for agent in await self._agents():
            who = agent.agent_id
            ready = 1 if agent.state in ("ready", "offered", "talking") else 12
            found.append((ready, f"{who} is ready", quietly(partial(engine.agent_ready, who))))
            found.append((1, f"{who} goes away", quietly(partial(engine.agent_away, who, "break"))))
        for row in await self._rows():
            call_id, who, offer = row.call_id, row.agent_id or "", row.offer_id or ""
            if row.letter == "o":
                accept = partial(engine.accept_offer, call_id, who, offer)
                found.append((4, f"{who} accepts {call_id} in the application", quietly(accept)))
            if row.letter in "ob":
                decline = partial(engine.decline_offer, call_id, who, offer)
                found.append((1, f"{who} declines {call_id} in the application", quietly(decline)))
            if row.letter == "c":
                complete = partial(engine.complete_call, call_id, offer_id=offer)
                found.append((1, f"{who} completes {call_id}", quietly(complete)))
            if row.letter in "wq":
                found.append((1, f"{call_id} is withdrawn", quietly(partial(engine.withdraw_call, call_id, by="me"))))
        return found

    async def _rows(self) -> list[CallRow]:
        """Calls and callbacks."""
        calls = [f"call{number + 1}" for number in range(self.calls)]
        backs = [callback_id_of(call) for call in calls]
        names = [*calls, *backs, *(callback_id_of(back) for back in backs)]
        rows = await asyncio.gather(*(self.site.engine.read_call(name) for name in names))
        return [row for row in rows if row is not None]

    async def _agents(self) -> list[AgentRow]:
        rows = await asyncio.gather(*(self.site.engine.read_agent(agent) for agent in AGENTS))
        return [row for row in rows if row is not None]

    async def _die(self, in_order: bool = False) -> None:
        """What it had asked for may have reached the carrier, every other time."""
        for number, ask in enumerate(list(self.process.wire.asks)):
            if not ask.find and (len(self.story) + number) % 2:
                self._performed(ask)
        await self.process.term.stop()
        if in_order:
            self.process.claims.leave()
        self.process = self._start()

    async def _freeze(self) -> None:
        self.frozen = self.process
        for number, ask in enumerate(list(self.process.wire.asks)):
            reached = ask.find or (len(self.story) + number) % 2
            result = self._found(ask) if ask.find else self._performed(ask) if reached else GatewayUnknown("frozen")
            self.held.append((ask, result))
        self.process = self._start()

    async def _thaw(self) -> None:
        """It hears what was answered meanwhile, goes on for a moment, and learns that it does not lead any more."""
        assert self.frozen is not None
        process, self.frozen = self.frozen, None
        held, self.held = self.held, []
        for ask, result in held:
            ask.settle(result)
        process.wake()
        await process.settle()
        for ask in list(process.wire.asks):
            if not ask.find:
                ask.settle(self._performed(ask))
        await process.settle()
        await process.term.stop()


def _render(script: Script) -> bytes:
    return pickle.dumps(script)


def now(act: Callable[[], object]) -> Happening:
    async def happen() -> None:
        act()

    return happen


def quietly(act: Callable[[], Awaitable[object]]) -> Happening:
    """A refusal is an answer."""

    async def happen() -> None:
        with contextlib.suppress(Refused):
            await act()

    return happen
