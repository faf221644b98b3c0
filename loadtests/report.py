"""A judgement as people read it: tables on the terminal, one page of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from loadtests.curves import Moment, Weight, curves
from loadtests.demo.terminal import Terminal
from loadtests.judgement import SITUATIONS, Judgement
from loadtests.options import Options

SHOWN, FEW = 30, 12

TIERS = ("tier", "calls", "answered", "hung up", "called back", "overflowed", "in time", "mean", "p50", "p90", "p95")
OUTAGES = ("killed", "at", "answered again", "last failure", "back", "while away", "legs given up")
HOOKS = ("hook", "count", "p50 ms", "p95 ms", "p99 ms", "max ms")


@dataclass(frozen=True)
class Effort:
    """Seconds of processor time, and how many calls came to an end with it."""

    service_s: float
    driver_s: float
    calls: int
    wall_s: float


def _seconds(ms: float | None) -> str:
    return "–" if ms is None else f"{ms / 1000:.2f} s"


def tier_rows(found: Judgement) -> list[list[str]]:
    return [
        [
            one.tier,
            f"{one.calls:,}",
            f"{one.answered:,}",
            f"{one.abandoned:,}",
            f"{one.callbacks:,}",
            f"{one.overflowed:,}",
            "–" if one.service_level is None else f"{one.service_level:.1%}",
            *(_seconds(ms) for ms in (one.mean_ms, one.p50_ms, one.p90_ms, one.p95_ms)),
        ]
        for one in found.tiers
        if one.calls
    ]


def hook_rows(found: Judgement) -> list[list[str]]:
    return [[page, f"{count:,}", *(f"{ms:,.1f}" for ms in times)] for page, count, *times in found.hooks]


def outage_rows(found: Judgement) -> list[list[str]]:
    return [
        [
            one.kind,
            f"{one.at - found.began_s:.1f} s",
            "–" if one.first_s is None else f"{one.first_s:.2f} s",
            f"{one.last_s:.2f} s" if one.missed else "–",
            "–" if one.back_at is None else f"{one.back_at - one.at:.1f} s",
            f"{one.missed:,}",
            f"{len(one.dropped):,}",
        ]
        for one in found.outages
    ]


def away_words(found: Judgement) -> list[str]:
    """What the kills cost, and whom."""
    dropped = [f"{who} ({one.kind})" for one in found.outages for who in one.dropped]
    told = [f"while away: {sum(one.missed for one in found.outages):,} requests failed or were cut off"]
    if dropped:
        told.append(f"cut off, and given up by their carrier: {', '.join(dropped)}")
    return told


def effort_words(effort: Effort) -> str:
    per_call_ms = effort.service_s / max(1, effort.calls) * 1000
    return (
        f"{effort.calls:,} calls in {effort.wall_s:.0f} s; service and server {effort.service_s:.1f} s of CPU "
        f"({per_call_ms:.1f} ms a call), the load itself {effort.driver_s:.1f} s"
    )


def headline(found: Judgement) -> str:
    if found.faults:
        return f"BROKEN: {len(found.faults)} faults"
    if found.unproven:
        return "NOT CLEAN: the load was too slow, and nothing is proven of the service"
    return f"NOT CLEAN: {len(found.missing)} situations were too rare" if found.missing else "CLEAN"


def trouble(found: Judgement, count: int) -> list[str]:
    """Why it is not clean; the first so many faults."""
    return [*found.faults[:count], *found.strained, *(f"too rare: {words}" for words in found.missing)]


def print_report(terminal: Terminal, found: Judgement, options: Options, effort: Effort) -> None:
    terminal.heading("Waits by tier")
    terminal.table(TIERS, tier_rows(found))
    if found.hooks:
        terminal.heading("Hooks, as the carrier saw them")
        terminal.table(HOOKS, hook_rows(found))
    terminal.heading("What occurred")
    terminal.table(("situation", "times"), [[name, f"{found.counts[name]:,}"] for name in SITUATIONS])
    if found.outages:
        terminal.heading("What was killed")
        terminal.table(OUTAGES, outage_rows(found))
        terminal.say(*away_words(found))
    elif found.again:
        terminal.say(f"requests that were asked again: {found.again:,}")
    terminal.say(*found.passing)
    terminal.heading("What it cost")
    terminal.say(effort_words(effort))
    terminal.heading("Verdict")
    for words in trouble(found, SHOWN):
        terminal.say(terminal.paint(f"  {words}", "red"))
    if len(found.faults) > SHOWN:
        terminal.say(f"  … and {len(found.faults) - SHOWN} more")
    terminal.say(terminal.paint(headline(found), "green" if found.clean else "red"))


def page(
    found: Judgement, options: Options, effort: Effort, over_time: Sequence[Moment], memory: Sequence[Weight] = ()
) -> str:
    """One HTML page that needs nothing else."""
    marks = [(one.at - found.began_s, one.kind) for one in found.outages]
    mix = ", ".join(f"{share:.0%} {way}" for way, share in options.mix.items())
    colour = "#14804a" if found.clean else "#b3261e"
    parts = [
        f"<h1>Load: {options.rate:g} calls a second for {options.minutes:g} minutes</h1>",
        f"<p class=head style='background:{colour}'>{escape(headline(found))}</p>",
        f"<p>{escape(mix)}; shape {escape(options.shape)}; {options.workers} worker(s); one second here is "
        f"{options.pace:g} of a caller's. {escape(effort_words(effort))}.</p>",
    ]
    if listed := trouble(found, 200):
        items = "".join(f"<li>{escape(words)}</li>" for words in listed)
        parts.append(
            f"<details{' open' if len(listed) <= FEW else ''}><summary>What broke</summary><ul>{items}</ul></details>"
        )
    parts += ["<h2>Waits by tier</h2>", _table(TIERS, tier_rows(found))]
    if over_time:
        rates = {"arrived": ("callers a second", "#1f6feb"), "ended": ("calls ended a second", "#8b949e")}
        crowd = {
            "waiting": ("waiting", "#b3261e"),
            "talking": ("talking", "#14804a"),
            "ready": ("agents free", "#9a6700"),
        }
        parts += ["<h2>Over time</h2>", curves(over_time, rates, marks), curves(over_time, crowd, marks)]
    if found.outages:
        parts += ["<h2>What was killed</h2>", _table(OUTAGES, outage_rows(found))]
        parts += [f"<p>{escape(words)}.</p>" for words in (*away_words(found), *found.passing)]
    if memory:
        names = {"service": ("the service, MB", "#1f6feb"), "server": ("its server, MB", "#b3261e")}
        parts += ["<h2>Memory</h2>", curves(memory, names)]
    if found.hooks:
        parts += ["<h2>Hooks, as the carrier saw them</h2>", _table(HOOKS, hook_rows(found))]
    rows = [[name, f"{found.counts[name]:,}"] for name in SITUATIONS]
    others = [[name, f"{count:,}"] for name, count in sorted(found.counts.items()) if name not in SITUATIONS]
    parts += ["<h2>What occurred</h2>", _table(("situation", "times"), rows + others)]
    parts.append("<p>The load driver's own statistics: <a href='locust.html'>locust.html</a>.</p>")
    return f"<!doctype html><meta charset=utf-8><title>vipline load</title><style>{_STYLE}</style>{''.join(parts)}"


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2rem auto;padding:0 1rem;color:#1c2128;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
.head{color:#fff;padding:.6rem 1rem;border-radius:6px;font-weight:600}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid #d8dee4}
th:first-child,td:first-child{text-align:left}thead th{color:#57606a;font-weight:600}
tbody tr:last-child{font-weight:600}
figure{margin:1rem 0}svg{width:100%}svg text{font-size:11px;fill:#57606a}.grid{stroke:#d8dee4}
line.kill{stroke:#1c2128;stroke-dasharray:3 3}svg text.kill{fill:#1c2128}
"""
