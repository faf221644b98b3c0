"""How long conversations last, and until when an owner is busy."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.domain.talks import ENOUGH, Talks, until_free


@cache
def learned(centre: float = 5.0, width: float = 0.8, count: int = 3_000, seed: int = 1) -> Talks:
    talks, random = Talks(), Random(seed)
    for _ in range(count):
        talks = talks.learn(random.lognormvariate(centre, width))
    return talks


def plus(rest: tuple[float, float], wrap_up: float) -> tuple[float, float]:
    return rest[0] + wrap_up, rest[1] + wrap_up


def test_nothing_is_known_before_twenty_talks():
    assert not learned(count=ENOUGH - 1).known
    assert learned(count=ENOUGH).known


def test_a_whole_talk_lasts_as_talks_did():
    p50, p90 = learned().rest(0)
    assert p50 == pytest.approx(math.exp(5), rel=0.1)
    assert p90 == pytest.approx(math.exp(5 + 1.2816 * 0.8), rel=0.12)


def test_half_of_those_still_talking_are_done_within_p50_of_the_rest():
    talks, random = learned(), Random(2)
    lasting = [t for t in (random.lognormvariate(5.0, 0.8) for _ in range(20_000)) if t > 60]
    p50, p90 = talks.rest(60)
    assert sum(t - 60 <= p50 for t in lasting) / len(lasting) == pytest.approx(0.5, abs=0.04)
    assert sum(t - 60 <= p90 for t in lasting) / len(lasting) == pytest.approx(0.9, abs=0.03)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 20_000, allow_nan=False), min_size=ENOUGH, max_size=40))
def test_the_rest_never_grows_because_time_passes(times):
    talks = Talks()
    for each in times:
        talks = talks.learn(each)
    said = [talks.rest(elapsed) for elapsed in [*range(0, 600, 3), *range(600, 40_000, 200)]]
    assert all(0 <= p50 <= p90 for p50, p90 in said)
    for quantile in (0, 1):
        assert all(b[quantile] <= a[quantile] + 1e-6 for a, b in pairwise(said))


def test_forgets():
    talks = learned(centre=7.0)
    for each in (30.0,) * 12_000:
        talks = talks.learn(each)
    assert talks.rest(0)[0] < 40


@given(st.floats(0, 2_000), st.integers(0, 20), st.floats(0, 120))
def test_an_owner_with_a_longer_line_is_free_later(elapsed, ahead, wrap_up):
    talks = learned()
    now = plus(talks.rest(elapsed), wrap_up)
    p50, p90 = until_free(talks, now, wrap_up, ahead)
    longer = until_free(talks, now, wrap_up, ahead + 1)
    assert 0 <= p50 <= p90
    assert longer[0] >= p50
    assert longer[1] >= p90


@pytest.mark.parametrize("ahead", range(1, 6))
def test_when_the_owner_turns_to_the_next_caller_nobody_in_line_is_told_more(ahead):
    talks, wrap_up = learned(), 30.0
    before = until_free(talks, (0.0, 0.0), wrap_up, ahead)
    whole = plus(talks.rest(0), wrap_up)
    after = until_free(talks, whole, wrap_up, ahead - 1)
    assert after[0] <= before[0]
    assert after[1] <= before[1] + 1e-9
