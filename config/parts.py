"""Parts of a plan that stand by themselves: opening hours, and where secrets and other systems are found."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from config.values import (
    Day,
    DaySpec,
    Duration,
    Hour,
    Interval,
    Language,
    Name,
    Text,
    Timezone,
    check_calendar,
    weekdays,
)

Exit = Annotated[str, Field(pattern=r"^(message|callback|(number|voicemail):\+?[0-9*#]{2,20})$")]


Words = Text | Annotated[dict[Language, Text], Field(min_length=1)]
"""What callers hear of the plan's own: a text in the site's language, or language → text."""


def in_language(words: Words, language: str, own: str) -> tuple[str, str]:
    """The plan's own words and the language they are in: `language` if there are such, the site's `own`, else any."""
    if isinstance(words, str):
        return words, own
    for wanted in (language, own):
        if wanted in words:
            return words[wanted], wanted
        for tag, text in words.items():
            if tag.lower().partition("-")[0] == wanted.lower().partition("-")[0]:
                return text, tag
    tag, text = next(iter(words.items()))
    return text, tag


class Part(BaseModel):
    """What all parts share: nothing unknown is accepted, nothing is changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Calendar(Part):
    """Public holidays of a country, or of one part of it, as the `holidays` library knows them."""

    country: str
    subdivision: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Calendar:
        check_calendar(self.country, self.subdivision)
        return self


class Hours(Part):
    """When callers are taken. An interval belongs to the day it begins on; `dates` beat holidays beat the week.

    `at_close`: those already waiting are served, or sent to the exit at closing time.
    """

    open: dict[DaySpec, tuple[Hour, ...]]
    timezone: Timezone | None = None
    holidays: Calendar | None = None
    dates: dict[Day, tuple[Hour, ...]] = Field(default_factory=dict)
    at_close: Literal["serve_waiting", "end"] = "serve_waiting"
    exit: Exit = "message"
    message: Words = ""

    @cached_property
    def week(self) -> tuple[tuple[Interval, ...], ...]:
        """The intervals of each weekday, Monday first."""
        days: list[list[Interval]] = [[] for _ in range(7)]
        for spec, intervals in self.open.items():
            for day in weekdays(spec):
                days[day].extend(intervals)
        return tuple(tuple(sorted(day, key=lambda interval: interval.start)) for day in days)


class Secret(Part):
    """Where a secret is found: the name of an environment variable, or a file. Never the secret."""

    env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,127}$")] | None = None
    file: Annotated[str, Field(min_length=1, max_length=1_024)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is named once; write env: SOME_VARIABLE or file: /path")
        return self


class Crm(Part):
    """A customer system asked over HTTP at the start of a call: `budget`, then what was `kept`, then nobody.

    `url` holds `{phone}`. `token` is sent in `header`, as a bearer token in `Authorization`, elsewhere as it is.
    `fields` says where in the answer each of our fields stands, e.g. `tier: data.level`; left out: the answer is a
    customer as in the API. After `failures` in a row it is left alone for `rest`; at most `at_once` questions are open.
    """

    url: Annotated[str, Field(pattern=r"^https?://[^\s]*\{phone\}[^\s]*$", max_length=2_000)]
    token: Secret | None = None
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "Authorization"
    fields: dict[Name, Text] = Field(default_factory=dict)
    budget: Duration = 300
    keep: Duration = 86_400_000
    failures: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 5
    rest: Duration = 10_000
    at_once: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 32
