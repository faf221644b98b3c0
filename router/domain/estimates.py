"""How long will this caller still wait? What a site learns from its own answers; judging.py: what may be told. Pure.

Learned per group and tier: a line over the calls ahead (fitting). Handed out as a `Forecast`, frozen once a minute. A
call goes by the forecast that was in force when it was accepted, so that its estimate depends on the calls ahead alone
and never grows because time passes.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from router.domain.fitting import Curve, Fit
from router.domain.judging import KEEP_MS, Estimate, Hours, Owners, Promise, Quality, at_most_ms
from router.domain.talks import Talks, until_free

VERSION = 1
ENOUGH = 20
"""Answers below which nothing is said."""
EVERY_MS = 60_000
LEAD_MS = 3_000
"""How long after it was made a forecast comes into force: by then every process has it."""
PRESSURE_MS = 150_000
RECENT = 0.1


@dataclass(frozen=True, slots=True)
class Mood:
    """How busy a group is: callers who came lately, forgotten over `PRESSURE_MS`, and how long the last ten or so who
    were answered had waited, s."""

    pressure: float = 0.0
    at_ms: int = 0
    recent_s: float = 0.0

    def at(self, now_ms: int) -> Mood:
        return Mood(self.pressure * math.exp(min(0, self.at_ms - now_ms) / PRESSURE_MS), now_ms, self.recent_s)


@dataclass(frozen=True, slots=True)
class Sample:
    """A caller who began to wait in a group: what was known then, and what was said (None: nothing yet)."""

    group: str
    tier: str
    ahead: int
    pressure: float
    recent_s: float
    since_ms: int
    said: Estimate | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the site says from `from_ms` on. `curves` by `group;tier`, `group;` and, for all, `;`."""

    from_ms: int
    curves: Mapping[str, Curve]
    moods: Mapping[str, Mood]
    talks: Talks = field(default_factory=Talks)
    quality: Quality = field(default_factory=Quality)
    owners: Quality = field(default_factory=Quality)

    def curve(self, group: str, tier: str = "") -> Curve | None:
        """Of the class, else of its group, else of everybody; None while too little is known."""
        return self.curves.get(f"{group};{tier}") or self.curves.get(f"{group};") or self.curves.get(";")

    def wait(self, group: str, tier: str, ahead: int) -> Estimate | None:
        """What is left of the wait of a caller with so many calls ahead."""
        curve = self.curve(group, tier)
        return None if curve is None else in_ms(curve.quantiles(ahead))

    def dump(self) -> str:
        return json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str | bytes) -> Forecast | None:
        """None for one that another version wrote."""
        kept = json.loads(text)
        if kept["v"] != VERSION:
            return None
        return cls(
            kept["from_ms"],
            {name: _curve(curve) for name, curve in kept["curves"].items()},
            {name: Mood(**mood) for name, mood in kept["moods"].items()},
            Talks(**kept["talks"]),
            Quality(**kept["quality"]),
            Quality(**kept.get("owners", {})),
        )


class Forecasts:
    """The last hour's, oldest first."""

    def __init__(self) -> None:
        self._kept: list[Forecast] = []
        self._starts: list[int] = []

    def add(self, forecast: Forecast) -> None:
        self._kept.append(forecast)
        while len(self._kept) > 2 and self._kept[1].from_ms <= forecast.from_ms - KEEP_MS:
            del self._kept[0]
        self._starts = [each.from_ms for each in self._kept]

    @property
    def newest(self) -> Forecast | None:
        return self._kept[-1] if self._kept else None

    def at(self, accepted_ms: int) -> Forecast | None:
        """The one in force when a call was accepted; None for a call of before, or of more than an hour ago."""
        place = bisect_right(self._starts, accepted_ms)
        return self._kept[place - 1] if place else None


