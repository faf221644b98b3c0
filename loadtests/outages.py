"""What is killed in the middle of a run, when, for how long nobody answers; what fails by that, and what by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from loadtests.answers import Answers, Miss

Kind = Literal["worker", "service", "master"]
KINDS: tuple[Kind, ...] = get_args(Kind)
EVERY_S = 30.0
GRACE_S = 3.0
"""After the first answer: another process may find its way a little later."""
LONGEST_S = 15.0
"""A carrier's deadline: nobody may be without an answer for longer, whatever was killed."""
LESS_S = 30.0
"""For so long at most may answers take longer because what was killed is not back."""
CUT_S, FEW_CUT = 1.0, 5
"""So soon after a kill is a connection cut by it, and so many of those may be for good."""
FEW_SLOW = 0.01
"""Share of requests that may be asked again because the machine was busy, before the run is not clean."""
LONG_S = 2.0
"""A try that took so long before it was answered "come again" has waited, as one that got no answer in time."""
PASSING = frozenset({"slow", "unable"})


@dataclass
class Outage:
    """`at`: when it was killed, `gone_at`: when its last process had gone, until when another try may have met one that
    was dying; `back_at`: when it was there again; seconds since the epoch. `missed`: requests that
    failed by it; `cut`: those of them that had one try only; `dropped`: legs their carrier gave up, because nobody was
    there to answer. `first_s`, `last_s`: from the kill to the first answer to somebody who asked after it, and to the
    last failure.
    """

    kind: Kind
    at: float
    back_at: float | None = None
    gone_at: float | None = None
    first_s: float | None = None
    last_s: float = 0.0
    missed: int = 0
    cut: int = 0
    dropped: list[str] = field(default_factory=list)

    def excuses(self, miss: Miss) -> bool:
        """Whether it may have failed because of this kill."""
        if miss.why == "wrong" or miss.ended < self.at:
            return False
        if miss.given_up:
            return self._may_lose(miss)
        until = self._answered_at
        if miss.why in PASSING and self.back_at is not None:
            # Nobody was turned away, it took too long; until all is back there is less of it.
            until = max(until, min(self.back_at, self.at + LESS_S))
        return miss.began <= until + GRACE_S

    def _may_lose(self, miss: Miss) -> bool:
        """Given up. Where another process stands ready, every further try is answered: only who has none may lose, or
        whose last one met what was just dying.
        """
        if self.kind == "master":
            return (miss.tried or miss.began) <= self._answered_at + GRACE_S
        until = self.at + CUT_S if miss.alone else self.gone_at or self.at
        return miss.why == "cut" and (miss.tried or miss.began) <= until

    @property
    def _answered_at(self) -> float:
        return self.at + (LONGEST_S if self.first_s is None else min(self.first_s, LONGEST_S))


class Blame(NamedTuple):
    """In words. `strained`: what the machine was too full for, so that the run says nothing about the service;
    `passing`: the same, and too little to matter.
    """

    faults: list[str]
    strained: list[str]
    passing: list[str]
    late: list[str]
    """Those of the faults that only took too long."""


def moments(kinds: Sequence[Kind], seconds: float) -> list[tuple[float, Kind]]:
    """Seconds into the run, and what is killed then: spread evenly, each kind at least once."""
    count = max(len(kinds), int(seconds / EVERY_S) - 1) if kinds else 0
    return [(seconds * (number + 1) / (count + 1), kinds[number % len(kinds)]) for number in range(count)]


def assign(
    outages: Sequence[Outage], answers: Answers, full: Callable[[float, float], bool] = lambda *_: False
) -> Blame:
    """Give each outage what failed because of it, and answer for all else.

    `full`: whether the machine was between two times. What then only took too long is no fault of the service, and
    what was refused, cut off or turned away at once is one all the same.
    """
    for one in outages:
        after = [ended for began, ended in answers.answered if began >= one.at]
        one.first_s = min(after) - one.at if after else None
    faults: Counter[str] = Counter()
    again: Counter[bool] = Counter()
    late = 0
    for miss in answers.missed:
        if (outage := _excused(outages, miss)) is not None:
            outage.missed += 1
            outage.cut += miss.given_up and outage.kind != "master"
            outage.last_s = max(outage.last_s, miss.ended - outage.at)
        elif miss.why in PASSING and not miss.given_up:
            again[full(miss.began, miss.ended)] += 1
        elif _only_slow(miss, full):
            late += 1
        else:
            faults[f"{miss.what}: {miss.why}{', given up' if miss.given_up else ''}"] += 1
    found = Blame([f"{words} ({count} times)" for words, count in faults.items()], [], [], [])
    found.late.extend(words for words in found.faults if ": slow" in words)
    few = FEW_SLOW * (len(answers.answered) + len(answers.missed))
    if again[False] > few:
        found.late.append(f"{again[False]} requests had to be asked again, and nothing was away")
        found.faults.append(found.late[-1])
    if again[True] > few:
        found.strained.append(f"{again[True]} requests had to be asked again because the machine was full")
    legs = _legs(outages, answers, full, found)
    if late or legs:
        words = f"given up because the machine was full: {late} requests, {legs} legs"
        (found.strained if late + legs > few else found.passing).append(words)
    for one in outages:
        if one.cut > FEW_CUT:
            found.faults.append(f"{one.cut} requests were cut for good when the {one.kind} was killed")
        asked = one.first_s is not None or any(miss.began >= one.at for miss in answers.missed)
        if asked and (long := _long(one)):
            found.faults.append(f"nobody was answered for {long} after the {one.kind} was killed")
    return found


def again(answers: Answers) -> int:
    """Requests that were asked again."""
    return sum(not miss.given_up for miss in answers.missed)


def _legs(outages: Sequence[Outage], answers: Answers, full: Callable[[float, float], bool], found: Blame) -> int:
    """Legs that their carrier gave up, each by the request that came to nothing. How many the full machine cost."""
    given_up = {miss.who: miss for miss in answers.missed if miss.given_up and miss.who}
    lost, late = [], 0
    for at, who in answers.dropped:
        # Who asks nothing, as Asterisk, has found nobody connected.
        miss = given_up.get(who) or Miss(at, at, "", "cut", True)
        if (outage := _excused(outages, miss)) is not None:
            outage.dropped.append(who)
        elif _only_slow(miss, full):
            late += 1
        else:
            lost.append(who)
    if lost:
        found.faults.append(
            f"{len(lost)} callers were given up by their carrier for want of an answer: {lost[0]} first"
        )
    found.faults.extend(
        f"{len(outage.dropped)} legs were cut when the {outage.kind} was killed"
        for outage in outages
        if outage.kind != "master" and len(outage.dropped) > FEW_CUT
    )
    return late


def _only_slow(miss: Miss, full: Callable[[float, float], bool]) -> bool:
    """It waited for its answers on a full machine, to the end."""
    waited = miss.why == "slow" or (miss.why == "unable" and miss.last_s >= LONG_S)
    return waited and full(miss.began, miss.ended)


def _excused(outages: Sequence[Outage], miss: Miss) -> Outage | None:
    return next((outage for outage in outages if outage.excuses(miss)), None)


def _long(outage: Outage) -> str:
    if outage.first_s is None:
        return "the rest of the run"
    return f"{outage.first_s:.1f} s" if outage.first_s > LONGEST_S else ""
