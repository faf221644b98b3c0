"""Whether a site takes calls at an instant. Pure: opening hours, a time zone's name and an aware `now`.

An interval's wall-clock ends become instants: a time that daylight saving skips is the moment of the change;
of one that comes twice, opening takes the first and closing the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from config.parts import Calendar, Hours
from config.values import Interval

DAY = timedelta(days=1)
HORIZON = 400 * DAY
"""How far opening and closing are looked for: over a year, so that one yearly date is found."""


def open_at(hours: Hours, timezone: str, now: datetime) -> bool:
    """Whether calls are taken at `now`."""
    instant = now.astimezone(UTC)
    return any(start <= instant < end for start, end in _around(hours, timezone, instant))


def closes_at(hours: Hours, timezone: str, now: datetime, within: timedelta = HORIZON) -> datetime | None:
    """When the present opening ends (UTC), adjoining intervals joined; None when closed or with no end `within`."""
    if not open_at(hours, timezone, now):
        return None
    instant = now.astimezone(UTC)
    limit = instant + within
    while instant < limit:
        later = max((end for start, end in _around(hours, timezone, instant) if start <= instant < end), default=None)
        if later is None:
            return instant
        instant = later
    return None


def opens_at(hours: Hours, timezone: str, now: datetime) -> datetime | None:
    """The next opening (UTC) after a closed `now`; `now` itself when open; None when there is none in sight."""
    instant = now.astimezone(UTC)
    if open_at(hours, timezone, instant):
        return instant
    today = instant.astimezone(_zone(hours, timezone)).date()
    for ahead in range(HORIZON.days):
        later = [start for start, _ in _spans(hours, timezone, today + ahead * DAY) if start > instant]
        if later:
            return min(later)
    return None


def holiday_name(hours: Hours, timezone: str, now: datetime) -> str | None:
    """The public holiday `now` falls on, unless the plan has its own hours for that date."""
    today = now.astimezone(_zone(hours, timezone)).date()
    return _holiday(hours.holidays, today) if today not in hours.dates else None


def _around(hours: Hours, timezone: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spans that could hold `now`: those begun today, yesterday, or where clocks jump across a date, tomorrow."""
    today = now.astimezone(_zone(hours, timezone)).date()
    for ahead in (-1, 0, 1):
        yield from _spans(hours, timezone, today + ahead * DAY)


def _spans(hours: Hours, timezone: str, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The opening spans that begin on this day, as UTC instants."""
    zone = _zone(hours, timezone)
    for interval in _intervals(hours, day):
        start, end = _instant(day, interval.start, zone, fold=0), _instant(day, interval.end, zone, fold=1)
        if start < end:
            yield start, end


def _intervals(hours: Hours, day: date) -> tuple[Interval, ...]:
    if day in hours.dates:
        return hours.dates[day]
    return () if _holiday(hours.holidays, day) else hours.week[day.weekday()]


def _instant(day: date, minutes: int, zone: ZoneInfo, fold: int) -> datetime:
    """Wall clock → UTC; a time skipped by a change of clocks gives the change itself."""
    wall = datetime.combine(day, time(0, 0)) + timedelta(minutes=minutes)
    local = wall.replace(tzinfo=zone, fold=fold)
    instant = local.astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == wall else _change(local)


def _change(skipped: datetime) -> datetime:
    """The instant at which the clocks jump over this wall-clock time, to the second."""
    before, after = (skipped.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    zone = skipped.tzinfo
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _zone(hours: Hours, timezone: str) -> ZoneInfo:
    return ZoneInfo(hours.timezone or timezone)


def _holiday(calendar: Calendar | None, day: date) -> str | None:
    if calendar is None:
        return None
    return _holidays(calendar.country, calendar.subdivision, day.year).get(day)


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision, years=year, expand=False)
