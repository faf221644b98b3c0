"""The small values a plan is written in: durations, names, opening intervals. Each error says what to write instead.

A message of the form `what is wrong; what to do` is shown to the reader in these two halves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import holidays
import phonenumbers
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
YEAR_MS = 366 * UNITS["d"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60


def parse_duration(value: object) -> int:
    """`20s`, `10m`, `24h`, `7d`, `300ms` or whole milliseconds → whole milliseconds."""
    wrong = f"{value!r} is no duration; write a whole number with its unit (20s, 10m, 24h) or whole milliseconds"
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(wrong)
    if isinstance(value, str):
        match = re.fullmatch(r"(\d{1,15}) ?(ms|s|m|h|d)", value.strip())
        if match is None:
            raise ValueError(wrong)
        value = int(match[1]) * UNITS[match[2]]
    if not 0 <= value <= YEAR_MS:
        raise ValueError(f"{value} ms is out of range; write something between 0 and 366d")
    return value


def spoken(ms: int) -> str:
    """A duration as people say it: `30 min`, `90 s`, `250 ms`."""
    for size, unit in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if ms >= size and ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms} ms"


@dataclass(frozen=True, slots=True)
class Interval:
    """Opening hours within one day, in minutes since midnight; `end` past 1440 runs into the next day."""

    start: int
    end: int

    def __str__(self) -> str:
        end = self.end if self.end <= MINUTES_A_DAY else self.end - MINUTES_A_DAY
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


def parse_interval(value: object) -> Interval:
    """`08:00-20:00`; `22:00-02:00` runs past midnight; `00:00-24:00` is the whole day."""
    if isinstance(value, Interval):
        return value
    match = re.fullmatch(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)", value.strip()) if isinstance(value, str) else None
    hours = [int(part) for part in match.groups()] if match else [99, 0, 99, 0]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if hours[1] > 59 or hours[3] > 59 or start >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f"{value!r} is no opening interval; write it as 08:00-20:00, or 22:00-02:00 past midnight")
    if start == end:
        raise ValueError(f"{value!r} is empty; write 00:00-24:00 for the whole day, [] for closed")
    return Interval(start, end if end > start else end + MINUTES_A_DAY)


def weekdays(text: str) -> tuple[int, ...]:
    """`mon`, `mon-fri`, `sat,sun`, `daily` → weekdays, Monday 0."""
    found: list[int] = []
    for part in ["mon-sun"] if text.strip().lower() == "daily" else text.lower().split(","):
        first, _, last = part.strip().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"{text!r} names no weekday; write mon, mon-fri, sat,sun or daily")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found.extend(day % 7 for day in range(start, end + 1 if end >= start else end + 8))
    return tuple(found)


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write an IANA name such as Europe/Berlin") from None
    return name


def _region(name: str) -> str:
    if name not in SUPPORTED_REGIONS:
        raise ValueError(f"{name!r} is no region; write two capital letters such as US, GB or CN")
    return name


@lru_cache(maxsize=4_096)
def country_of(number: str) -> str:
    """Whose an E.164 number is, empty: nobody's. One of several countries by one code is its main one's if unknown."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    main = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return phonenumbers.region_code_for_number(parsed) or main


def _iso_date(value: object) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date.fromisoformat(value)
    raise ValueError(f"{value!r} is no date; write it as 2026-12-24")


def _days(text: str) -> str:
    weekdays(text)
    return text


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    """The names, if none comes twice."""
    twice = {name for name, count in Counter(values).items() if count > 1}
    if twice:
        raise ValueError(f"{', '.join(sorted(twice))} is listed twice; name each once")
    return values


def check_calendar(country: str, subdivision: str | None) -> None:
    """Raises ValueError when the holidays library has no such calendar."""
    known = holidays.list_supported_countries()
    if country not in known:
        raise ValueError(f"no holidays are known for {country!r}; write a country code such as US, GB or CN")
    if subdivision is not None and subdivision not in known[country]:
        raise ValueError(f"{country} has no subdivision {subdivision!r}; write one of {_some(known[country])}")


def _some(names: Iterable[str], limit: int = 12) -> str:
    listed = sorted(names)
    return ", ".join(listed[:limit]) + (", …" if len(listed) > limit else "") or "none: leave it out"


_DURATION_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "integer"}, {"type": "string"}], "examples": ["20s", 20000]}

Duration = Annotated[int, BeforeValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""Whole milliseconds, once read."""

Hour = Annotated[
    Interval,
    BeforeValidator(parse_interval),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["08:00-20:00"]}),
]
Day = Annotated[date, BeforeValidator(_iso_date), WithJsonSchema({"type": "string", "format": "date"})]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Text = Annotated[str, StringConstraints(max_length=2_000)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
Dialled = Annotated[str, StringConstraints(pattern=r"^\+?[0-9*#]{2,20}$")]
Timezone = Annotated[str, AfterValidator(_timezone)]
Region = Annotated[str, AfterValidator(_region)]
DaySpec = Annotated[str, AfterValidator(_days)]
Names = Annotated[tuple[Name, ...], Field(max_length=64), AfterValidator(unique)]
OneOrMoreNames = Annotated[Names, BeforeValidator(_listed), Field(min_length=1, max_length=8)]
Count = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
