"""The hour from its first call to the table at its end."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from loadtests.carriers.phones import Leg
from loadtests.carriers.tasks import Tasks
from loadtests.demo.cast import VIP_LINE, Caller, draw_cast
from loadtests.demo.desk import Supervisor, Team
from loadtests.demo.house import House, open_house
from loadtests.demo.narrator import Narrator
from loadtests.demo.stages import STAGES, Stage
from loadtests.demo.tally import AT_REST, Tally
from loadtests.demo.terminal import Terminal
from router.clock import RunningClock
from router.events.stream import read_entry

LOOK_S, PAGE = 0.01, 500
"""How often the stream is looked at, in real time, and how much of it at once."""
EPILOGUE_S = 1_500.0
"""So long after the last caller everybody must be through."""


@dataclass(frozen=True)
class Options:
    """`speed`: the demo's seconds in one of ours. `listen`: where the service can be watched meanwhile.

    `stays`: when it is over the service stays up until this is.
    """

    provider: str = "simulator"
    speed: float = 24.0
    minutes: float = 60.0
    seed: int = 7
    listen: str = "127.0.0.1:0"
    stays: Callable[[], Awaitable[object]] | None = None


async def until_interrupted() -> None:
    """Ctrl-C, or whoever ends us."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, asked.set)
    try:
        await asked.wait()
    finally:
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(one)


async def play(options: Options, out: TextIO) -> list[str]:
    """Plays the hour; answers what went wrong, nothing when nothing did."""
    clock = RunningClock(options.speed)
    with tempfile.TemporaryDirectory(prefix="vipline-demo-") as folder:
        stage = STAGES[options.provider](clock, Path(folder))
        try:
            async with stage.carrier.running(), open_house(Path(folder), options.listen, stage, clock) as house:
                return await Hour(options, stage, house, clock, Terminal(out)).run()
        finally:
            stage.over()


