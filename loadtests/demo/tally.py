"""What became of everybody, read from the event stream and the lines: the tables at the end, and what must not be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from loadtests.carriers.phones import Leg
from loadtests.demo.terminal import Terminal
from loadtests.verdict import Verdict
from router.domain.events import Event

AT_REST = frozenset({"ready", "break", "offline"})


@dataclass
class Fate:
    """One call's. `waited_ms` until the first talk; None without one."""

    tier: str
    came_ms: int
    callback: bool = False
    waited_ms: int | None = None
    outcome: str = ""


class Tally:
    """Reads every entry once. `head_starts`: tier → ms, as the plan has them."""

    def __init__(self, head_starts: Mapping[str, int]) -> None:
        self.tiers = list(head_starts)
        self.verdict = Verdict(head_starts)
        self.fates: dict[str, Fate] = {}
        self.choices: Counter[str] = Counter()
        self.returns: Counter[str] = Counter()
        self.asked = 0
        self.offers = 0

    @property
    def living(self) -> int:
        """Calls that have not ended."""
        return sum(not fate.outcome for fate in self.fates.values())

    def read(self, event: Event) -> None:
        self.verdict.read([event])
        call_id, facts = event.fields.get("call", ""), event.facts
        if event.type in ("call.accepted", "call.greeting") and facts:
            self.fates.setdefault(call_id, Fate(facts.tier, facts.accepted_ms))
        elif event.type == "callback.booked":
            old = self.fates[event.fields["old"]]
            self.fates[call_id] = Fate(old.tier, old.came_ms, callback=True)
            self.choices["callback"] += self.verdict.calls[event.fields["old"]].state == "choosing"
        elif event.type == "call.owner_busy":
            self.asked += 1
        elif event.type == "call.choice":
            self.choices[_choice(event)] += 1
        elif event.type == "call.offered":
            self.offers += 1
        elif event.type == "call.returned":
            self.returns[event.fields["cause"]] += 1
        elif event.type == "call.connected" and self.fates[call_id].waited_ms is None:
            self.fates[call_id].waited_ms = event.at_ms - self.fates[call_id].came_ms
        elif event.type == "call.ended":
            self.fates[call_id].outcome = event.fields["outcome"]
        elif event.type == "call.recalled" and event.fields.get("old") in self.fates:
            old = self.fates[event.fields["old"]]
            old.outcome = "recalled"
            self.fates.get(call_id, old).came_ms = old.came_ms

    # ------------------------------------------------------------ the end

    def broken(self, dialled: Iterable[str], legs: Iterable[Leg], agents: Mapping[str, str]) -> list[str]:
        """What must not be. `dialled`: calls that reached a line of ours; `agents`: id → state when all is over."""
        found = list(self.verdict.close(dialled, {}, (), all_over=True))
        found += [f"{leg.sid} is left alone on the line: {leg.story[-3:]}" for leg in legs if not leg.ended]
        stuck = {agent: state for agent, state in agents.items() if state not in AT_REST}
        return found + [f"{agent} is stuck: {state}" for agent, state in stuck.items()]

    def show(self, terminal: Terminal) -> None:
        terminal.heading("Who called, and what became of them")
        terminal.table(
            ["tier", "calls", "answered", "called back", "hung up", "sent away", "mean wait", "p90 wait"],
            [self._row(tier) for tier in [*self.tiers, "all"] if tier == "all" or self._of(tier)],
        )
        terminal.heading("Their own agent was busy")
        answers = [f"{self.choices[name]} {words}" for name, words in _ANSWERS]
        answers += [f"{self.asked - self.choices.total()} hung up, or the agent was free before they answered"]
        terminal.say(f"asked {self.asked} times: " + ", ".join(answers))
        booked = [fate for fate in self.fates.values() if fate.callback]
        answered = sum(fate.outcome == "answered" for fate in booked)
        terminal.heading("Callbacks")
        terminal.say(f"{len(booked)} booked, {answered} talked to, " + _others(booked))
        terminal.heading("Offers to agents")
        causes = ", ".join(f"{count} {cause.replace('_', ' ')}" for cause, count in self.returns.most_common())
        terminal.say(f"{self.offers} offers; {sum(self.returns.values())} came back: {causes or 'none'}")

    def _of(self, tier: str) -> list[Fate]:
        return [fate for fate in self.fates.values() if not fate.callback and tier in ("all", fate.tier)]

    def _row(self, tier: str) -> list[object]:
        fates = self._of(tier)
        ends = Counter(fate.outcome for fate in fates)
        waits = sorted(
            fate.waited_ms
            for fate in self.fates.values()
            if fate.waited_ms is not None and tier in ("all", fate.tier) and not fate.callback
        )
        mean = sum(waits) / len(waits) if waits else None
        p90 = waits[min(len(waits) - 1, int(len(waits) * 0.9))] if waits else None
        hung_up = ends["abandoned"] + ends["short_abandoned"] + ends["recalled"]
        sent_away = ends["overflowed_out"] + ends["rejected"] + ends["failed"]
        return [tier, len(fates), ends["answered"], ends["callback"], hung_up, sent_away, _span(mean), _span(p90)]


_ANSWERS = (
    ("transfer", "went to a colleague"),
    ("wait", "waited"),
    ("callback", "wanted to be called back"),
    ("default", "said nothing we understood"),
)


def _choice(event: Event) -> str:
    return event.fields.get("choice", "") if event.fields.get("by") == "caller" else "default"


def _span(ms: float | None) -> str:
    return "–" if ms is None else f"{int(ms) // 60_000}:{int(ms) // 1_000 % 60:02}"


def _others(fates: Iterable[Fate]) -> str:
    ends = Counter(fate.outcome or "open" for fate in fates if fate.outcome != "answered")
    return ", ".join(f"{count} {end.replace('_', ' ')}" for end, count in sorted(ends.items())) or "none open"
