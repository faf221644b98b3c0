"""A site's plan: who waits where, for how long, and who goes first. Typed, frozen, and spelled as in the YAML.

Durations are whole milliseconds once read. Names that must exist elsewhere are checked in `crosscheck.py`,
so a plan from `loading.py` has every ladder, group, tier and skill it mentions.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.identity import TRUST as TRUST
from config.identity import Asked, Identification, Limits, Velocity
from config.identity import Trust as Trust
from config.identity import TrustRule as TrustRule
from config.identity import Vouching as Vouching
from config.parts import Crm as Crm
from config.parts import Exit, Hours, Part, Words
from config.telephony import Telephony
from config.values import (
    Amount,
    Count,
    Dialled,
    Duration,
    Language,
    Name,
    Names,
    OneOrMoreNames,
    Region,
    Text,
    Timezone,
    country_of,
    unique,
)
from config.voice import Voice
from router.domain.ladder import DefaultChoice, Timing, WhenBusy

OWNER, COVER = "owner", "cover"
"""The two places a rung may lead to that are no groups."""


class Tier(Part):
    """One class of customers. `head_start`: she is placed as if she had already waited that long.

    `spoken`: what agents are told she is, a text in the site's language or one for each; left out: the name.
    """

    name: Name
    ladder: Name
    min_annual_value: Amount | None = None
    head_start: Duration = 0
    greet_by_name: bool = False
    spoken: Words = ""


class Group(Part):
    """A team. `keep_free`: so many of it stay ready before it helps another group's callers."""

    title: Text = ""
    keep_free: Count = 0


class Rung(Part):
    """One step of a ladder as written: `step` with `to`, or `then`: go on as another ladder (last rung only).

    `wait` left out: `owner_wait` for the owner, 0 for the cover, until `max_wait` for a group.
    """

    step: Name | None = None
    to: OneOrMoreNames | None = None
    wait: Duration | None = None
    max_waiting: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    when_busy: WhenBusy | None = None
    when_away: Literal["next"] | None = None
    then: Name | None = None

    @property
    def kind(self) -> Literal["owner", "cover", "group"]:
        """Whom this step asks for."""
        if self.to == (OWNER,):
            return "owner"
        return "cover" if self.to == (COVER,) else "group"

    @property
    def name(self) -> str:
        """The step's name, which a reload and the caller's history go by."""
        return self.step or ""


MAX_STEPS = 64
"""Steps of a ladder, every `then` followed."""

Ladder = Annotated[tuple[Rung, ...], Field(min_length=1, max_length=16)]


class Question(Part):
    """What a caller whose owner is busy may choose, and what silence means."""

    default: DefaultChoice = "transfer"
    options: Annotated[tuple[Literal["transfer", "wait", "callback"], ...], Field(min_length=1)] = (
        "transfer",
        "wait",
        "callback",
    )


Lasting = Annotated[Duration, Field(ge=1_000)]
"""A duration that must leave somebody the time to act."""


class TimingPart(Part):
    """How long things last. The words are those of `router.domain.ladder.Timing`, without `_ms`."""

    offer: Lasting = 20_000
    bridge: Lasting = 10_000
    dial: Lasting = 60_000
    wrap_up: Duration = 30_000
    cooling: Duration = 10_000
    cooling_max: Duration = 300_000
    question: Lasting = 15_000
    owner_wait: Duration = 600_000
    recall: Duration = 300_000
    callback: Duration = 86_400_000
    retain_ended: Duration = 3_600_000
    tombstone: Duration = 86_400_000


class Callback(Part):
    """Keep-place callbacks. `widen`: they too go up the ladder; otherwise they stay in the lanes they had.

    `per_day`: how often one number is dialled in a day before no further one is booked. `countries`: whose numbers are
    called without being a customer's; none named: the site's own, and those of its numbers.
    """

    widen: bool = False
    per_day: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 10
    countries: Annotated[tuple[Region, ...], Field(max_length=250), AfterValidator(unique)] = ()


class ValueRule(Part):
    """What a customer's parts are taken for when she has none of her own."""

    years: Amount = 1.0
    referral_factor: Amount = 1.0