class Hour:
    """One performance."""

    def __init__(self, options: Options, stage: Stage, house: House, clock: RunningClock, terminal: Terminal) -> None:
        plan = house.site.plan
        self._options = options
        self._stage = stage
        self._house = house
        self._clock = clock
        self._terminal = terminal
        self._tasks = Tasks()
        self._chance = random.Random(options.seed)
        self._cast = draw_cast(self._chance, options.minutes, house.files.customers, plan.language)
        self._dialled: list[str] = []
        self._happened: Counter[str] = Counter()
        names = {one.agent_id: one.name for one in house.files.agents}
        names |= {one.customer_id: one.name for one in house.files.customers}
        people = {phone: ("", one.name) for one in house.files.customers for phone in one.phones}
        people |= {one.endpoint: ("agent", one.name) for one in house.files.agents}
        self._narrator = Narrator(terminal, lambda: clock.now_ms, plan.timezone, names, people)
        self._tally = Tally({tier.name: tier.head_start for tier in plan.tiers})
        self._team = Team(stage.carrier, clock, self._chance, plan.language, plan.voice.accept_key)
        for one in house.files.customers:
            # Whoever is called back picks up, and talks as long as people do.
            stage.carrier.people[one.phones[0]] = self._next_caller(one.phones[0])

    async def run(self) -> list[str]:
        self._curtain()
        self._stage.carrier.listener = self._told
        watching = asyncio.create_task(self._watch())
        await self._team.arrive(list(self._house.files.agents), self._house.admin)
        supervisor = Supervisor(self._house.admin, self._clock, self._options.minutes, self._narrator.supervises)
        try:
            for member in self._team.members.values():
                self._tasks.start(self._team.work(member, self._options.minutes))
            self._tasks.start(supervisor.watch())
            for caller in self._cast:
                self._tasks.start(self._call(caller))
            await self._clock.sleep(self._options.minutes * 60)
            await self._through()
        finally:
            await self._tasks.stop()
            watching.cancel()
            await asyncio.wait({watching})
        broken = await self._broken()
        self._tally.show(self._terminal)
        self._verdict(broken)
        if self._options.stays is not None:
            self._invite()
            await self._options.stays()
        return broken

    def _curtain(self) -> None:
        options, house = self._options, self._house
        pace = "in real time" if options.speed == 1 else f"{options.speed:g} times as fast as life"
        self._terminal.say(
            f"{house.site.plan.title}: {options.minutes:g} minutes, {pace}, over {options.provider}.",
            f"{len(self._cast)} callers, some more than once, {len(house.files.agents)} agents. Watch it live at",
            f"  {house.base}/live#token={house.token.secret}",
            "",
        )

    # ------------------------------------------------------------ callers

    async def _call(self, caller: Caller) -> None:
        await self._clock.sleep(caller.at_s)
        line = "the VIP line" if caller.line == VIP_LINE else "the main line"
        leg = self._dial(caller, line)
        if caller.patience_s is None:
            return
        await self._clock.sleep(caller.patience_s)
        if leg.ended or any(words.startswith("bridged") for words in leg.story):
            return
        await self._stage.carrier.hang_up(leg)
        if caller.returns_s is not None:
            await self._clock.sleep(caller.returns_s)
            self._dial(caller, f"{line} again, having lost the line")

    def _dial(self, caller: Caller, line: str) -> Leg:
        leg = self._stage.carrier.call(caller.number, caller.line, caller.person, **self._stage.vouched)
        self._dialled.append(leg.sid)
        self._narrator.calls(leg, line)
        return leg

    def _next_caller(self, number: str) -> Any:
        return next((one.person for one in self._cast if one.number == number), None) or self._cast[0].person

    # ------------------------------------------------------------ what is seen

    def _told(self, leg: Leg, words: str) -> None:
        self._narrator.told(leg, words)
        if words == "ringing":
            self._team.rings(leg, self._start)

    async def _watch(self) -> None:
        """Every entry of the stream, as it comes."""
        last, site = "0", self._house.site
        while True:
            rows = await site.channel.call("XRANGE", site.keys.events, f"({last}", "+", "COUNT", PAGE)
            for row in rows:
                event = read_entry(row)
                last = event.entry_id
                self._happened.update(event.call_ids)
                self._narrator.sees(event)
                self._tally.read(event)
                self._team.sees(event, self._start)
            if len(rows) < PAGE:
                await asyncio.sleep(LOOK_S)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.start(work)

    # ------------------------------------------------------------ the end

    async def _through(self) -> None:
        """Until everybody has been served, or it takes too long."""
        until_ms = self._clock.now_ms + EPILOGUE_S * 1000
        self._terminal.heading("No more callers: everybody who is there will be served.")
        while self._clock.now_ms < until_ms and not (self._tally.living == 0 and await self._at_rest()):
            await self._clock.sleep(1)

    async def _at_rest(self) -> bool:
        """No line is up, and no wrap-up lasts."""
        lines = any(not leg.ended for leg in self._stage.carrier.legs.values())
        return not lines and AT_REST.issuperset((await self._agents()).values())

    async def _agents(self) -> dict[str, str]:
        engine = self._house.site.engine
        return {row.agent_id: row.state for row in await engine.read_agents(await engine.agent_ids()) if row}

    async def _broken(self) -> list[str]:
        legs = list(self._stage.carrier.legs.values())
        found = self._tally.broken(self._dialled, legs, await self._agents())
        found += [f"{type(error).__name__}: {error}" for error in self._tasks.failures]
        return found + self._stage.carrier.breaches

    def _verdict(self, broken: list[str]) -> None:
        self._terminal.heading("Nobody lost, nobody left alone on a line, no agent stuck, nobody passed over:")
        for words in broken[:20]:
            self._terminal.say(self._terminal.paint(f"  broken: {words}", "red"))
        if not broken:
            self._terminal.say(self._terminal.paint("  all of it held.", "green"))

    def _invite(self) -> None:
        """To look around, and to ask why of the call that most happened to."""
        house = self._house
        bearer = f"Authorization: Bearer {house.token.secret}"
        ((call_id, _),) = self._happened.most_common(1)
        self._terminal.heading("The service stays up until Ctrl-C. Look at it:")
        self._terminal.say(
            f"  {house.base}/live#token={house.token.secret}",
            "and ask why, of any call; most happened to this one:",
            f'  curl -s -H "{bearer}" {house.base}/v1/calls/{quote(call_id, safe="")}',
            f"Everything else that can be asked is at {house.base}/docs.",
        )
