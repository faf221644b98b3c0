"""The result as a table for people and as one object for programs."""

from __future__ import annotations

from typing import Any

from router.bench.figures import Results
from router.bench.run import Bench

_DIGITS = {"F": 2, "x": 3, "bytes": 0, "ms": 0, "µs": 2}
_HEADING = ("", "figure", "to reach", "ambitious", "verdict")


def table(bench: Bench) -> str:
    """One line for each figure, the goals' verdicts at its end."""
    rows = [_HEADING, *(_row(bench.results, name) for name in bench.results.names())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING))]
    lines = ["  ".join(f"{cell:{'>' if at else '<'}{widths[at]}}" for at, cell in enumerate(row)) for row in rows]
    head = f"{bench.server}, {bench.machine}"
    note = "F: the floor script of the same run. x: a ratio. Medians of paired rounds."
    return "\n".join([head, note, "", lines[0], "-" * len(lines[0]), *lines[1:]])


def document(bench: Bench) -> dict[str, Any]:
    """`figures` in the table's order; a goal's `values` are its repetitions."""
    return {
        "server": bench.server,
        "machine": bench.machine,
        "missed": bench.results.missed(),
        "figures": [_entry(bench.results, name) for name in bench.results.names()],
    }


def _row(results: Results, name: str) -> tuple[str, ...]:
    figure, goal = results.figure(name), results.goals.get(name)
    digits = _DIGITS[figure.unit]
    shown = f"{figure.value:,.{digits}f} {figure.unit}"
    if goal is None:
        return (name, shown, "", "", "")
    sign = "≥" if goal.at_least else "≤"
    ambitious = "" if goal.ambitious is None else f"{sign} {goal.ambitious:g}"
    return (name, shown, f"{sign} {goal.to_reach:g}", ambitious, results.verdict(name) or "")


def _entry(results: Results, name: str) -> dict[str, Any]:
    figure, goal = results.figure(name), results.goals.get(name)
    entry: dict[str, Any] = {"name": name, "value": round(figure.value, 4), "unit": figure.unit, **figure.detail}
    if goal:
        entry |= {
            "to_reach": goal.to_reach,
            "ambitious": goal.ambitious,
            "at_least": goal.at_least,
            "values": [round(value, 4) for value in results.values(name)],
            "verdict": results.verdict(name),
        }
    return entry