class Estimator:
    """What a site has learned. Everything that happens is told to it in order; `forecast` says what follows."""

    def __init__(self) -> None:
        self.fits: dict[str, Fit] = {}
        self.moods: dict[str, Mood] = {}
        self.talks = Talks()
        self.hours = Hours()
        self.owners = Owners()

    def came(self, group: str, at_ms: int) -> None:
        """A caller began to wait in a group."""
        mood = self.moods.get(group, Mood()).at(at_ms)
        self.moods[group] = Mood(mood.pressure + 1, at_ms, mood.recent_s)

    def sample(self, group: str, tier: str, ahead: int, at_ms: int, forecast: Forecast | None) -> Sample:
        """What is known of a caller who begins to wait now, under the forecast in force."""
        mood = (forecast.moods.get(group) if forecast else None) or self.moods.get(group, Mood()).at(at_ms)
        said = forecast.wait(group, tier, ahead) if forecast else None
        return Sample(group, tier, ahead, mood.pressure, mood.recent_s, at_ms, said)

    def answered(self, sample: Sample, at_ms: int) -> None:
        """The caller of a sample was connected."""
        wait_s = max(0, at_ms - sample.since_ms) / 1000
        inputs = (float(sample.ahead), sample.pressure, sample.recent_s)
        for name in (f"{sample.group};{sample.tier}", f"{sample.group};", ";"):
            self.fits.setdefault(name, Fit()).learn(inputs, wait_s)
        mood = self.moods.get(sample.group, Mood())
        recent_s = mood.recent_s + RECENT * (wait_s - mood.recent_s)
        self.moods[sample.group] = Mood(mood.pressure, mood.at_ms, recent_s)
        if sample.said is not None:
            self.hours.judge(sample.said, at_ms - sample.since_ms, at_ms)

    def missed(self, sample: Sample, at_ms: int) -> bool:
        """Whether the caller of a sample, who was not connected up to now, has waited longer than was said."""
        wait_ms = at_ms - sample.since_ms
        if sample.said is None or wait_ms <= at_most_ms(sample.said):
            return False
        self.hours.judge(sample.said, wait_ms, at_ms)
        return True

    def asked(
        self, agent_id: str, talking_s: float, wrap_up_s: float, ahead: int, at_ms: int, forecast: Forecast
    ) -> None:
        """A caller was asked about an owner who has talked so long, with so many before them in the owner's lane."""
        talks = forecast.talks
        if talks.known:
            p50, p90 = talks.rest(talking_s)
            said = in_ms(until_free(talks, (p50 + wrap_up_s, p90 + wrap_up_s), wrap_up_s, ahead))
            self.owners.promise(agent_id, Promise(at_ms, said, ahead))

    def talked(self, talk_ms: int) -> None:
        """A conversation ended."""
        self.talks = self.talks.learn(talk_ms / 1000)

    def forecast(self, now_ms: int) -> Forecast:
        """What may be said from shortly after `now_ms` on."""
        moods = {group: mood.at(now_ms) for group, mood in self.moods.items()}
        curves = {}
        for name, fit in self.fits.items():
            if fit.samples >= ENOUGH:
                fit.solve()
                mood = moods.get(name.partition(";")[0])
                curves[name] = fit.curve((0.0, mood.pressure, mood.recent_s) if mood else None)
        return Forecast(
            now_ms + LEAD_MS, curves, moods, self.talks, self.quality(now_ms), self.owners.hours.quality(now_ms)
        )

    def quality(self, now_ms: int) -> Quality:
        """How the last hour's answers agreed with what was said."""
        return self.hours.quality(now_ms)

    def dump(self) -> str:
        return json.dumps(
            {
                "v": VERSION,
                "fits": {name: fit.dump() for name, fit in self.fits.items()},
                "moods": {name: asdict(mood) for name, mood in self.moods.items()},
                "talks": asdict(self.talks),
                "hours": self.hours.dump(),
                "owners": self.owners.dump(),
            },
            separators=(",", ":"),
        )

    @classmethod
    def load(cls, text: str | bytes) -> Estimator:
        """What another version wrote is forgotten: a new one has learned it again within hours."""
        kept, estimator = json.loads(text), cls()
        if kept["v"] == VERSION:
            estimator.fits = {name: Fit.load(fit) for name, fit in kept["fits"].items()}
            estimator.moods = {name: Mood(**mood) for name, mood in kept["moods"].items()}
            estimator.talks = Talks(**kept["talks"])
            estimator.hours = Hours.load(kept["hours"])
            estimator.owners = Owners.load(kept["owners"]) if "owners" in kept else Owners()
        return estimator


def in_ms(quantiles: tuple[float, float]) -> Estimate:
    return Estimate(round(quantiles[0] * 1000), round(quantiles[1] * 1000))


def _curve(kept: dict[str, Any]) -> Curve:
    return Curve(**{**kept, "p50": tuple(kept["p50"]), "p90": tuple(kept["p90"])})
