"""How the highest clean rate is found, and who is said to have ended the climb. No load is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from loadtests import capacity
from loadtests.capacity import End, best_of, climb, compared, end_of, verdict_on
from loadtests.figures import Figures
from loadtests.meter import Spent

CALM = {"service": 20.0, "server": 5.0, "far end": 20.0, "locust": 5.0}


def figures(rate: float = 60.0, *, cpu_s: dict[str, float] | None = None, **more: Any) -> Figures:
    """A minute of which nothing bad can be said."""
    calls = round(rate * 60)
    whole = Figures(
        rate=rate, seconds=60, workers=1, plain=True, clean=True, faults=[], missing=[], strained=[], late=[],
        came=calls, came_s=59.9, meant_s=59.5, first_s=5.0, complete=calls, ended=calls,
        hooks=(calls * 12, 3.0, 9.0, 20.0, 90.0), spent=Spent(70.0, cpu_s or CALM, 1.0), rss=[],
    )  # fmt: skip
    return replace(whole, **more)


@pytest.mark.parametrize(
    ("found", "by"),
    [
        (figures(), None),
        (figures(cpu_s=CALM | {"far end": 66.0}), "far end"),
        (figures(cpu_s=CALM | {"locust": 66.0}), "locust"),
        (figures(came_s=63.0), "locust"),
        (figures(cpu_s=CALM | {"service": 110.0}), None),
        (figures(cpu_s=CALM | {"service": 110.0}, hooks=(9, 100.0, 400.0, 501.0, 900.0)), "machine"),
        (figures(hooks=(9, 100.0, 400.0, 501.0, 900.0)), "hooks"),
        (figures(clean=False, faults=["CA1 is lost"]), "verdict"),
        (figures(cpu_s=CALM | {"far end": 66.0}, clean=False, faults=["CA1 is lost"]), "verdict"),
        (figures(came_s=90.0, clean=False, faults=["CA1 is lost"]), "verdict"),
        (figures(cpu_s=CALM | {"service": 110.0}, clean=False, faults=["CA1 is lost"]), "verdict"),
        (figures(came_s=90.0, clean=False, faults=["slow"], late=["slow"]), "locust"),
        (figures(clean=False, faults=["slow"], late=["slow"]), "hooks"),
        (figures(clean=False, strained=["the machine was full"]), "machine"),
    ],
)
def test_who_is_at_the_end(found: Figures, by: str | None) -> None:
    end = end_of(found, p99_ms=500, cores=2)
    assert (end.by if end else None) == by


def climbed(clean_until: float, *, top: float = 400) -> list[tuple[Figures, End | None]]:
    broken = End("hooks", "slow")
    judge = lambda found: None if found.rate <= clean_until else broken  # noqa: E731
    return list(climb(figures, judge, start=20, step=20, top=top))


def rates(steps: Sequence[tuple[Figures, End | None]]) -> list[float]:
    return [found.rate for found, _ in steps]


def test_it_climbs_until_something_gives_and_looks_once_half_way_back() -> None:
    assert rates(climbed(65)) == [20, 40, 60, 80, 70]
    assert rates(climbed(75)) == [20, 40, 60, 80, 70]
    assert rates(climbed(900, top=60)) == [20, 40, 60]
    assert rates(climbed(10)) == [20]


def test_the_best_is_the_highest_clean_one() -> None:
    for until, best in ((65, 60), (75, 70), (10, None)):
        found = best_of(climbed(until))
        assert (found.rate if found else None) == best


def test_the_cost_of_a_call_is_judged_at_sixty_or_more_and_never_below() -> None:
    cheap = figures(60, cpu_s=CALM | {"service": 12.0, "server": 6.0})
    assert "5.0 ms of CPU, service and server; to reach ≤ 5: reached." in verdict_on([(cheap, None)])[-1]
    assert verdict_on([(figures(60), None)])[-1].endswith("≤ 5: MISSED.")
    assert "cannot be judged" in verdict_on([(figures(40), None)])[-1]
    assert verdict_on([(figures(40), End("hooks", "slow"))])[0] == "No rate was clean."


def test_calls_of_few_hooks_are_no_complete_calls() -> None:
    few = figures(hooks=(60 * 60 * 7, 3.0, 9.0, 20.0, 90.0))
    assert any("7.0 hooks only" in words for words in verdict_on([(few, None)]))


def test_two_workers_are_compared_by_rate_and_by_cost() -> None:
    one = [(figures(20), None), (figures(40), None), (figures(60), End("hooks", "slow"))]
    two = [(replace(found, workers=2), None) for found, _ in one]
    said = compared(one, two)
    assert said[0] == "2 workers ÷ 1: 1.50 × the highest clean rate."
    assert said[1:3] == [f"At {rate} a second a call costs 1.00 × with 2." for rate in (20, 40)]
    assert compared([], two) == ["Nothing to compare: no rate was clean."]


def test_figures_come_back_as_they_were_left(tmp_path: Path) -> None:
    left = figures(rss=[(0.5, 1, 2)])
    left.leave(tmp_path)
    back = Figures.read(tmp_path)
    assert back.spent == left.spent
    assert back.hooks_a_call == left.hooks_a_call == 12
    assert [tuple(point) for point in back.rss] == left.rss


def test_the_command_prints_a_row_for_each_rate_and_a_climb_for_each_number_of_workers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[tuple[int, float]] = []

    def load(folder: Path, *words: str) -> Figures:
        told = dict(zip(words[1::2], words[2::2], strict=True))
        workers, rate = int(told["--workers"]), float(told["--rate"])
        made.append((workers, rate))
        return figures(rate, workers=workers, hooks=(1, 3.0, 9.0, 20.0 if rate < 60 else 900.0, 990.0))

    monkeypatch.setattr(capacity, "load", load)
    done = CliRunner().invoke(capacity.main, ["--workers", "1", "--workers", "2", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert made == [(workers, rate) for workers in (1, 2) for rate in (20, 40, 60, 50)]
    assert done.output.count("The highest clean rate is 50 calls a second.") == 2
    assert "2 workers ÷ 1: 1.00 × the highest clean rate." in done.output


def test_a_broken_verdict_is_exit_1_however_high_the_climb_and_a_slow_driver_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for faults, code in ((["CA1 is lost"], 1), ([], 0)):
        broken: dict[str, Any] = {"cpu_s": CALM | {"far end": 66.0}, "clean": not faults, "faults": faults}
        load = lambda _, *words: figures(float(words[2]), **(broken if float(words[2]) > 40 else {}))  # noqa: B023, E731
        monkeypatch.setattr(capacity, "load", load)
        done = CliRunner().invoke(capacity.main, ["--out", str(tmp_path)])
        assert done.exit_code == code, done.output
        assert "The highest clean rate is 40" in done.output


def test_nothing_clean_is_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(capacity, "load", lambda *_: figures(20, clean=False, faults=["CA1 is lost"]))
    done = CliRunner().invoke(capacity.main, ["--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "1 faults: CA1 is lost" in done.output
