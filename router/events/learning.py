"""What the estimator learns from a site's events: who began to wait behind how many, who was answered, who talked how
long. No I/O: entries go in, in stream order, and what must be kept comes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from router.domain.estimates import EVERY_MS, Estimator, Forecasts, Sample
from router.domain.events import Event, order
from router.domain.judging import Estimate
from router.domain.waiting import WaitingLines

RANKED = frozenset({"call.accepted", "call.boosted", "call.recalled", "callback.booked"})
"""Entries after which a call's rank is another; the rank itself stands in the call's record."""
FIRST = "0-0"


@dataclass(slots=True)
class Followed:
    """A call that has not ended. `samples`: for each group it waits in, what was known when it began to.

    `taught`: it may teach. A callback waits for no one on the line, and a supervisor's help is nothing to expect.
    """

    rank: int
    tier: str
    accepted_ms: int
    lanes: tuple[str, ...] = ()
    standing: bool = False
    taught: bool = True
    talking_ms: int | None = None
    samples: list[Sample] = field(default_factory=list)

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def load(cls, text: str | bytes) -> Followed | None:
        """None for one that another version wrote."""
        kept = json.loads(text)
        try:
            samples = [
                Sample(**{**each, "said": each["said"] and Estimate(**each["said"])}) for each in kept["samples"]
            ]
            return cls(**{**kept, "lanes": tuple(kept["lanes"]), "samples": samples})
        except (KeyError, TypeError):
            return None


class Learning:
    """One site's estimator, the calls it follows, and the last entry that both contain."""

    def __init__(
        self,
        estimator: Estimator | None = None,
        forecasts: Forecasts | None = None,
        calls: Mapping[str, Followed] | None = None,
        last: str = FIRST,
        wrap_up_ms: Callable[[], int] = lambda: 30_000,
    ) -> None:
        self.estimator = estimator or Estimator()
        self.forecasts = forecasts or Forecasts()
        self.calls = dict(calls or {})
        self.last = last
        self.trimmed = 0
        """Entries known to have left the stream."""
        self.learned = False
        self.touched: set[str] = set()
        self._lines = WaitingLines()
        self._wrap_up_ms = wrap_up_ms
        for call_id, call in self.calls.items():
            self._place(call_id, call)

    def new(self, events: Sequence[Event]) -> list[Event]:
        """Those not yet taken: an entry that is handed out twice is learned once."""
        return [event for event in events if order(event.entry_id) > order(self.last)]

    def take(self, event: Event, ranks: Mapping[str, int]) -> None:
        """The next entry. `ranks`: of calls that entries of RANKED name; one that is missing came by its clock."""
        self.last = event.entry_id
        call_id, facts = event.fields.get("call", ""), event.facts
        if event.type in ("call.accepted", "callback.booked") and facts is not None:
            rank = ranks.get(call_id, facts.accepted_ms * 1000)
            self.calls[call_id] = Followed(rank, facts.tier, facts.accepted_ms, taught=facts.kind in ("j", "a"))
        self._turn(event)
        if call_id in self.calls:
            self.touched.add(call_id)
            self._follow(call_id, self.calls[call_id], event, ranks)

    def begin_anew(self, last: str, ranks: Mapping[str, int], lanes: Mapping[str, Collection[str]]) -> None:
        """Entries are missing: go on after `last` with the calls found in line. They teach nothing, for how many were
        ahead when they came is not known."""
        self.estimator.owners.open.clear()
        for call_id in list(self.calls):
            self._lines.leave(call_id)
        self.touched.update(self.calls, ranks)
        self.last = last
        self.calls = {
            call_id: Followed(rank, "", 0, tuple(lanes[call_id]), standing=True, taught=False)
            for call_id, rank in ranks.items()
        }
        for call_id, call in self.calls.items():
            self._place(call_id, call)

    def due(self, now_ms: int) -> bool:
        """Whether it is time for a forecast."""
        newest = self.forecasts.newest
        return newest is None or now_ms >= newest.from_ms + EVERY_MS

    def overlook(self, now_ms: int) -> None:
        """Who waits longer than was said counts against what is said, though nobody may ever answer."""
        for call_id, call in self.calls.items():
            if self._missed(call, now_ms):
                self.touched.add(call_id)
        self.learned |= self.estimator.owners.overlook(now_ms)

    def _missed(self, call: Followed, now_ms: int) -> bool:
        missed = {sample for sample in call.samples if self.estimator.missed(sample, now_ms)}
        # Judged once: an answer still teaches, and says no more of what was said.
        call.samples = [replace(sample, said=None) if sample in missed else sample for sample in call.samples]
        return bool(missed)

    def _turn(self, event: Event) -> None:
        """An agent is free for the next caller, and takes one or finds none: what was said of them is due."""
        if event.type in ("call.offered", "agent.ready"):
            idle = event.type == "agent.ready"
            self.learned |= self.estimator.owners.turned(event.fields.get("agent", ""), event.at_ms, idle=idle)

    def _asked(self, call: Followed, event: Event) -> None:
        """A caller is asked about an owner who talks, or is about to: what is said then will be judged."""
        lane = next((lane for lane in reversed(call.lanes) if not group_of(lane)), "")
        seen = dict(part.split("=", 1) for part in event.fields.get("seen", "").split() if "=" in part)
        letter, _, since = seen.get(lane, "").partition(",")
        forecast = self.forecasts.at(call.accepted_ms)
        if letter not in ("o", "t") or forecast is None:
            return
        talking_s = max(0.0, event.at_ms - float(since or event.at_ms)) / 1000 if letter == "t" else 0.0
        ahead = sum(other.standing and lane in other.lanes and other.rank < call.rank for other in self.calls.values())
        self.estimator.asked(lane[1:], talking_s, self._wrap_up_ms() / 1000, ahead, event.at_ms, forecast)
        self.learned = True

    def _follow(self, call_id: str, call: Followed, event: Event, ranks: Mapping[str, int]) -> None:
        match event.type:
            case "call.accepted" | "call.widened" | "callback.booked":
                self._join(call_id, call, event)
            case "call.owner_busy":
                self._asked(call, event)
            case "call.boosted" | "call.recalled":
                call.rank = ranks.get(call_id, call.rank)
                if event.type == "call.boosted":
                    self._no_teacher(call)
            case "call.assigned":
                call.lanes = (f"@{event.fields['agent']}", *call.lanes)
                self._no_teacher(call)
            case "call.offered":
                call.standing = False
                # A lane in which somebody was ready was never waited in.
                call.samples = [sample for sample in call.samples if sample.since_ms != event.at_ms]
            case "call.returned":
                self._talked(call, event)
                call.standing = True
            case "call.connected":
                self._answered(call, event)
            case "call.transferred":
                self._talked(call, event)
                call.lanes = ()
            case "call.ended":
                self._talked(call, event)
                self._missed(call, event.at_ms)
                del self.calls[call_id]
                call.standing = False
        self._place(call_id, call)

    def _join(self, call_id: str, call: Followed, event: Event) -> None:
        lanes = tuple(event.fields.get("lanes", "").split())
        fresh = [lane for lane in lanes if lane not in call.lanes]
        call.lanes = lanes
        call.standing = event.fields.get("state", "w") in ("w", "q")
        if not call.standing or not call.taught:
            return
        forecast = self.forecasts.at(call.accepted_ms)
        for lane in fresh:
            group = group_of(lane)
            if group and all(sample.group != group for sample in call.samples):
                ahead = self._lines.ahead(lane, call.rank)
                call.samples.append(self.estimator.sample(group, call.tier, ahead, event.at_ms, forecast))
                self.estimator.came(group, event.at_ms)

    def _answered(self, call: Followed, event: Event) -> None:
        for sample in call.samples:
            self.estimator.answered(sample, event.at_ms)
            self.learned = True
        call.samples, call.standing, call.talking_ms = [], False, event.at_ms

    def _talked(self, call: Followed, event: Event) -> None:
        if call.talking_ms is not None:
            self.estimator.talked(event.at_ms - call.talking_ms)
            call.talking_ms = None
            self.learned = True

    def _no_teacher(self, call: Followed) -> None:
        call.taught, call.samples = False, []

    def _place(self, call_id: str, call: Followed) -> None:
        if call.standing:
            self._lines.join(call_id, call.rank, [lane for lane in call.lanes if group_of(lane)])
        else:
            self._lines.leave(call_id)


def group_of(lane: str) -> str:
    """The group of a lane, "" for an agent's own."""
    return "" if lane.startswith("@") else lane.partition("+")[0]
