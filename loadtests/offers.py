"""`python -m loadtests.offers`: how soon a telephone rings when an agent becomes free, with a thousand in line.

A thousand agents talk and a thousand callers wait, over Twilio and in real time; new callers come at `--rate`, and a
talk is so long that as many agents become free. Each is freed over the API, as by the button that ends a wrap-up early.
From just before that request to the command to ring that agent's telephone, arrived at the carrier: that is one figure,
and everything is in it: the way there, the decision, the stream, the outbox, the way to the carrier.
"""

from __future__ import annotations

import asyncio
import gc
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp
import click
import uvloop

from loadtests.carriers.phones import Person
from loadtests.carriers.tasks import Tasks
from loadtests.demo.stages import STAGES, Stage
from loadtests.demo.terminal import Terminal
from loadtests.farend import Folk
from loadtests.judgement import share
from loadtests.meter import PARTS, Meter, Spent
from loadtests.options import Options
from loadtests.people import Crowd
from loadtests.services import ground
from loadtests.site import OPEN
from loadtests.tape import Tape
from router.clock import RunningClock
from router.domain.events import Event

GOAL_MS = 50.0
AROUND_TALK_S, SHORTEST_TALK_S = 4.5, 0.5
"""What a call takes of an agent beside the talk: being rung, picking up, the key, wrapping up."""
WRAPS_S = (0.2, 1.0)
AT_ONCE = 16


@dataclass(frozen=True)
class Delivered:
    """One run. `ms`: each ring, sorted. `waiting`, `busy`: callers and agents, as a rule, while it was measured."""

    ms: list[float]
    waiting: float
    busy: float
    spent: Spent

    @property
    def p50_ms(self) -> float:
        return share(self.ms, 0.5) or 0.0

    @property
    def p99_ms(self) -> float:
        return share(self.ms, 0.99) or 0.0


