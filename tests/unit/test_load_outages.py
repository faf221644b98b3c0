"""What is killed in a load and when, and which failures that excuses."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from loadtests.__main__ import main
from loadtests.answers import Answers, Miss
from loadtests.carriers.heard import Why
from loadtests.options import read_kinds
from loadtests.outages import GRACE_S, LONGEST_S, Outage, assign, moments


def after_a_kill(
    *missed: Miss, first_s: float = 0.5, dropped: tuple[tuple[float, str], ...] = ()
) -> tuple[Outage, list[str]]:
    """A master killed at 100, an answer `first_s` later to whoever asked right after; many before."""
    outage = Outage("master", 100.0)
    answered = [(90.0, 90.1)] * 1_000 + [(100.0, 100.0 + first_s)]
    return outage, assign([outage], Answers(answered, list(missed), list(dropped)))


def miss(at: float, why: Why = "cut", *, given_up: bool = False) -> Miss:
    return Miss(at, at + 0.1, "hold", why, given_up)


@pytest.mark.parametrize("why", ["refused", "cut", "slow", "unable"])
def test_what_fails_while_something_is_away_is_told_apart(why: Why) -> None:
    outage, faults = after_a_kill(
        miss(99.95, why), miss(101, why), miss(103, why, given_up=True), dropped=((101.0, "CA1"),)
    )
    assert faults == []
    assert (outage.missed, outage.dropped, outage.first_s) == (3, ["CA1"], 0.5)
    assert outage.last_s == pytest.approx(3.1)


def test_what_fails_before_or_later_is_a_fault() -> None:
    outage, faults = after_a_kill(miss(99), miss(101 + GRACE_S), dropped=((90.0, "CA1"), (120.0, "CA2")))
    assert faults == [
        "hold: cut (2 times)",
        "CA1: the carrier gave up, and nothing was away",
        "CA2: the carrier gave up, and nothing was away",
    ]
    assert outage.missed == 0


def test_answers_may_be_slow_until_what_was_killed_is_back() -> None:
    slow, cut = miss(112, "slow"), miss(112)
    for back_at, found in ((113.0, 1), (None, 0)):
        outage = Outage("worker", 100.0, back_at)
        faults = assign([outage], Answers([(90.0, 90.1), (100.0, 100.1)], [slow, cut]))
        assert "hold: cut (1 times)" in faults
        assert outage.missed == found


def test_a_wrong_answer_is_never_excused() -> None:
    assert after_a_kill(miss(101, "wrong", given_up=True))[1] == ["hold: wrong, given up (1 times)"]


def test_a_busy_machine_may_have_a_few_asked_again_but_none_given_up() -> None:
    assert after_a_kill(*[miss(50, "slow")] * 10)[1] == []
    assert after_a_kill(*[miss(50, "unable")] * 11)[1] == ["11 requests had to be asked again, and nothing was away"]
    assert after_a_kill(miss(50, "slow", given_up=True))[1] == ["hold: slow, given up (1 times)"]


def test_nobody_may_be_without_an_answer_for_longer_than_a_carrier_waits() -> None:
    assert after_a_kill(first_s=LONGEST_S)[1] == []
    assert after_a_kill(first_s=LONGEST_S + 0.1)[1] == ["nobody was answered for 15.1 s after the master was killed"]
    never = Outage("service", 100.0)
    assert assign([never], Answers([(90.0, 90.1)], [miss(101)])) == [
        "nobody was answered for the rest of the run after the service was killed"
    ]
    assert assign([never], Answers([(90.0, 90.1)])) == []  # nobody asked


def test_kills_are_spread_over_the_run_each_kind_at_least_once() -> None:
    assert moments(["worker"], 120) == [(30, "worker"), (60, "worker"), (90, "worker")]
    assert moments(["worker", "master"], 12) == [(4, "worker"), (8, "master")]
    assert moments([], 120) == []


def test_what_is_killed_is_read_and_what_cannot_be_is_refused() -> None:
    assert read_kinds("master, worker") == ["worker", "master"]
    refused = CliRunner().invoke(main, ["--kill", "worker,moon"])
    assert refused.exit_code == 2
    assert "moon; there are worker, service, master" in refused.output
