"""`python -m loadtests.capacity`: the highest rate of complete calls that stays clean, and what a call costs there.

Each rate is a load of its own (`python -m loadtests --plain`), one after the other, until one is not clean. Whoever
drives the load runs on the same machine: what ended the climb is told, and it is not always the service.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from loadtests.demo.terminal import Terminal
from loadtests.figures import Figures
from loadtests.started import load

HOOKS_A_CALL, GOAL_MS, GOAL_RATE = 8, 5.0, 60.0
FULL, LATE_S = 0.9, 3.0
"""A process that keeps so much of a core busy is at its end; so is a locust whose last caller comes so late."""
Ended = Literal["far end", "locust", "machine", "hooks", "verdict"]
COLUMNS = ("rate", "came", "hooks", "p50 ms", "p99 ms", "ms a call", "service", "server", "far end", "locust", "")


@dataclass(frozen=True, slots=True)
class End:
    """What ends the climb, and how it is seen."""

    by: Ended
    words: str


def end_of(found: Figures, p99_ms: float, cores: int) -> End | None:
    """None: clean at this rate. What is broken is never a driver's doing; but one that is at its end makes all slow."""
    if broken := [words for words in found.faults if words not in found.late]:
        return End("verdict", f"{len(broken)} faults: {broken[0]}")
    drivers: tuple[Ended, ...] = ("far end", "locust")
    for part in drivers:
        busy = found.spent.cores(part)
        if busy >= FULL:
            return End(part, f"the {part} keeps a core {busy:.0%} busy")
    slow, late_s = found.hooks[3] > p99_ms, found.came_s - found.meant_s
    busy = found.spent.cores("service", "server", "far end", "locust")
    if busy >= FULL * cores and (slow or late_s > LATE_S or not found.clean):
        return End("machine", f"{busy:.2f} of {cores} cores are busy")
    if late_s > LATE_S:
        return End("locust", f"the last caller came {late_s:.0f} s late")
    if found.strained:
        return End("machine", found.strained[0])
    if found.late:
        return End("hooks", found.late[0])
    if slow:
        return End("hooks", f"1 % of the hooks take over {p99_ms:g} ms")
    return None


def climb(
    measure: Callable[[float], Figures], judge: Callable[[Figures], End | None], start: float, step: float, top: float
) -> Iterator[tuple[Figures, End | None]]:
    """Rate after rate until one is not clean, then once half way back. Measured when asked for."""
    rate = start
    while rate <= top:
        found = measure(rate)
        end = judge(found)
        yield found, end
        if end is not None:
            if rate > start:
                found = measure(rate - step / 2)
                yield found, judge(found)
            return
        rate += step


def best_of(steps: Sequence[tuple[Figures, End | None]]) -> Figures | None:
    """The highest clean rate; None: there was none."""
    return max((found for found, end in steps if end is None), key=lambda found: found.rate, default=None)


def row(found: Figures, end: End | None) -> list[str]:
    parts = ("service", "server", "far end", "locust")
    return [
        f"{found.rate:g}",
        f"{found.came_a_second:.1f}",
        f"{found.hooks_a_call:.1f}",
        f"{found.hooks[1]:.1f}",
        f"{found.hooks[3]:.1f}",
        f"{found.ms_a_call('service', 'server'):.1f}",
        *(f"{found.ms_a_call(part):.1f} ms {found.spent.cores(part):.0%}" for part in parts),
        "clean" if end is None else end.by,
    ]