class Desk(Folk):
    """Agents who take every call. Notes when the command to ring one arrives, if that one has been freed."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance, willing=True)
        self.freed: dict[str, float] = {}
        self.took_ms: list[float] | None = None

    def get(self, number: str, default: object = None) -> Person:
        freed = self.freed.pop(number, None)
        if freed is not None and self.took_ms is not None:
            self.took_ms.append((time.perf_counter() - freed) * 1000)
        person: Person = super().get(number, default)
        return person


class Floor:
    """Who is on the floor of that house, followed by the event stream. Frees agents whose talk is over."""

    def __init__(self, stage: Stage, session: aiohttp.ClientSession, desk: Desk, options: Options, talk_s: float):
        self.waiting: set[str] = set()
        self.busy: set[str] = set()
        self.tasks = Tasks()
        self._stage, self._session, self._desk, self._talk_s = stage, session, desk, talk_s
        self._chance, self._crowd = random.Random(options.seed), Crowd(options)

    def sees(self, event: Event) -> None:
        told = event.fields
        if event.type in ("call.accepted", "call.returned"):
            self.waiting.add(told["call"])
        elif event.type == "call.offered":
            self.waiting.discard(told["call"])
            self.busy.add(told["agent"])
        elif event.type == "call.ended":
            self.waiting.discard(told["call"])
            if told.get("was") == "c":
                self.tasks.start(self._free(told["agent"]))
        elif event.type == "agent.ready":
            self.busy.discard(told["agent"])

    async def ready(self, agents: Sequence[str]) -> None:
        """All of them, at the start."""
        left = iter(agents)

        async def one_after_the_other() -> None:
            for agent in left:
                await self._ask("PUT", f"/v1/agents/{agent}/state", {"state": "ready"})

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    async def callers(self, rate: float) -> None:
        """They come at that rate, until cancelled."""
        at = time.monotonic()
        while True:
            at += self._chance.expovariate(rate)
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            drawn = self._crowd.draw()
            # Not all of the first at once: they all begin within one talk's length.
            talks_s = self._talk_s * self._chance.uniform(0.8, 1.2)
            person = Person(presses=drawn.presses, talks_s=talks_s * self._stage.carrier.speed)
            self._stage.carrier.call(drawn.number, OPEN, person, **self._stage.vouched)

    async def _free(self, agent: str) -> None:
        await asyncio.sleep(self._chance.uniform(*WRAPS_S))
        self._desk.freed[_endpoint(agent)] = time.perf_counter()
        await self._ask("POST", f"/v1/agents/{agent}/wrapped", None)

    async def _ask(self, method: str, path: str, body: object) -> None:
        async with self._session.request(method, path, json=body) as answer:
            if answer.status != 200:
                raise RuntimeError(f"{method} {path} was answered {answer.status}")
            await answer.read()


def _endpoint(agent: str) -> str:
    return f"sip:{agent.removeprefix('agent-')}@desk"


async def measure(options: Options, waiting: int, seconds: float) -> Delivered:
    """One run: until so many wait, then for that long. RuntimeError: they never did."""
    options.folder.mkdir(parents=True, exist_ok=True)
    token, desk = secrets.token_hex(24), Desk(random.Random(options.seed))
    talk_s = max(SHORTEST_TALK_S, options.agents / options.rate - AROUND_TALK_S)
    with tempfile.TemporaryDirectory(prefix="vipline-offers-") as name:
        async with AsyncExitStack() as stack:
            stage = STAGES["twilio"](RunningClock(options.pace), Path(name))
            stage.carrier.people = desk  # type: ignore[misc]
            await stack.enter_async_context(stage.carrier.running())
            house = await stack.enter_async_context(ground(Path(name), options, {"twilio": stage}, token))
            stage.wire(house.base, [OPEN])
            stack.push_async_callback(stage.carrier.fall_silent)
            headers = {"Authorization": f"Bearer {token}"}
            session = await stack.enter_async_context(aiohttp.ClientSession(house.base, headers=headers))
            floor, meter = Floor(stage, session, desk, options, talk_s), Meter(seconds)
            stack.push_async_callback(floor.tasks.stop)
            tape, jobs = Tape(floor.sees), Tasks()
            stack.push_async_callback(jobs.stop)
            jobs.start(tape.follow(house.redis))
            await floor.ready([f"agent-{number}" for number in range(options.agents)])
            filling = jobs.start(floor.callers(options.rate * 2))
            await _filled(floor, waiting, longest_s=60 + 2 * (options.agents + waiting) / options.rate)
            filling.cancel()
            jobs.start(floor.callers(options.rate))
            for service in house.services:
                meter.watch_service(service.pid)
            gc.collect()
            gc.disable()  # a thousand calls are played in this process: its own pauses are nobody's ringing
            desk.took_ms, seen = [], []
            jobs.start(meter.run())
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                seen.append((len(floor.waiting), len(floor.busy)))
                await asyncio.sleep(min(0.5, seconds))
            meter.read()
            took, desk.took_ms = sorted(desk.took_ms), None
            gc.enable()
            for failure in (*jobs.failures, *floor.tasks.failures):
                raise failure
    if not took:
        raise RuntimeError("nobody became free while it was measured")
    return Delivered(took, median(one for one, _ in seen), median(one for _, one in seen), meter.spent())


async def _filled(floor: Floor, waiting: int, longest_s: float) -> None:
    try:
        async with asyncio.timeout(longest_s):
            while len(floor.waiting) < waiting:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise RuntimeError(f"only {len(floor.waiting)} came to wait: the service or this machine is too slow") from None


def verdict_on(runs: Sequence[Delivered]) -> tuple[str, bool]:
    """The medians in words, and whether the goal is reached."""
    p50, p99 = median(run.p50_ms for run in runs), median(run.p99_ms for run in runs)
    reached = p99 <= GOAL_MS
    word = "reached" if reached else "MISSED"
    return f"Median of {len(runs)} runs: p50 {p50:.1f} ms, p99 {p99:.1f} ms; to reach ≤ {GOAL_MS:g}: {word}.", reached


def row(run: Delivered) -> list[str]:
    busy = [f"{run.spent.cores(part):.0%}" for part in PARTS if part != "locust"]
    figures = (run.p50_ms, run.p99_ms, run.ms[-1])
    return [f"{len(run.ms):,}", f"{run.waiting:,.0f}", f"{run.busy:,.0f}", *(f"{ms:.1f}" for ms in figures), *busy]


@click.command()
@click.option("--rate", default=30.0, show_default=True, type=click.FloatRange(0.5, 500), help="callers a second")
@click.option("--agents", default=1_000, show_default=True, type=click.IntRange(1, 5_000))
@click.option("--waiting", default=1_000, show_default=True, type=click.IntRange(1, 5_000), help="callers in line")
@click.option(
    "--seconds", default=30.0, show_default=True, type=click.FloatRange(0.5, 600), help="measured, of each run"
)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="processes of the service")
@click.option("--out", default="var/offers", show_default=True, help="folder of the service's log")
def main(rate: float, agents: int, waiting: int, seconds: float, runs: int, workers: int, out: str) -> None:
    """From an agent who becomes free to the command that rings the telephone; exits 1 when its p99 is over 50 ms."""
    terminal, found = Terminal(sys.stdout), []
    terminal.say(f"{agents:,} agents, {waiting:,} waiting, {rate:g} calls a second")
    for number in range(runs):
        options = Options(
            rate=rate, agents=agents, pace=1.0, mix={"twilio": 1.0}, workers=workers, plain=True, seed=number, out=out
        )
        found.append(uvloop.run(measure(options, waiting, seconds)))
        terminal.say(f"  run {number + 1}: p50 {found[-1].p50_ms:.1f} ms, p99 {found[-1].p99_ms:.1f} ms")
    columns = ("rings", "waiting", "busy", "p50 ms", "p99 ms", "max ms", "service", "server", "far end")
    terminal.table(columns, [row(run) for run in found])
    words, reached = verdict_on(found)
    terminal.say(words)
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
