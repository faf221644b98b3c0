"""`vipline replay --check-estimates`: the estimator that serves, judged on recorded calls."""

from __future__ import annotations

import datetime
import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cli.replay import command
from router.replay.callers import by_day
from router.replay.estimates import check
from router.replay.trace import read_trace
from tests.support import traces


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days on which one agent answers a caller every half minute or so."""
    draw, rows, number = random.Random(4), [], 0
    for date in ("010203", "010204"):
        free = at = 30_000
        for _ in range(300):
            number += 1
            at += draw.randrange(1, 60)
            free = max(at + 1, free + draw.randrange(10, 50))
            rows.append(traces.line(number, arrived=at, wait=free - at, priority=draw.randrange(3), date=date))
    return traces.write(tmp_path_factory.mktemp("traces") / "days.txt", *rows)


def test_prints_a_row_for_each_class(trace):
    result = run(trace, "--check-estimates")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.output.splitlines()[2:6]] == ["all", "vip", "regular", "unidentified"]
    assert "VIPs 90 s ahead" in result.output


def test_days_before_the_first_judged_only_teach(trace):
    result = run(trace, "--check-estimates", "--judge-from", "2001-02-04", "--json")
    found = json.loads(result.stdout)
    assert found["judged_from"] == "2001-02-04"
    assert found["classes"]["all"]["answers"] == 300
    whole = json.loads(run(trace, "--check-estimates", "--json").stdout)["classes"]["all"]["answers"]
    assert 300 < whole <= 600 - 20


def test_judges_nobody_where_nothing_was_known(trace):
    result = run(trace, "--check-estimates", "--judge-from", "2010-01-01", "--json")
    assert json.loads(result.stdout)["classes"]["vip"] == {
        "answers": 0,
        "rmse_s": None,
        "p50_mae_s": None,
        "within_30_s": None,
        "within_p50": None,
        "within_p90": None,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("--check-estimates", "--check-order"),
        ("--judge-from", "2001-02-04"),
        ("--check-estimates", "--head-start", 60, "--head-start", 90),
    ],
)
def test_one_question_at_a_time(trace, arguments):
    assert run(trace, *arguments).exit_code == 2


def test_knows_at_an_arrival_nothing_that_comes_later(trace):
    """Judged to the end of the first day, a log that goes on gives what a log that ends there gives."""
    days = by_day(read_trace(trace))
    first = dict(list(days.items())[:1])
    alone = check(first, {2: 90_000}, None, lambda _: None)
    both = check(days, {2: 90_000}, None, lambda _: None)
    second = check(days, {2: 90_000}, list(days)[1], lambda _: None)
    for name, each in both.items():
        assert alone[name].answers + second[name].answers == each.answers
        assert alone[name].squares + second[name].squares == pytest.approx(each.squares)


def test_reaches_its_bounds_on_a_real_banks_calls(reference):
    folder = reference / "anonymous_bank_1999"
    if not folder.is_dir():
        pytest.skip(f"no recorded calls in {folder}")
    calls = [call for path in sorted(folder.glob("*.txt.gz")) for call in read_trace(path)]
    found = check(by_day(calls), {2: 90_000}, datetime.date(1999, 5, 1), lambda _: None)
    figures: dict[str, Any] = {name: (each.rmse_s, each.mae_s) for name, each in found.items()}
    assert found["all"].answers == 55_949
    assert figures["all"] < (82, 54)
    assert figures["all"][1] < 54
    assert figures["vip"][0] < 74
    near = found["all"].share(found["all"].near)
    assert near is not None
    assert near > 46
    for each in found.values():
        assert each.share(each.within_p50) == pytest.approx(50, abs=2)
        assert each.share(each.within_p90) == pytest.approx(90, abs=2)
