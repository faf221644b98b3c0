"""What a run was worth: invariants that must hold, situations that must have occurred, waits and service levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.lanes import group_of
from loadtests.outages import Outage
from loadtests.verdict import Verdict
from router.domain.events import Event

ENOUGH, ENOUGH_MINUTES = 50, 2.0
"""So often must everything have occurred in a run of that length for it to be clean."""
DEADLINE_MS = 15_000.0
"""A carrier's; docs of ours aim far below."""
STATES = {"g": "greeting", "q": "choosing", "w": "waiting", "o": "offered", "b": "offered", "c": "connected"}
GONE = frozenset({"abandoned", "short_abandoned", "answered"})
SITUATIONS = (
    "overflow",
    "question: transfer",
    "question: wait",
    "question: callback",
    "question: no answer",
    "question: wrong key",
    "offer ignored",
    "agent vanished",
    *(f"caller gone: {state}" for state in ("greeting", "choosing", "waiting", "offered", "connected")),
)


@dataclass
class Fate:
    """One call's, from its entries. Times in ms; `talked_ms`: when the first talk began. `offered`: it got as far as a
    line, and is no callback. `waited_ms`: until it was answered or hung up, on the promise clock.
    """

    tier: str
    came_ms: int
    offered: bool = False
    talked_ms: int | None = None
    waited_ms: int | None = None
    ended_ms: int | None = None
    outcome: str = ""


@dataclass(frozen=True)
class TierFigures:
    """Waits in ms on the promise clock, as the service's own metrics count them. `calls`: all that came; `answered`,
    `abandoned`: of those that came into a line and are no callbacks, without who called again. `service_level`: `net`
    by docs/metrics.md; None where nobody counts.
    """

    tier: str
    calls: int
    answered: int
    abandoned: int
    callbacks: int
    overflowed: int
    service_level: float | None
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None


@dataclass
class Judgement:
    """`faults`: invariants that broke. `missing`: situations that were too rare for a clean run. `strained`: what the
    load or its machine was too slow for, so that nothing is proven; `passing`: the same, and too little to matter.
    `outages`: what was killed meanwhile; `again`: requests that had to be asked again; `began_s`: when the run did, s
    since the epoch.
    """

    faults: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    strained: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    """Those faults of which a slow driver may be the cause: nobody was lost, it took too long."""
    counts: Counter[str] = field(default_factory=Counter)
    tiers: list[TierFigures] = field(default_factory=list)
    hooks: list[tuple[str, int, float, float, float, float]] = field(default_factory=list)
    """(page, how many, p50, p95, p99, max), ms; `all` last."""
    outages: list[Outage] = field(default_factory=list)
    again: int = 0
    began_s: float = 0.0

    @property
    def clean(self) -> bool:
        return not self.faults and not self.missing and not self.strained

    @property
    def unproven(self) -> bool:
        """The load or its machine was too slow, and nothing speaks against the service."""
        return bool(self.strained) and not self.faults


def share(values: Sequence[float], at: float) -> float | None:
    """A quantile of sorted values."""
    return values[min(len(values) - 1, int(len(values) * at))] if values else None


