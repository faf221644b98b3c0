"""When a line is open: weeks, holidays, own dates, midnight and the change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.parts import Hours
from config.values import DAYS
from router.domain.hours import closes_at, holiday_name, open_at, opens_at

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"


def hours(**keys: object) -> Hours:
    return Hours.model_validate({"open": {}, **keys})


def at(text: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    """A wall clock's instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


OFFICE = hours(open={"mon-fri": ["08:00-20:00"], "sat": ["09:00-13:00"]})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-03T07:59:59.999", False),  # Tuesday
        ("2026-03-03T08:00", True),
        ("2026-03-03T19:59:59.999", True),
        ("2026-03-03T20:00", False),
        ("2026-03-07T12:00", True),  # Saturday
        ("2026-03-07T13:00", False),
        ("2026-03-08T12:00", False),  # Sunday
    ],
)
def test_an_interval_includes_its_start_and_not_its_end(when: str, expected: bool) -> None:
    assert open_at(OFFICE, NEW_YORK, at(when)) is expected


def test_now_may_come_in_any_zone() -> None:
    assert open_at(OFFICE, NEW_YORK, datetime(2026, 3, 3, 8, 0, tzinfo=ZoneInfo(NEW_YORK)))
    assert not open_at(OFFICE, NEW_YORK, datetime(2026, 3, 3, 8, 0, tzinfo=ZoneInfo(BERLIN)))
    twice = hours(open={"sun": ["01:15-02:00"]})
    assert open_at(twice, NEW_YORK, datetime(2026, 11, 1, 1, 10, tzinfo=ZoneInfo(NEW_YORK), fold=1))
    assert not open_at(twice, NEW_YORK, datetime(2026, 11, 1, 1, 10, tzinfo=ZoneInfo(NEW_YORK), fold=0))


def test_the_hours_own_time_zone_beats_the_sites() -> None:
    tokyo = hours(open={"daily": ["08:00-20:00"]}, timezone="Asia/Tokyo")
    assert open_at(tokyo, NEW_YORK, at("2026-03-03T09:00", "Asia/Tokyo"))
    assert not open_at(tokyo, NEW_YORK, at("2026-03-03T09:00", NEW_YORK))


def test_it_closes_at_the_end_of_the_interval() -> None:
    assert closes_at(OFFICE, NEW_YORK, at("2026-03-03T10:00")) == at("2026-03-03T20:00")


def test_closed_it_does_not_close() -> None:
    assert closes_at(OFFICE, NEW_YORK, at("2026-03-03T21:00")) is None


def test_it_opens_on_the_next_working_day() -> None:
    assert opens_at(OFFICE, NEW_YORK, at("2026-03-07T14:00")) == at("2026-03-09T08:00")


def test_open_it_opens_now_and_never_open_never() -> None:
    assert opens_at(OFFICE, NEW_YORK, at("2026-03-03T10:00")) == at("2026-03-03T10:00")
    assert opens_at(hours(), NEW_YORK, at("2026-03-03T10:00")) is None


NIGHT = hours(open={"fri": ["22:00-02:00"]})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-06T01:00", False),  # the night to Friday is not Friday's night
        ("2026-03-06T22:00", True),
        ("2026-03-07T01:59", True),
        ("2026-03-07T02:00", False),
        ("2026-03-07T22:00", False),
    ],
)
def test_an_interval_past_midnight_belongs_to_the_day_it_begins(when: str, expected: bool) -> None:
    assert open_at(NIGHT, NEW_YORK, at(when)) is expected


def test_it_closes_after_midnight() -> None:
    assert closes_at(NIGHT, NEW_YORK, at("2026-03-06T23:00")) == at("2026-03-07T02:00")


def test_adjoining_days_are_one_opening() -> None:
    weekend = hours(open={"sat,sun": ["00:00-24:00"], "fri": ["18:00-24:00"], "mon": ["00:00-06:00"]})
    assert closes_at(weekend, NEW_YORK, at("2026-03-13T19:00")) == at("2026-03-16T06:00")


def test_always_open_never_closes() -> None:
    always = hours(open={"daily": ["00:00-24:00"]})
    assert open_at(always, NEW_YORK, at("2026-03-08T02:30"))
    assert closes_at(always, NEW_YORK, at("2026-03-08T02:30")) is None


def test_a_holiday_is_closed_and_named() -> None:
    with_holidays = hours(open={"daily": ["08:00-20:00"]}, holidays={"country": "US"})
    assert not open_at(with_holidays, NEW_YORK, at("2026-12-25T10:00"))
    assert holiday_name(with_holidays, NEW_YORK, at("2026-12-25T10:00")) == "Christmas Day"
    assert open_at(with_holidays, NEW_YORK, at("2026-12-27T10:00"))
    assert holiday_name(with_holidays, NEW_YORK, at("2026-12-27T10:00")) is None


def test_a_subdivision_has_holidays_of_its_own() -> None:
    bavaria = hours(open={"daily": ["08:00-20:00"]}, holidays={"country": "DE", "subdivision": "BY"})
    berlin = hours(open={"daily": ["08:00-20:00"]}, holidays={"country": "DE", "subdivision": "BE"})
    epiphany = at("2026-01-06T10:00", BERLIN)
    assert not open_at(bavaria, BERLIN, epiphany)
    assert open_at(berlin, BERLIN, epiphany)


