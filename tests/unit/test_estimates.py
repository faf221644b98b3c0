"""What the estimator learns, forgets, says and keeps to itself."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.domain.estimates import ENOUGH, EVERY_MS, LEAD_MS, Estimator, Forecast, Forecasts
from router.domain.fitting import BANDS, Curve
from router.domain.judging import KEEP_MS, Announcement, Estimate, Quality, announce, may_announce

NOW = 1_000_000_000
waits = st.lists(
    st.tuples(st.sampled_from(["gold", "standard"]), st.integers(0, 40), st.floats(0, 5_000, allow_nan=False)),
    min_size=ENOUGH,
    max_size=60,
)


def taught(samples, *, every_s: int = 10, estimator: Estimator | None = None, start: int = NOW) -> Estimator:
    """An estimator that saw (tier, calls ahead, wait s) one after the other, forecasts made and used on the way."""
    estimator, forecasts = estimator or Estimator(), Forecasts()
    now = start
    for at, (tier, ahead, wait_s) in enumerate(samples):
        now = start + at * every_s * 1000
        if at % 50 == 0:
            forecasts.add(estimator.forecast(now))
        sample = estimator.sample("general", tier, ahead, now, forecasts.at(now))
        estimator.came("general", now)
        estimator.answered(sample, now + round(wait_s * 1000))
    return estimator


def line(count: int, *, level: float = 30, slope: float = 20, seed: int = 1, tier: str = "gold"):
    """Waits about `level` + `slope` × calls ahead, scattered as real ones are."""
    random = Random(seed)
    for _ in range(count):
        ahead = random.randrange(8)
        yield tier, ahead, (level + slope * ahead) * random.uniform(0.4, 1.6)


def forecast_of(estimator: Estimator) -> Forecast:
    return estimator.forecast(NOW + 10**9)


def test_says_nothing_below_twenty_answers_and_something_from_then_on():
    few = taught(line(ENOUGH - 1))
    assert forecast_of(few).wait("general", "gold", 0) is None
    enough = taught(line(ENOUGH))
    assert forecast_of(enough).wait("general", "gold", 0) is not None


def test_a_class_with_few_answers_goes_by_its_group_and_an_unknown_group_by_everybody():
    estimator = taught([*line(100), *line(5, tier="silver")])
    forecast = forecast_of(estimator)
    assert forecast.curve("general", "silver") == forecast.curve("general")
    assert forecast.curve("elsewhere", "silver") == forecast.curves[";"]
    assert forecast.curve("general", "gold") is forecast.curves["general;gold"]


def test_learns_the_line():
    curve = forecast_of(taught(line(2_000))).curve("general", "gold")
    assert curve is not None
    assert curve.mean(0) == pytest.approx(30, rel=0.25)
    assert curve.mean(7) == pytest.approx(170, rel=0.1)


def test_half_are_answered_within_p50_and_nine_of_ten_within_p90():
    estimator, forecasts, within, judged = Estimator(), Forecasts(), [0, 0], 3_000
    for at, (tier, ahead, wait_s) in enumerate(line(2 * judged, seed=2)):
        now = NOW + at * 10_000
        if at % 100 == 0:
            forecasts.add(estimator.forecast(now))
        sample = estimator.sample("general", tier, ahead, now, forecasts.at(now))
        estimator.came("general", now)
        estimator.answered(sample, now + round(wait_s * 1000))
        if at >= judged and sample.said:
            within[0] += wait_s * 1000 <= sample.said.p50_ms
            within[1] += wait_s * 1000 <= sample.said.p90_ms
    assert within[0] / judged == pytest.approx(0.5, abs=0.04)
    assert within[1] / judged == pytest.approx(0.9, abs=0.03)


def test_forgets_how_it_was():
    estimator = taught(line(3_000, level=300, slope=60))
    old = forecast_of(estimator).curve("general")
    taught(line(8_000, seed=3), estimator=estimator, start=NOW + 10**9)
    new = estimator.forecast(NOW + 2 * 10**9).curve("general")
    assert old is not None
    assert new is not None
    assert old.mean(7) > 500
    assert new.mean(7) < 220


@settings(max_examples=60, deadline=None)
@given(waits)
def test_estimates_are_never_negative_and_grow_with_the_calls_ahead_only(samples):
    forecast = forecast_of(taught(samples))
    for tier in ("gold", "standard", "unheard of"):
        said = [forecast.wait("general", tier, ahead) for ahead in range(60)]
        p50, p90 = ([getattr(each, name) for each in said] for name in ("p50_ms", "p90_ms"))
        assert all(0 <= half <= most for half, most in zip(p50, p90, strict=True))
        assert p50 == sorted(p50)
        assert p90 == sorted(p90)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-50, 500),
    st.floats(0, 100),
    st.lists(st.floats(0.05, 5), min_size=2 * BANDS, max_size=2 * BANDS),
)
def test_whatever_the_factors_fewer_ahead_is_never_longer(base, slope, factors):
    curve = Curve(100, base, slope, tuple(factors[:BANDS]), tuple(factors[BANDS:]))
    said = [curve.quantiles(ahead) for ahead in range(40)]
    assert all(0 <= p50 <= p90 for p50, p90 in said)
    for quantile in (0, 1):
        assert [each[quantile] for each in said] == sorted(each[quantile] for each in said)


@settings(max_examples=30, deadline=None)
@given(waits)
def test_survives_being_written_down(samples):
    estimator = taught(samples)
    read = Estimator.load(estimator.dump())
    assert read.dump() == estimator.dump()
    forecast = forecast_of(estimator)
    assert forecast_of(read) == forecast
    assert Forecast.load(forecast.dump()) == forecast


def test_what_another_version_wrote_is_forgotten():
    kept = json.loads(taught(line(50)).dump())
    assert Estimator.load(json.dumps(kept | {"v": 0})).dump() == Estimator().dump()
    assert Forecast.load(json.dumps({"v": 0})) is None


def test_stays_small():
    assert len(taught(line(3_000)).dump()) < 5_000


def test_a_call_goes_by_the_forecast_of_its_acceptance():
    forecasts = Forecasts()
    first, second = (Forecast(at, {}, {}) for at in (NOW, NOW + EVERY_MS))
    forecasts.add(first)
    forecasts.add(second)
    assert forecasts.at(NOW - 1) is None
    assert forecasts.at(NOW + EVERY_MS - 1) is first
    assert forecasts.at(NOW + EVERY_MS) is second
    assert forecasts.newest is second


def test_forecasts_are_kept_for_an_hour():
    forecasts = Forecasts()
    for minute in range(100):
        forecasts.add(Forecast(NOW + minute * EVERY_MS, {}, {}))
    newest = NOW + 99 * EVERY_MS
    assert forecasts.at(newest - KEEP_MS) is not None
    assert forecasts.at(newest - KEEP_MS - EVERY_MS) is None


def test_a_forecast_comes_into_force_when_every_process_has_it():
    assert Estimator().forecast(NOW).from_ms == NOW + LEAD_MS


@pytest.mark.parametrize(
    ("p50_s", "p90_s", "about", "at_most"),
    [
        (5, 20, 1, 1),
        (80, 170, 1, 3),
        (100, 290, 2, 5),
        (230, 301, 3, 10),
        (250, 301, 5, 10),
        (900, 3_500, 15, 60),
        (3_500, 3_601, 60, 120),
        (20_000, 20_000, 360, 360),
    ],
)
def test_announces_round_figures(p50_s, p90_s, about, at_most):
    assert announce(Estimate(p50_s * 1000, p90_s * 1000)) == Announcement(about, at_most)


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_an_announcement_is_never_below_p90_and_never_upside_down(one, other):
    estimate = Estimate(min(one, other), max(one, other))
    said = announce(estimate)
    assert 1 <= said.about_min <= said.at_most_min
    assert said.at_most_min * 60_000 >= estimate.p90_ms


def test_is_silent_after_an_hour_of_broken_promises_and_speaks_again_later():
    estimator = taught(line(100))
    forecast = forecast_of(estimator)
    later = forecast.from_ms
    for _ in range(10):
        sample = estimator.sample("general", "gold", 0, later, forecast)
        estimator.answered(sample, later + 3_600_000)
    quality = estimator.quality(later + 3_600_000)
    assert quality.answers == 10
    assert quality.hit_rate == 0
    assert quality.mean_error_ms is not None
    assert quality.mean_error_ms > 3_000_000
    assert not may_announce(quality)
    assert may_announce(estimator.quality(later + 3_600_000 + KEEP_MS + 1))


def test_seven_of_ten_are_honest_enough():
    assert may_announce(Quality(10, 7))
    assert not may_announce(Quality(100, 69))
    assert may_announce(Quality())


def test_an_unlucky_beginning_does_not_make_a_longer_line_faster():
    estimator = taught([("gold", ahead, 100 - 10 * ahead) for ahead in range(8)] * 3)
    curve = forecast_of(estimator).curve("general", "gold")
    assert curve is not None
    assert curve.slope_s == 0
    assert curve.mean(0) == pytest.approx(65, rel=0.1)