class Judge:
    """Reads a stream whole, oldest entry first."""

    def __init__(self, head_starts: Mapping[str, int], target_ms: int) -> None:
        self.verdict = Verdict(head_starts)
        self.counts: Counter[str] = Counter()
        self.fates: dict[str, Fate] = {}
        self._tiers = list(head_starts)
        self._target_ms = target_ms

    def read(self, events: Iterable[Event]) -> Judge:
        for event in events:
            before = self.verdict.calls.get(event.fields.get("old", ""))
            asked = before is not None and before.state == "choosing"
            self._overflows(event)
            self.verdict.read([event])
            self._count(event, asked)
            self._follow(event)
        return self

    def close(
        self,
        created: Iterable[str],
        left: Iterable[str],
        samples: Iterable[tuple[str, float]],
        minutes: float,
        deadline_ms: float = DEADLINE_MS,
        *,
        connected: Mapping[str, str] | None = None,
        finished: Iterable[str] = (),
    ) -> Judgement:
        """`created`, `connected` (offer → call), `finished`: what clients were told; `left`: what else is wrong;
        `samples`: hooks' (page, ms).
        """
        found = Judgement([*self.verdict.close(created, connected or {}, finished), *left], counts=self.counts)
        found.hooks = hook_figures(samples)
        late = sum(ms > deadline_ms for _, ms in samples)
        if late:
            found.late.append(f"{late} hooks were answered after the carrier's deadline of {deadline_ms / 1000:g} s")
            found.faults += found.late
        if minutes >= ENOUGH_MINUTES:
            found.missing = [f"{one}: {self.counts[one]}" for one in SITUATIONS if self.counts[one] < ENOUGH]
        found.tiers = [self._figures(tier) for tier in (*self._tiers, "all")]
        return found

    def _overflows(self, event: Event) -> None:
        """A call that a group had already reaches a further one, as the metrics count it."""
        if event.type not in ("call.accepted", "call.widened"):
            return
        seen = self.verdict.calls.get(event.fields["call"]) if event.type == "call.widened" else None
        old = set(filter(None, map(group_of, seen.lanes if seen else ())))
        new = set(filter(None, map(group_of, event.fields["lanes"].split()))) - old
        self.counts["overflow"] += bool(new) if old else len(new) > 1

    def _count(self, event: Event, asked: bool) -> None:
        told = event.fields
        if event.type == "callback.booked" and asked:
            self.counts["question: callback"] += 1
        elif event.type == "call.choice":
            answer = {"timeout": "no answer", "unclear": "wrong key"}.get(told["by"], told["choice"])
            self.counts[f"question: {answer}"] += 1
        elif event.type == "call.returned":
            if told["cause"] in ("expired", "no_answer"):
                self.counts["offer ignored"] += 1
            elif told["cause"] in ("break", "offline"):
                self.counts["agent vanished"] += 1
            self.counts[f"returned: {told['cause']}"] += 1
        elif event.type == "call.ended":
            if told["outcome"] in GONE and told.get("cause") in ("hangup", "normal", ""):
                self.counts[f"caller gone: {STATES.get(told['was'], told['was'])}"] += 1
            self.counts[f"outcome: {told['outcome']}"] += 1
        elif event.type == "call.offered":
            self.counts["offers"] += 1

    def _follow(self, event: Event) -> None:
        call_id, facts = event.fields.get("call", ""), event.facts
        if event.type in ("call.greeting", "call.accepted", "callback.booked") and facts:
            fate = self.fates.setdefault(call_id, Fate(facts.tier, facts.accepted_ms))
            fate.tier = facts.tier
            fate.offered = event.type == "call.accepted" and not facts.kind.startswith("k")
        elif event.type == "call.connected" and call_id in self.fates:
            fate = self.fates[call_id]
            if fate.talked_ms is None:
                fate.talked_ms = event.at_ms
                fate.waited_ms = event.at_ms - facts.accepted_ms if facts else None
        elif event.type == "call.ended" and call_id in self.fates:
            fate = self.fates[call_id]
            fate.ended_ms, fate.outcome = event.at_ms, event.fields["outcome"]
            if fate.talked_ms is None and facts:
                fate.waited_ms = event.at_ms - facts.accepted_ms
        elif event.type == "call.recalled" and event.fields.get("old") in self.fates:
            self.fates[event.fields["old"]].outcome = "recalled"
            if call_id in self.fates:
                fate = self.fates[call_id]
                fate.came_ms = min(fate.came_ms, self.fates[event.fields["old"]].came_ms)

    def _figures(self, tier: str) -> TierFigures:
        fates = [fate for fate in self.fates.values() if tier in ("all", fate.tier)]
        ends = Counter(fate.outcome for fate in fates)
        offered = [fate for fate in fates if fate.offered and fate.waited_ms is not None]
        waits = sorted(fate.waited_ms or 0 for fate in offered if fate.talked_ms is not None)
        left = Counter(fate.outcome for fate in offered if fate.talked_ms is None)
        counted = len(waits) + left["abandoned"]
        level = sum(wait <= self._target_ms for wait in waits) / counted if counted else None
        return TierFigures(
            tier,
            len(fates),
            len(waits),
            left["abandoned"] + left["short_abandoned"],
            ends["callback"],
            ends["overflowed_out"],
            level,
            sum(waits) / len(waits) if waits else None,
            share(waits, 0.5),
            share(waits, 0.9),
            share(waits, 0.95),
        )


def hook_figures(samples: Iterable[tuple[str, float]]) -> list[tuple[str, int, float, float, float, float]]:
    by_page: dict[str, list[float]] = {}
    for page, ms in samples:
        by_page.setdefault(page, []).append(ms)
        by_page.setdefault("all", []).append(ms)
    rows = []
    for page in sorted(by_page, key=lambda name: (name == "all", name)):
        times = sorted(by_page[page])
        p50, p95, p99 = (share(times, at) or 0.0 for at in (0.5, 0.95, 0.99))
        rows.append((page, len(times), p50, p95, p99, times[-1]))
    return rows
