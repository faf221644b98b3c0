"""What is killed in the middle of a run, when, for how long nobody answers; what fails by that, and what by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from loadtests.answers import Answers

Kind = Literal["worker", "service", "master"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EVERY_S = 30.0
GRACE_S = 3.0
"""After the first answer: another process may find its way a little later."""
LONGEST_S = 15.0
"""A carrier's deadline: nobody may be without an answer for longer, whatever was killed."""
LESS_S = 30.0
"""For so long at most may answers take longer because what was killed is not back."""
FEW_SLOW = 0.01
"""Share of requests that may be asked again because the machine was busy, before the run is not clean."""
PASSING = frozenset({"slow", "unable"})


@dataclass
class Outage:
    """`at`: when it was killed, `back_at`: when it was there again; seconds since the epoch. `missed`: requests that
    failed by it; `dropped`: legs their carrier gave up. `first_s`, `last_s`: from the kill to the first answer to
    somebody who asked after it, and to the last failure.
    """

    kind: Kind
    at: float
    back_at: float | None = None
    first_s: float | None = None
    last_s: float = 0.0
    missed: int = 0
    dropped: list[str] = field(default_factory=list)

    def excuses(self, began: float, ended: float, *, passing: bool) -> bool:
        """`passing`: nobody was turned away, it took too long. That may last until all is back: there is less of it."""
        until = self.at + (LONGEST_S if self.first_s is None else self.first_s)
        if passing and self.back_at is not None:
            until = max(until, min(self.back_at, self.at + LESS_S))
        return ended >= self.at and began <= until + GRACE_S


def moments(kinds: Sequence[Kind], seconds: float) -> list[tuple[float, Kind]]:
    """Seconds into the run, and what is killed then: spread evenly, each kind at least once."""
    count = max(len(kinds), int(seconds / EVERY_S) - 1) if kinds else 0
    return [(seconds * (number + 1) / (count + 1), kinds[number % len(kinds)]) for number in range(count)]


def assign(outages: Sequence[Outage], answers: Answers) -> list[str]:
    """Give each outage what failed because of it. Answers all other failures, in words: they are faults."""
    for outage in outages:
        after = [ended for began, ended in answers.answered if began >= outage.at]
        outage.first_s = min(after) - outage.at if after else None
    faults: Counter[str] = Counter()
    passing = 0
    for miss in answers.missed:
        found = _excuse(outages, miss.began, miss.ended, miss.why in PASSING) if miss.why != "wrong" else None
        if found is not None:
            found.missed += 1
            found.last_s = max(found.last_s, miss.ended - found.at)
        elif miss.why in PASSING and not miss.given_up:
            passing += 1
        else:
            faults[f"{miss.what}: {miss.why}{', given up' if miss.given_up else ''}"] += 1
    told = [f"{words} ({count} times)" for words, count in faults.items()]
    if passing > FEW_SLOW * (len(answers.answered) + len(answers.missed)):
        told.append(f"{passing} requests had to be asked again, and nothing was away")
    for at, who in answers.dropped:
        found = _excuse(outages, at - LONGEST_S, at, True)  # for so long a carrier has tried
        if found is not None:
            found.dropped.append(who)
        else:
            told.append(f"{who}: the carrier gave up, and nothing was away")
    for outage in outages:
        asked = outage.first_s is not None or any(miss.began >= outage.at for miss in answers.missed)
        if asked and (long := _long(outage)):
            told.append(f"nobody was answered for {long} after the {outage.kind} was killed")
    return told


def again(answers: Answers) -> int:
    """Requests that were asked again."""
    return sum(not miss.given_up for miss in answers.missed)


def _excuse(outages: Sequence[Outage], began: float, ended: float, passing: bool) -> Outage | None:
    return next((outage for outage in outages if outage.excuses(began, ended, passing=passing)), None)


def _long(outage: Outage) -> str:
    if outage.first_s is None:
        return "the rest of the run"
    return f"{outage.first_s:.1f} s" if outage.first_s > LONGEST_S else ""
