"""`python -m loadtests.memory`: does the service, or its server, grow while it works? Resident memory over a long load.

What is meant to stay is kept so short that as much goes as comes before the last half begins: ended calls for a
minute (`retain_ended`), the traces by which late repeats of them are known for twenty seconds (`tombstone`), callbacks
for ten minutes (thirty of those). What still grows then is a leak, or a stream that has not reached its length yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loadtests.demo.terminal import Terminal
from loadtests.figures import Figures
from loadtests.meter import slope
from loadtests.started import load

GOAL = 1.0
"""Per cent in ten minutes."""
TOMBSTONE_S = 20


def slopes(found: Figures) -> dict[str, float]:
    """What each has grown by in the last half of the time in which calls came, per cent in ten minutes."""
    since_s, until_s = found.first_s + found.seconds / 2, found.first_s + found.seconds
    half = [point for point in found.rss if since_s <= point[0] <= until_s]
    return {
        "service": slope((at_s, service) for at_s, service, _ in half),
        "server": slope((at_s, server) for at_s, _, server in half),
    }


def rows(found: Figures, count: int = 10) -> list[list[str]]:
    """So many moments of the run: s, MB of the service, of the server."""
    every = max(1, len(found.rss) // count)
    return [[f"{at_s:.0f}", f"{a / 1e6:.1f}", f"{b / 1e6:.1f}"] for at_s, a, b in found.rss[::every]]


@click.command()
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(0.05, 600))
@click.option("--rate", default=20.0, show_default=True, type=click.FloatRange(0.1, 1000), help="callers a second")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="processes of the service")
@click.option("--plain", is_flag=True, help="only calls that hold, are connected and end")
@click.option("--out", default="var/memory", show_default=True, help="folder of the reports")
def main(minutes: float, rate: float, workers: int, plain: bool, out: str) -> None:
    """Prints how memory grew; exits 1 when the last half grew by over 1 % in ten minutes, or the load was not clean."""
    terminal, folder = Terminal(sys.stdout), Path(out)
    words = ("--minutes", str(minutes), "--rate", str(rate), "--workers", str(workers), *(["--plain"] if plain else []))
    found = load(folder, *words, "--tombstone", str(TOMBSTONE_S))
    terminal.table(("s", "service MB", "server MB"), rows(found))
    grown = slopes(found)
    for part, per_cent in grown.items():
        word = "reached" if per_cent <= GOAL else "MISSED"
        terminal.say(f"{part}: {per_cent:+.2f} % in ten minutes over the last half; to reach ≤ {GOAL:g}: {word}.")
    if found.faults:
        terminal.say(f"The load was not clean: {len(found.faults)} faults, {found.faults[0]}")
    terminal.say(str(folder / "report.html"))
    sys.exit(0 if max(grown.values()) <= GOAL and not found.faults else 1)


if __name__ == "__main__":
    main()
