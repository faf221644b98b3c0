"""What the replay learns from a log: patience, shifts, wrap-up, the figures."""

from __future__ import annotations

import pytest

from router.replay.callers import slot_days, staffed_days
from router.replay.figures import Ending, count, percentile
from router.replay.staffing import Shift, WrapUps, extra_shifts, shifts
from router.replay.survival import Survival
from router.replay.trace import TraceCall, parse_call
from tests.support.traces import line


def call(call_id: int, **how) -> TraceCall:
    parsed = parse_call(line(call_id, **how).split())
    assert parsed is not None
    return parsed


class TestPatience:
    def test_the_answered_count_as_willing_to_wait_longer(self):
        # 10 s: one of four gives up; 20 s: one is answered; 30 s: one of two gives up; 40 s: the last is answered.
        curve = Survival.fit([(10, True), (20, False), (30, True), (40, False)])
        assert [curve.still_there(after) for after in (9, 10, 29, 30, 39)] == [1.0, 0.75, 0.75, 0.375, 0.375]
        assert curve.median() == 30

    def test_nobody_is_known_to_wait_longer_than_the_log_shows(self):
        curve = Survival.fit([(10, True), (40, False)])
        assert curve.still_there(40) == 0
        assert curve.draw(0, 0.999) == 40
        assert curve.draw(40, 0.5) == 40
        assert Survival.fit([]).draw(25, 0.5) == 25

    def test_a_drawn_patience_follows_the_curve_above_the_wait_already_seen(self):
        curve = Survival.fit([(second, True) for second in range(1, 101)])
        drawn = [curve.draw(60, (chance + 0.5) / 40) for chance in range(40)]
        assert drawn == list(range(61, 101))

    def test_more_luck_is_more_patience(self):
        curve = Survival.fit([(5, True), (9, False), (9, True), (30, True)])
        drawn = [curve.draw(0, chance / 100) for chance in range(100)]
        assert drawn == sorted(drawn)
        assert set(drawn) == {5, 9, 30}

    def test_a_median_beyond_the_log_is_unknown(self):
        assert Survival.fit([(10, True), (20, False), (30, False)]).median() is None


class TestStaffing:
    def test_a_shift_is_split_where_the_gap_exceeds_half_an_hour(self):
        day = [call(1, arrived=1000, talk=100), call(2, arrived=2900, talk=100), call(3, arrived=4801, talk=50)]
        assert shifts(day) == [Shift("ann", 1000, 3000), Shift("ann", 4801, 4851)]

    def test_only_named_servers_who_answered_count(self):
        day = [call(1, arrived=100, server="NO_SERVER"), call(2, arrived=100, outcome="HANG")]
        assert shifts(day) == []

    def test_one_agent_more_is_there_all_day(self):
        day = [Shift("ann", 100, 200), Shift("bob", 150, 900)]
        assert extra_shifts(day, 2) == [Shift("extra-1", 100, 900), Shift("extra-2", 100, 900)]
        assert extra_shifts([], 2) == []

    def test_wrap_up_is_the_gap_while_somebody_waits(self):
        waiting = [call(1, arrived=900, wait=300, server="bob")]
        ann = [call(2, arrived=900, talk=100), call(3, arrived=1012, talk=500), call(4, arrived=1600, talk=10)]
        wrap_ups = WrapUps.learn([[*waiting, *ann]])
        assert [wrap_ups.after("ann", chance) for chance in (0, 0.5, 0.99)] == [12, 12, 12]
        assert WrapUps.learn([ann]).after("ann", 0.5) == 0

    def test_a_server_with_enough_gaps_has_their_own(self):
        day = [call(1, arrived=1, wait=40_000, server="zoe")]
        day += [call(10 + n, arrived=100 + 1000 * n, talk=980, server="ann") for n in range(32)]
        day += [call(50 + n, arrived=100 + 1000 * n, talk=900, server="bob") for n in range(3)]
        wrap_ups = WrapUps.learn([day])
        assert wrap_ups.after("ann", 0.5) == 20
        assert {wrap_ups.after("bob", chance / 100) for chance in range(100)} == {20, 100}


class TestCallers:
    def test_who_hung_up_has_the_logged_patience_and_who_was_served_more(self):
        log = [call(n, arrived=100 + 100 * n, wait=20 + n, outcome="HANG" if n % 2 else "AGENT") for n in range(40)]
        (day,) = slot_days(log, seed=1)
        for caller, known in zip(day.callers, log, strict=True):
            assert caller.patience >= known.wait
            assert (caller.patience == known.wait) == (not known.answered)
        assert day.slots == tuple(known.left for known in log if known.answered)

    def test_only_queued_regular_service_takes_part_in_slots(self):
        log = [call(1, arrived=10), call(2, arrived=10, wait=None), call(3, arrived=10, kind="NE")]
        (day,) = slot_days(log, seed=1)
        assert len(day.callers) == 1

    def test_staffed_everybody_who_wanted_an_agent_is_played_and_the_queued_are_judged(self):
        log = [
            call(1, arrived=10, wait=5, priority=2),
            call(2, arrived=20, wait=None, priority=0),
            call(3, arrived=30, wait=5, kind="NE"),
            call(4, arrived=40, wait=None, outcome="HANG"),
            call(5, arrived=50, wait=9, talk=9_000),
        ]
        (day,) = staffed_days(log, seed=1)
        assert [caller.judged for caller in day.callers] == [True, False, False, True]
        assert day.callers[1].priority in (1, 2), "its class was lost, and is drawn from the queued"
        assert day.callers[3].service == 3_600

    def test_the_same_seed_gives_the_same_people(self):
        log = [call(n, arrived=10 + 10 * n, wait=n % 50, outcome="HANG" if n % 5 == 0 else "AGENT") for n in range(100)]
        assert slot_days(log, 7) == slot_days(log, 7)
        assert slot_days(log, 7) != slot_days(log, 8)
        one, other = staffed_days(log, 7), staffed_days(log, 7)
        assert [day.callers for day in one] == [day.callers for day in other]


class TestFigures:
    def test_waits_hang_ups_and_net_service_level(self):
        endings = [Ending(2, wait, True) for wait in (10, 20, 30, 100)]
        endings += [Ending(2, 4, False), Ending(2, 50, False)]
        vip = count(endings, within_s=20)["vip"]
        assert (vip.calls, vip.answered, vip.abandoned) == (6, 4, 2)
        assert (vip.mean_wait_s, vip.median_wait_s, vip.p90_wait_s) == (40, 25, 100)
        assert vip.service_level == pytest.approx(2 / 5), "who left within 5 s is not held against us"
        assert vip.abandoned_share == pytest.approx(2 / 6)

    def test_a_class_nobody_called_in_has_no_figures(self):
        regular = count([], within_s=20)["regular"]
        assert regular.calls == 0
        assert regular.mean_wait_s is regular.service_level is regular.abandoned_share is None

    def test_percentiles_are_values_that_occurred(self):
        assert percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9) == 9
        assert percentile([7], 0.9) == 7
        assert percentile([], 0.9) is None