class Number(Part):
    """A number callers dial. `ladder` is for whoever dials it; `head_start` counts when better than the tier's.

    `identify`: who is asked for customer number and PIN there, instead of whom the site asks.
    """

    title: Text = ""
    hours: Name | None = None
    ladder: Name | None = None
    language: Language | None = None
    skills: Names = ()
    head_start: Duration | None = None
    identify: Annotated[tuple[Asked, ...], AfterValidator(unique)] | None = None


class Target(Part):
    """Service level: `percent` of the calls answered `within`."""

    percent: Annotated[float, Field(strict=True, gt=0, le=100)] = 80.0
    within: Duration = 20_000


class ServiceLevel(Part):
    """The house's own targets, by group, and from when on a hang-up counts as one."""

    default: Target = Target()
    groups: dict[Name, Target] = Field(default_factory=dict)
    short_abandon: Annotated[Duration, Field(le=10_000)] = 5_000


Declared = Annotated[tuple[Name, ...], Field(max_length=2_000), AfterValidator(unique)]


class SitePlan(Part):
    """Everything one site decides by. Immutable: a reload makes a new one."""

    language: Language
    region: Region
    timezone: Timezone
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=64)]
    default_tier: Name
    groups: Annotated[dict[Name, Group], Field(min_length=1, max_length=2_000)]
    ladders: Annotated[dict[Name, Ladder], Field(min_length=1, max_length=2_000)]
    title: Text = ""
    account_roles: dict[Name, Annotated[int, Field(strict=True, ge=1, le=63)]] = Field(default_factory=dict)
    value: ValueRule = ValueRule()
    skills: Declared = ()
    question: Question = Question()
    timing: TimingPart = TimingPart()
    max_wait: Annotated[Duration, Field(ge=1_000)] = 1_800_000
    exit: Exit = "message"
    exit_message: Words = ""
    prefer_last_agent: Duration = 86_400_000
    callback: Callback = Callback()
    hours: dict[Name, Hours] = Field(default_factory=dict)
    numbers: Annotated[dict[Dialled, Number], Field(max_length=10_000)] = Field(default_factory=dict)
    trust: TrustRule = TrustRule()
    identification: Identification = Identification()
    velocity: Velocity = Velocity()
    limits: Limits = Limits()
    service_level: ServiceLevel = ServiceLevel()
    voice: Voice = Voice()
    telephony: Telephony = Telephony()
    crm: Crm | None = None

    @cached_property
    def tier_order(self) -> dict[str, int]:
        """Tier name → 0 for the best."""
        return {tier.name: place for place, tier in enumerate(self.tiers)}

    def tier(self, name: str) -> Tier:
        """The tier of that name; KeyError when there is none."""
        return self.tiers[self.tier_order[name]]

    @property
    def vip_tiers(self) -> tuple[str, ...]:
        """The tiers whose customers pass those of the default tier."""
        ordinary = self.tier(self.default_tier).head_start
        return tuple(tier.name for tier in self.tiers if tier.head_start > ordinary)

    @cached_property
    def callback_countries(self) -> frozenset[str]:
        """Whose numbers a caller whom nobody knows may be called back at."""
        own = {self.region, *(country_of(number) for number in self.numbers if number.startswith("+"))}
        return frozenset(self.callback.countries or own)

    @cached_property
    def rungs(self) -> dict[str, tuple[Rung, ...]]:
        """Ladder name → its steps, every `then` followed; no more than one over MAX_STEPS."""
        return {name: self._follow(name) for name in self.ladders}

    def _follow(self, name: str) -> tuple[Rung, ...]:
        found: list[Rung] = []
        for part in self.walk(name):
            found += [rung for rung in self.ladders[part] if rung.then is None]
        return tuple(found[: MAX_STEPS + 1])

    def walk(self, name: str) -> list[str]:
        """The ladders that calls on this one pass, by `then`; a ladder met a second time ends the walk."""
        walked = [name]
        while (then := self.ladders[walked[-1]][-1].then) in self.ladders and len(walked) <= MAX_STEPS:
            assert then is not None
            walked.append(then)
            if then in walked[:-1]:
                break
        return walked

    def keep_free(self) -> dict[str, int]:
        """Group → how many of it stay ready, where any do."""
        return {name: group.keep_free for name, group in self.groups.items() if group.keep_free}

    def engine_timing(self) -> Timing:
        """The durations the scripts need."""
        durations = {f"{key}_ms": value for key, value in self.timing.model_dump().items()}
        return Timing(short_abandon_ms=self.service_level.short_abandon, **durations)
