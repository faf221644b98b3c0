"""What is killed in a load and when, and which failures that excuses."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from loadtests.__main__ import main
from loadtests.answers import Answers, Miss
from loadtests.carriers.heard import Why
from loadtests.options import read_kinds
from loadtests.outages import FEW_CUT, GRACE_S, LONGEST_S, Blame, Kind, Outage, assign, moments


def after_a_kill(
    *missed: Miss,
    kind: Kind = "master",
    first_s: float = 0.5,
    back_at: float | None = None,
    gone_at: float | None = None,
    dropped: tuple[tuple[float, str], ...] = (),
    full: bool = False,
) -> tuple[Outage, Blame]:
    """Something is killed at 100; an answer `first_s` later to whoever asked right after, many before."""
    outage = Outage(kind, 100.0, back_at, gone_at)
    answered = [(90.0, 90.1)] * 1_000 + [(100.0, 100.0 + first_s)]
    answers = Answers(answered, list(missed), list(dropped))
    return outage, assign([outage], answers, lambda *_: full)


def miss(at: float, why: Why = "cut", *, given_up: bool = False) -> Miss:
    return Miss(at, at + 0.1, "hold", why, given_up)


def vain(began: float, tried: float, why: Why, who: str = "CA1", last_s: float = 0.1) -> Miss:
    """A request with all its tries, the last of which began at `tried`."""
    return Miss(began, tried + last_s, "hold", why, True, tried, who)


@pytest.mark.parametrize("why", ["refused", "cut", "slow", "unable"])
def test_what_fails_while_something_is_away_is_told_apart(why: Why) -> None:
    outage, found = after_a_kill(
        miss(99.95, why), miss(101, why), vain(99, 103, why), dropped=((103.1, "CA1"),), first_s=0.5
    )
    assert found == ([], [], [], [])
    assert (outage.missed, outage.dropped, outage.first_s) == (3, ["CA1"], 0.5)
    assert outage.last_s == pytest.approx(3.1)


def test_what_fails_before_or_later_is_a_fault() -> None:
    outage, found = after_a_kill(miss(99), miss(101 + GRACE_S), dropped=((90.0, "CA1"), (120.0, "CA2")))
    assert found.faults == [
        "hold: cut (2 times)",
        "2 callers were given up by their carrier for want of an answer: CA1 first",
    ]
    assert outage.missed == 0


@pytest.mark.parametrize("kind", ["worker", "service"])
@pytest.mark.parametrize("why", ["refused", "cut", "slow", "unable"])
def test_where_another_stands_ready_nobody_may_be_given_up(kind: Kind, why: Why) -> None:
    missed = [vain(100.5, 104.4, why, f"CA{number}") for number in range(500)]
    dropped = tuple((104.5, f"CA{number}") for number in range(500))
    outage, found = after_a_kill(*missed, kind=kind, back_at=104.0, dropped=dropped)
    assert found.faults == [
        f"hold: {why}, given up (500 times)",
        "500 callers were given up by their carrier for want of an answer: CA0 first",
    ]
    assert (outage.missed, outage.dropped) == (0, [])


def test_who_has_one_try_only_may_be_cut_by_the_kill_and_not_many() -> None:
    cut = [Miss(99.9, 100.1, "status", "cut", True, 99.9, f"CA{number}") for number in range(FEW_CUT + 1)]
    dropped = tuple((100.1, one.who) for one in cut)
    outage, found = after_a_kill(*cut[:-1], kind="worker", dropped=dropped[:-1])
    assert found == ([], [], [], [])
    assert (outage.missed, len(outage.dropped)) == (FEW_CUT, FEW_CUT)
    assert after_a_kill(*cut, kind="worker", dropped=dropped)[1].faults == [
        "6 legs were cut when the worker was killed",
        "6 requests were cut for good when the worker was killed",
    ]
    later = Miss(102.0, 102.1, "status", "cut", True, 102.0, "CA1")
    assert after_a_kill(later, kind="worker")[1].faults == ["status: cut, given up (1 times)"]


@pytest.mark.parametrize("kind", ["worker", "service"])
@pytest.mark.parametrize("why", ["refused", "cut", "slow", "unable"])
def test_another_try_may_be_cut_by_what_is_still_dying_and_no_later(kind: Kind, why: Why) -> None:
    for tried in (100.02, 100.04):
        missed = vain(99.9, tried, why)
        outage, found = after_a_kill(missed, kind=kind, gone_at=100.03, dropped=((missed.ended, "CA1"),))
        excused = why == "cut" and tried < 100.03
        assert len(found.faults) == (0 if excused else 2)
        assert (outage.cut, outage.dropped) == ((1, ["CA1"]) if excused else (0, []))


def test_callers_are_given_up_for_as_long_as_no_master_answers_and_no_longer() -> None:
    for tried, faults in ((104.5 + GRACE_S, 0), (104.6 + GRACE_S, 2)):
        late = vain(99, tried, "unable")
        outage, found = after_a_kill(late, first_s=4.5, back_at=120.0, dropped=((late.ended, "CA1"),))
        assert len(found.faults) == faults
        assert len(outage.dropped) == (not faults)


@pytest.mark.parametrize("kind", ["worker", "service", "master"])
def test_who_waited_in_vain_on_a_full_machine_was_not_lost_by_the_service(kind: Kind) -> None:
    missed = [vain(110, 118, "slow", "CA1", 4.0), vain(110, 118, "unable", "CA2", 4.0)]
    dropped = ((122.0, "CA1"), (122.0, "CA2"))
    words = "given up because the machine was full: {} requests, {} legs"
    assert after_a_kill(*missed, kind=kind, dropped=dropped, full=True)[1] == ([], [], [words.format(2, 2)], [])
    assert len(after_a_kill(*missed, kind=kind, dropped=dropped)[1].faults) == 3
    many = after_a_kill(*missed * 10, kind=kind, full=True)[1]
    assert many == ([], [words.format(20, 0)], [], [])


@pytest.mark.parametrize("why", ["refused", "cut", "unable"])
def test_a_full_machine_turns_nobody_away_at_once(why: Why) -> None:
    found = after_a_kill(vain(110, 118, why), kind="service", dropped=((118.1, "CA1"),), full=True)[1]
    assert len(found.faults) == 2


def test_answers_may_be_slow_until_what_was_killed_is_back() -> None:
    slow, cut = miss(112, "slow"), miss(112)
    for back_at, count in ((113.0, 1), (None, 0)):
        outage, found = after_a_kill(slow, cut, kind="worker", back_at=back_at)
        assert "hold: cut (1 times)" in found.faults
        assert outage.missed == count


def test_a_wrong_answer_is_never_excused() -> None:
    assert after_a_kill(miss(101, "wrong", given_up=True))[1].faults == ["hold: wrong, given up (1 times)"]
    assert after_a_kill(miss(101, "wrong", given_up=True), full=True)[1].faults


def test_a_busy_machine_may_have_a_few_asked_again_but_none_given_up() -> None:
    assert after_a_kill(*[miss(50, "slow")] * 10)[1] == ([], [], [], [])
    many = [miss(50, "unable")] * 11
    assert after_a_kill(*many)[1].faults == ["11 requests had to be asked again, and nothing was away"]
    assert after_a_kill(*many)[1].late == after_a_kill(*many)[1].faults
    assert after_a_kill(*many, full=True)[1].strained == [
        "11 requests had to be asked again because the machine was full"
    ]
    assert after_a_kill(miss(50, "slow", given_up=True))[1].faults == ["hold: slow, given up (1 times)"]


def test_nobody_may_be_without_an_answer_for_longer_than_a_carrier_waits() -> None:
    assert after_a_kill(first_s=LONGEST_S)[1].faults == []
    long = after_a_kill(first_s=LONGEST_S + 0.1)[1]
    assert long.faults == ["nobody was answered for 15.1 s after the master was killed"]
    never = Outage("service", 100.0)
    assert assign([never], Answers([(90.0, 90.1)], [miss(101)])).faults == [
        "nobody was answered for the rest of the run after the service was killed"
    ]
    assert assign([never], Answers([(90.0, 90.1)])).faults == []  # nobody asked


def test_kills_are_spread_over_the_run_each_kind_at_least_once() -> None:
    assert moments(["worker"], 120) == [(30, "worker"), (60, "worker"), (90, "worker")]
    assert moments(["worker", "master"], 12) == [(4, "worker"), (8, "master")]
    assert moments([], 120) == []


def test_what_is_killed_is_read_and_what_cannot_be_is_refused() -> None:
    assert read_kinds("master, worker") == ["worker", "master"]
    refused = CliRunner().invoke(main, ["--kill", "worker,moon"])
    assert refused.exit_code == 2
    assert "moon; there are worker, service, master" in refused.output
