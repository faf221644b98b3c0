"""Judges the very estimator that serves: fed a log in order, asked at each arrival, told at each answer."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from router.domain.estimates import EVERY_MS, Estimator, Forecasts, Sample
from router.domain.judging import Estimate
from router.domain.waiting import WaitingLines
from router.replay.rules import POOL
from router.replay.trace import CLASSES, TraceCall

NEAR_MS = 30_000
DAY_MS = 86_400_000
VIP = 2
# Within one second: talks end, then those who leave the line do, then callers come.
TALK_ENDS, LEAVES, COMES, LEAVES_AT_ONCE = range(4)


@dataclass(slots=True)
class Judgement:
    """The answers of a class whose wait had been estimated."""

    answers: int = 0
    squares: float = field(default=0.0, repr=False)
    errors: float = field(default=0.0, repr=False)
    near: int = 0
    within_p50: int = 0
    within_p90: int = 0

    def take(self, said: Estimate, mean_ms: float, wait_ms: int) -> None:
        self.answers += 1
        self.squares += ((wait_ms - mean_ms) / 1000) ** 2
        self.errors += abs(wait_ms - said.p50_ms) / 1000
        self.near += abs(wait_ms - said.p50_ms) <= NEAR_MS
        self.within_p50 += wait_ms <= said.p50_ms
        self.within_p90 += wait_ms <= said.p90_ms

    @property
    def rmse_s(self) -> float | None:
        """Of the mean, s."""
        return math.sqrt(self.squares / self.answers) if self.answers else None

    @property
    def mae_s(self) -> float | None:
        """Of p50, s."""
        return self.errors / self.answers if self.answers else None

    def share(self, count: int) -> float | None:
        """Percent of the answers."""
        return 100 * count / self.answers if self.answers else None


class Moment(NamedTuple):
    """Something that happened in a day; sorted as the log's second has it."""

    second: int
    kind: int
    number: int


@dataclass(frozen=True, slots=True)
class _Waiting:
    sample: Sample
    mean_ms: float


class EstimateCheck:
    """One site's estimator and line, day after day."""

    def __init__(self, head_starts_ms: Mapping[int, int], judged_from: datetime.date | None) -> None:
        self._head_starts_ms = head_starts_ms
        self._judged_from = judged_from or datetime.date.min
        self._estimator = Estimator()
        self._forecasts = Forecasts()
        self._next_ms = 0
        self.judged = {name: Judgement() for name in ("all", *CLASSES.values())}

    def play(self, day: datetime.date, calls: Sequence[TraceCall]) -> None:
        """One day's calls, those who did not have to wait included."""
        midnight_ms = day.toordinal() * DAY_MS
        lines, waiting = WaitingLines(), dict[int, _Waiting]()
        for moment in sorted(_moments(calls)):
            call, now_ms = calls[moment.number], midnight_ms + moment.second * 1000
            self._publish(now_ms)
            if moment.kind == TALK_ENDS and call.service is not None:
                self._estimator.talked((call.service[1] - call.service[0]) * 1000)
            elif moment.kind == COMES:
                rank = (now_ms - self._head_starts_ms.get(call.priority, 0)) * 1000 + moment.number % 1000
                ahead = lines.ahead(POOL, rank)
                waiting[moment.number] = self._arrive(CLASSES[call.priority], ahead, now_ms)
                lines.join(str(moment.number), rank, [POOL])
            elif moment.kind in (LEAVES, LEAVES_AT_ONCE):
                lines.leave(str(moment.number))
                if call.answered:
                    self._answer(waiting[moment.number], now_ms, judge=day >= self._judged_from)
                del waiting[moment.number]

    def _arrive(self, tier: str, ahead: int, now_ms: int) -> _Waiting:
        forecast = self._forecasts.at(now_ms)
        curve = forecast.curve(POOL, tier) if forecast else None
        mean_ms = curve.mean(ahead) * 1000 if curve else 0.0
        sample = self._estimator.sample(POOL, tier, ahead, now_ms, forecast)
        self._estimator.came(POOL, now_ms)
        return _Waiting(sample, mean_ms)

    def _answer(self, caller: _Waiting, now_ms: int, judge: bool) -> None:
        sample = caller.sample
        if judge and sample.said is not None:
            for name in ("all", sample.tier):
                self.judged[name].take(sample.said, caller.mean_ms, now_ms - sample.since_ms)
        self._estimator.answered(sample, now_ms)

    def _publish(self, now_ms: int) -> None:
        if now_ms >= self._next_ms:
            self._next_ms = now_ms + EVERY_MS
            self._forecasts.add(self._estimator.forecast(now_ms))


def check(
    days: Mapping[datetime.date, Sequence[TraceCall]],
    head_starts_ms: Mapping[int, int],
    judged_from: datetime.date | None,
    tell: Callable[[int], None],
) -> dict[str, Judgement]:
    """Class ("all" too) → judgement; `tell` hears how many calls are done."""
    checking = EstimateCheck(head_starts_ms, judged_from)
    for day, calls in days.items():
        checking.play(day, calls)
        tell(len(calls))
    return checking.judged


def _moments(calls: Iterable[TraceCall]) -> Iterator[Moment]:
    for number, call in enumerate(calls):
        if call.service is not None:
            yield Moment(call.service[1], TALK_ENDS, number)
        if call.queued:
            yield Moment(call.arrived, COMES, number)
            yield Moment(call.left, LEAVES if call.left > call.arrived else LEAVES_AT_ONCE, number)
