"""The parts of the benchmark. Each is prepared once and measured once; twice more where it misses a goal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from statistics import median

from router.bench import api, client, flatness, hooks, machine, memory, ringing, startup, viewers
from router.bench.figures import Figure, Results, in_floors
from router.bench.goals import REPEATS, VIEWED, api_name, hook_name
from router.bench.rounds import Rounds
from router.bench.server import BenchServer, bench_server
from router.bench.site import BenchSite
from router.bench.transitions import SCENES, lifecycle, lifecycles, scenes

ROUNDS, QUICK_ROUNDS, FLAT_ROUNDS = 15, 9, 31
PARTS = ("starts", "transitions", "memory", "client", "hooks", "api", "viewers", "rings", "streams", "teams", "lines")

Measurements = AsyncGenerator[list[Figure], None]
"""A part's figures, measured anew each time they are asked for."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What was measured, on what."""

    results: Results
    server: str
    machine: str


async def run(say: Say, *, quick: bool = False, only: Collection[str] = PARTS) -> Bench:
    """Measures the parts named in `only`; `quick`: the transitions only, without repetitions.

    `say` is told what comes next.
    """
    results = Results()
    chosen = ("transitions",) if quick else [part for part in PARTS if part in only]
    if "starts" in chosen:
        await _measure("starts", start(), results, say)
    with bench_server() as server:
        for what in chosen:
            if what != "starts":
                await _measure(what, _part(what, server, quick), results, say, repeat=not quick)
        return Bench(results, server.version(), f"{machine.describe()}; {server.apart}")


def _part(what: str, server: BenchServer, quick: bool) -> Measurements:
    match what:
        case "transitions":
            return transitions(server, QUICK_ROUNDS if quick else ROUNDS)
        case "memory":
            return hot_keys(server)
        case "client":
            return cpu(server)
        case "hooks":
            return hooked(server)
        case "api":
            return asked(server)
        case "viewers":
            return watched(server)
        case "rings":
            return rung(server)
        case "streams":
            return flat(server, flatness.stream_of, flatness.ENTRIES, "entries")
        case "teams":
            return flat(server, flatness.team_of, flatness.AGENTS, "agents")
        case _:
            return flat(server, flatness.line_of, flatness.WAITING, "waiting")


async def _measure(what: str, part: Measurements, results: Results, say: Say, *, repeat: bool = True) -> None:
    async with aclosing(part) as measurements:
        say(f"measuring {what}")
        figures = await anext(measurements)
        results.add(figures)
        missed = set(results.missed()) & {figure.name for figure in figures}
        for _ in range(REPEATS - 1 if repeat and missed else 0):
            say(f"measuring {what} again: {', '.join(sorted(missed))}")
            results.add(await anext(measurements), missed)


async def start() -> Measurements:
    while True:
        took = await startup.start()
        yield [
            Figure("embedded server from nothing, alone", took.server, "ms"),
            Figure("embedded server from nothing, scripts loaded", took.ready, "ms"),
        ]


async def transitions(server: BenchServer, rounds: int) -> Measurements:
    """Each transition, and the lifecycle; and how many lifecycles a core carries beside how many floors."""
    collected = Rounds(server)
    played = await scenes(server, collected)
    while True:
        _play(played, rounds)
        measured = collected.take()
        measured |= {f"lifecycle, {scene}": lifecycle(measured, scene) for scene in SCENES}
        yield [
            Figure("floor script", collected.floor_usec, "µs"),
            *(in_floors(name, rows) for name, rows in measured.items()),
            Figure("lifecycles a second ÷ floors a second", 1 / measured["lifecycle, 1 lane"].wall_floors, "x"),
        ]


async def hot_keys(server: BenchServer) -> Measurements:
    for at in range(REPEATS):
        figures = []
        for lanes, name in ((1, "1 lane"), (3, "3 lanes")):
            per_call = await memory.per_waiting_call(server, f"memory{at}-{lanes}", lanes)
            figures.append(Figure(f"hot keys of a waiting call, {name}", per_call.hot, "bytes", {"all": per_call.all}))
        yield figures


async def cpu(server: BenchServer) -> Measurements:
    while True:
        ratios = await client.cpu_ratios(server.url)
        yield [
            Figure("CPU of a call ÷ redis-py's, 64 at once", ratios[64], "x"),
            Figure("CPU of a call ÷ redis-py's, one at a time", ratios[1], "x"),
        ]


async def hooked(server: BenchServer) -> Measurements:
    while True:
        ratios = await hooks.cpu_ratios(server.url, cores=machine.others())
        yield [
            Figure("reading a form of 28 fields", ratios.pop("floor"), "µs"),
            *(Figure(hook_name(hook), ratio, "x") for hook, ratio in ratios.items()),
        ]


async def asked(server: BenchServer) -> Measurements:
    while True:
        ratios = await api.cpu_ratios(server.url, cores=machine.others())
        yield [
            Figure("reading a body of JSON", ratios.pop("floor"), "µs"),
            *(Figure(api_name(step), ratio, "x") for step, ratio in ratios.items()),
        ]


async def watched(server: BenchServer) -> Measurements:
    while True:
        cost = await viewers.cost(server.url, cores=machine.others())
        yield [
            Figure(f"a plain write of {cost.size} bytes", cost.plain, "µs"),
            Figure(VIEWED, cost.ratio, "x", {"usec": round(cost.viewed, 2)}),
        ]


async def rung(server: BenchServer) -> Measurements:
    while True:
        took = await ringing.rings(server.url)
        yield [
            Figure("agent free to ring handed over, median", median(took), "ms"),
            Figure("agent free to ring handed over, p99", ringing.percentile(took, 0.99), "ms"),
        ]


async def flat(
    server: BenchServer, prepare: Callable[[BenchServer, int], Awaitable[BenchSite]], sizes: Sequence[int], what: str
) -> Measurements:
    """A lifecycle at each size, and what it costs at the largest in units of the smallest."""
    collected = Rounds(server, flatness.WARM, flatness.TIMED)
    played = [lifecycles(collected, await prepare(server, size), f"{size}") for size in sizes]
    while True:
        _play(played, FLAT_ROUNDS)
        measured = collected.take()
        costs = [lifecycle(measured, f"{size}") for size in sizes]
        ratio = costs[-1].floors / costs[0].floors
        yield [
            *(in_floors(f"lifecycle, {size:,} {what}", cost) for size, cost in zip(sizes, costs, strict=True)),
            Figure(f"lifecycle, {sizes[-1]:,} ÷ {sizes[0]:,} {what}", ratio, "x"),
        ]


def _play(scenes: Sequence[Iterator[None]], rounds: int) -> None:
    """The rounds of all scenes in turn, so that what changes about the machine changes for each of them."""
    for _ in range(rounds + 1):
        for scene in scenes:
            next(scene)
