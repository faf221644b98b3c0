"""What happened when: calls, lines and agents over the run, as curves in SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.verdict import Verdict
from router.domain.events import Event

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 180, 46, 22
STEPS = 120


@dataclass(frozen=True)
class Moment:
    """`at_s` into the run: callers and ends a second, who waits, who talks, who is free."""

    at_s: float
    arrived: float
    ended: float
    waiting: int
    talking: int
    ready: int


@dataclass(frozen=True)
class Weight:
    """`at_s` since the service was ready: MB resident."""

    at_s: float
    service: float
    server: float


def moments(events: Sequence[Event], head_starts: dict[str, int]) -> list[Moment]:
    """The run in STEPS pieces. The stream must not be empty."""
    verdict = Verdict(head_starts)
    begin_ms = events[0].at_ms
    piece_ms = max(1.0, (events[-1].at_ms - begin_ms) / STEPS)
    found: list[Moment] = []
    counts: Counter[str] = Counter()
    until_ms = begin_ms + piece_ms
    for event in events:
        while event.at_ms > until_ms:
            found.append(_moment(verdict, counts, (until_ms - begin_ms) / 1000, piece_ms / 1000))
            counts.clear()
            until_ms += piece_ms
        counts[event.type] += 1
        verdict.read([event])
    found.append(_moment(verdict, counts, (until_ms - begin_ms) / 1000, piece_ms / 1000))
    return found


def _moment(verdict: Verdict, counts: Counter[str], at_s: float, piece_s: float) -> Moment:
    states = Counter(verdict.calls[call_id].state for call_id in verdict.live)
    agents = Counter(agent.state for agent in verdict.agents.values())
    arrived = max(counts["call.greeting"], counts["call.accepted"])
    waiting = states["waiting"] + states["choosing"]
    return Moment(
        at_s, arrived / piece_s, counts["call.ended"] / piece_s, waiting, states["connected"], agents["ready"]
    )


def curves(
    found: Sequence[Moment] | Sequence[Weight],
    names: dict[str, tuple[str, str]],
    marks: Sequence[tuple[float, str]] = (),
) -> str:
    """`names`: field of each → (what it is called, its colour). One picture, one scale.

    `marks`: seconds into the run, and what a line there says.
    """
    top = max([1.0, *(getattr(moment, name) for moment in found for name in names)])
    span = max(1.0, found[-1].at_s)
    lines = []
    for name, (_, colour) in names.items():
        points = " ".join(
            f"{LEFT + moment.at_s / span * WIDTH:.1f},{HEIGHT - getattr(moment, name) / top * HEIGHT:.1f}"
            for moment in found
        )
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    grid = "".join(
        f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{HEIGHT * part:.0f}" y2="{HEIGHT * part:.0f}" class="grid"/>'
        f'<text x="{LEFT - 6}" y="{HEIGHT * part + 4:.0f}" text-anchor="end">{top * (1 - part):.0f}</text>'
        for part in (0.0, 0.5, 1.0)
    )
    ticks = "".join(
        f'<text x="{LEFT + WIDTH * part:.0f}" y="{HEIGHT + 16}" text-anchor="middle">{span * part:.0f} s</text>'
        for part in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    lines += [
        f'<line x1="{LEFT + at_s / span * WIDTH:.1f}" x2="{LEFT + at_s / span * WIDTH:.1f}" y1="0" y2="{HEIGHT}"'
        f' class="kill"/><text x="{LEFT + at_s / span * WIDTH + 3:.1f}" y="8" class="kill">{words}</text>'
        for at_s, words in marks
    ]
    legend = " ".join(f'<b style="color:{colour}">— {words}</b>' for words, colour in names.values())
    size = f'viewBox="0 -8 {LEFT + WIDTH + 20} {HEIGHT + BOTTOM + 8}"'
    return f"<figure><figcaption>{legend}</figcaption><svg {size}>{grid}{ticks}{''.join(lines)}</svg></figure>"