def test_a_holiday_does_not_cut_the_night_before_it() -> None:
    nights = hours(open={"daily": ["22:00-02:00"]}, holidays={"country": "US"})
    assert open_at(nights, NEW_YORK, at("2026-12-25T01:00"))
    assert not open_at(nights, NEW_YORK, at("2026-12-25T23:00"))
    assert not open_at(nights, NEW_YORK, at("2026-12-26T01:00"))


def test_own_dates_beat_holidays_and_the_week() -> None:
    own = hours(
        open={"daily": ["08:00-20:00"]},
        holidays={"country": "US"},
        dates={"2026-12-25": ["10:00-12:00"], "2026-12-28": []},
    )
    assert open_at(own, NEW_YORK, at("2026-12-25T10:00"))
    assert holiday_name(own, NEW_YORK, at("2026-12-25T15:00")) is None
    assert not open_at(own, NEW_YORK, at("2026-12-25T12:00"))
    assert not open_at(own, NEW_YORK, at("2026-12-28T10:00"))


# New York 2026: clocks jump 02:00 → 03:00 on 8 March (07:00 UTC), 02:00 → 01:00 on 1 November (06:00 UTC).
CHANGE = datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_an_opening_in_the_skipped_hour_is_the_change_itself() -> None:
    early = hours(open={"sun": ["02:30-06:00"]})
    assert not open_at(early, NEW_YORK, CHANGE - timedelta(seconds=1))
    assert open_at(early, NEW_YORK, CHANGE)


def test_a_closing_in_the_skipped_hour_is_the_change_itself() -> None:
    late = hours(open={"sat": ["22:00-02:30"]})
    assert closes_at(late, NEW_YORK, at("2026-03-07T23:00")) == CHANGE


def test_an_interval_inside_the_skipped_hour_does_not_happen() -> None:
    lost = hours(open={"sun": ["02:10-02:50"]})
    assert not any(open_at(lost, NEW_YORK, CHANGE + timedelta(minutes=minute)) for minute in range(-90, 90))


def test_in_the_hour_that_comes_twice_it_opens_first_and_closes_last() -> None:
    twice = hours(open={"sun": ["01:15-01:45"]})
    opened, closed = at("2026-11-01T01:15", fold=0), at("2026-11-01T01:45", fold=1)
    assert opens_at(twice, NEW_YORK, at("2026-11-01T00:30")) == opened
    assert closes_at(twice, NEW_YORK, opened) == closed
    assert closed - opened == timedelta(minutes=90)
    assert open_at(twice, NEW_YORK, at("2026-11-01T01:15", fold=1))


def test_a_day_with_a_change_of_clocks_is_as_long_as_it_is() -> None:
    day = hours(open={"sun": ["00:00-24:00"]})
    for text, length in (("2026-03-08T00:00", 23), ("2026-11-01T00:00", 25)):
        start = at(text)
        end = closes_at(day, NEW_YORK, start)
        assert end is not None
        assert end - start == timedelta(hours=length)


def test_a_date_that_a_zone_skipped_is_survived() -> None:
    always = hours(open={"daily": ["00:00-24:00"]})
    start = datetime(2011, 12, 29, 0, 0, tzinfo=UTC)
    assert all(open_at(always, "Pacific/Apia", start + timedelta(hours=hour)) for hour in range(96))


ZONES = st.sampled_from(["UTC", NEW_YORK, BERLIN, "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
CLOCK = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
INTERVAL = st.tuples(CLOCK, CLOCK).filter(lambda pair: pair[0] != pair[1]).map("-".join)
WEEKS = st.dictionaries(st.sampled_from(DAYS), st.lists(INTERVAL, max_size=3), max_size=7)
INSTANTS = st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))
TICK = timedelta(milliseconds=1)


@given(WEEKS, ZONES, INSTANTS)
def test_it_is_open_until_it_closes_and_closed_until_it_opens(
    week: dict[str, list[str]], zone: str, now: datetime
) -> None:
    line = hours(open=week)
    opens, closes = opens_at(line, zone, now), closes_at(line, zone, now)
    if open_at(line, zone, now):
        assert opens == now
        assert closes is None or (now < closes and not open_at(line, zone, closes))
        assert closes is None or open_at(line, zone, closes - TICK)
        return
    assert closes is None
    assert (opens is None) == (not any(week.values()))
    if opens is not None:
        assert now < opens
        assert open_at(line, zone, opens)
        assert not open_at(line, zone, opens - TICK)


@given(WEEKS, INSTANTS)
def test_without_changes_of_clocks_it_is_the_wall_clock(week: dict[str, list[str]], now: datetime) -> None:
    line = hours(open=week)
    minute = now.hour * 60 + now.minute
    expected = any(
        interval.start <= minute + back * 1440 < interval.end
        for back in (0, 1)
        for interval in line.week[(now.weekday() - back) % 7]
    )
    assert open_at(line, "UTC", now) is expected
