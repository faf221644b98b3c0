"""The bench's arithmetic: ratios of paired blocks, goals, and when one counts as missed."""

from __future__ import annotations

import pytest

from router.bench.figures import Figure, Results, in_floors
from router.bench.goals import GOALS, Goal
from router.bench.pairing import Cost, Measured, Round, in_a_row
from router.bench.pairing import in_floors as ratio


def measured(*script: float) -> Measured:
    return Measured(tuple(Round(script=value, wall=2 * value, usec=10 * value) for value in script))


def test_a_block_is_divided_by_the_mean_of_the_floors_around_it() -> None:
    got = ratio(Cost(script=30, wall=60), before=Cost(script=8, wall=10), after=Cost(script=12, wall=20))
    assert (got.script, got.wall, got.usec) == (3.0, 4.0, 30)


def test_one_disturbed_round_does_not_move_the_figure() -> None:
    assert measured(2.0, 2.1, 50.0, 1.9, 2.2).floors == 2.1


def test_a_lifecycle_is_the_median_of_the_sums_not_the_sum_of_the_medians() -> None:
    whole = in_a_row([measured(1, 2, 9), measured(9, 2, 1)])
    assert whole.floors == 10
    assert whole.wall_floors == 20
    assert whole.usec == 100


def test_a_lifecycle_needs_all_its_parts_in_every_round() -> None:
    with pytest.raises(ValueError, match="shorter"):
        in_a_row([measured(1, 2), measured(1)])


def test_the_quartiles_hold_the_middle_half() -> None:
    assert measured(*range(1, 10)).quartiles == (3, 7)


def test_a_goal_is_missed_only_beyond_ten_percent() -> None:
    goal = Goal(2.0, 1.5)
    assert not goal.misses(2.2)
    assert goal.misses(2.21)


def test_a_goal_of_at_least_is_missed_below() -> None:
    goal = Goal(0.10, 0.13, "x", at_least=True)
    assert not goal.misses(0.0901)
    assert goal.misses(0.0899)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1.5], "ambitious"),
        ([1.9], "reached"),
        ([2.1], "within 10 %"),
        ([2.3], "MISSED"),
        ([2.3, 2.3, 1.0], "MISSED"),
        ([2.3, 1.9, 1.9], "reached"),
        ([2.3, 2.1, 2.1], "within 10 %"),
    ],
)
def test_the_verdict_is_that_of_most_measurements(values: list[float], verdict: str) -> None:
    assert Goal(2.0, 1.5).verdict(values) == verdict


def test_a_goal_without_an_ambitious_bound_is_reached_at_best() -> None:
    assert Goal(700, None, "bytes").verdict([1]) == "reached"


def test_three_lanes_may_cost_six_tenths_each_more_than_one() -> None:
    assert GOALS["lifecycle, 3 lanes"].to_reach == pytest.approx(11.2)
    assert GOALS["accept and route, 3 lanes"].ambitious == pytest.approx(3.2)


def results_of(*values: float) -> Results:
    results = Results({"cost": Goal(2.0, 1.5)})
    for value in values:
        results.add([Figure("cost", value), Figure("other", 1.0)], only=None if value == values[0] else {"cost"})
    return results


def test_a_repetition_counts_for_the_figures_it_was_made_for() -> None:
    results = results_of(3.0, 1.0, 4.0)
    assert results.values("cost") == [3.0, 1.0, 4.0]
    assert results.values("other") == [1.0]
    assert results.figure("cost").value == 3.0
    assert results.missed() == ["cost"]


def test_a_figure_nobody_asked_for_has_no_verdict() -> None:
    assert results_of(1.0).verdict("other") is None


def test_a_figure_in_floors_brings_its_spread() -> None:
    assert in_floors("x", measured(1.0, 2.0, 3.0, 4.0, 5.0)) == Figure(
        "x", 3.0, "F", {"low": 2.0, "high": 4.0, "usec": 30.0, "wall": 6.0}
    )