def verdict_on(steps: Sequence[tuple[Figures, End | None]]) -> list[str]:
    """What is to be said of a climb."""
    said = [f"At {found.rate:g} a second it ended by {end.by}: {end.words}." for found, end in steps if end]
    best = best_of(steps)
    if best is None:
        return ["No rate was clean.", *said]
    beyond = "" if said else ", and nothing beyond was tried"
    said.insert(0, f"The highest clean rate is {best.rate:g} calls a second{beyond}.")
    if best.hooks_a_call < HOOKS_A_CALL:
        said.append(f"A call had {best.hooks_a_call:.1f} hooks only: these are no complete calls.")
    judged = [found for found, end in steps if end is None and found.rate >= GOAL_RATE]
    if not judged:
        said.append(f"No rate of {GOAL_RATE:g} or more was clean: the goal for a call's cost cannot be judged.")
    for found in judged[:1]:
        cost = found.ms_a_call("service", "server")
        word = "reached" if cost <= GOAL_MS else "MISSED"
        costs = f"At {found.rate:g} a second a call costs {cost:.1f} ms of CPU, service and server"
        said.append(f"{costs}; to reach ≤ {GOAL_MS:g}: {word}.")
    return said


def compared(one: Sequence[tuple[Figures, End | None]], more: Sequence[tuple[Figures, End | None]]) -> list[str]:
    """Several workers beside one: by the highest clean rate, and by what a call costs at the rates both had clean."""
    best, other = best_of(one), best_of(more)
    if best is None or other is None:
        return ["Nothing to compare: no rate was clean."]
    workers = other.workers
    said = [f"{workers} workers ÷ {best.workers}: {other.rate / best.rate:.2f} × the highest clean rate."]
    clean = {found.rate: found for found, end in one if end is None}
    for found in (found for found, end in more if end is None and found.rate in clean):
        ratio = found.ms_a_call("service", "server") / clean[found.rate].ms_a_call("service", "server")
        said.append(f"At {found.rate:g} a second a call costs {ratio:.2f} × with {workers}.")
    cores = os.cpu_count() or 1
    if cores < workers + 2:
        said.append(f"They, the server and who drives them share {cores} cores: more than that permits is not seen.")
    return said


@click.command()
@click.option("--start", default=20.0, show_default=True, type=click.FloatRange(1, 1000), help="the first rate")
@click.option("--step", default=20.0, show_default=True, type=click.FloatRange(1, 500), help="what each is more")
@click.option("--top", default=400.0, show_default=True, type=click.FloatRange(1, 1000), help="the last rate")
@click.option("--minutes", default=1.0, show_default=True, type=click.FloatRange(0.05, 60), help="of each rate")
@click.option("--p99", default=500.0, show_default=True, help="ms that one hook of a hundred may take longer than")
@click.option("--workers", multiple=True, type=click.IntRange(1, 64), help="of the service; may be given repeatedly")
@click.option("--mix", default="twilio", show_default=True, help="ways in and their weights")
@click.option("--out", default="var/capacity", show_default=True, help="folder of the reports")
def main(
    start: float, step: float, top: float, minutes: float, p99: float, workers: tuple[int, ...], mix: str, out: str
) -> None:
    """Finds the highest clean rate of complete calls, and what one costs. Exits 1 when none was, or a verdict broke."""
    terminal, cores = Terminal(sys.stdout), os.cpu_count() or 1
    climbs: list[list[tuple[Figures, End | None]]] = []
    for count in workers or (1,):
        terminal.heading(f"{count} worker(s), {cores} cores, {minutes:g} minutes at each rate, {mix}")
        steps: list[tuple[Figures, End | None]] = []

        def measure(rate: float, count: int = count) -> Figures:
            words = ("--rate", str(rate), "--minutes", str(minutes), "--workers", str(count), "--mix", mix)
            return load(Path(out) / f"{count}-workers-{rate:g}", "--plain", *words)

        for found, end in climb(measure, lambda found: end_of(found, p99, cores), start, step, top):
            steps.append((found, end))
            load_words = f"the machine's load {found.spent.load:.1f}"
            terminal.say(f"  {found.rate:g} a second: {'clean' if end is None else end.words}; {load_words}")
        terminal.table(COLUMNS, [row(found, end) for found, end in steps])
        terminal.say(*verdict_on(steps))
        climbs.append(steps)
    for more in climbs[1:]:
        terminal.say(*compared(climbs[0], more))
    broke = any(end is not None and end.by == "verdict" for steps in climbs for _, end in steps)
    sys.exit(0 if all(best_of(steps) for steps in climbs) and not broke else 1)


if __name__ == "__main__":
    main()
