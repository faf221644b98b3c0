"""How soon a telephone rings: what is judged, and that a whole run, very small, measures what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from loadtests import offers
from loadtests.meter import Spent
from loadtests.offers import Delivered, measure, verdict_on
from loadtests.options import Options


def run_of(p99_ms: float) -> Delivered:
    return Delivered([*[5.0] * 98, p99_ms, p99_ms], 1000, 1000, Spent(10.0, dict.fromkeys(("service",), 1.0)))


def test_the_median_of_the_runs_is_judged() -> None:
    assert verdict_on([run_of(p99) for p99 in (49, 300, 20, 50, 900)]) == (
        "Median of 5 runs: p50 5.0 ms, p99 50.0 ms; to reach ≤ 50: reached.",
        True,
    )
    assert verdict_on([run_of(51)])[1] is False


@pytest.mark.parametrize(("p99_ms", "code"), [(50, 0), (51, 1)])
def test_a_miss_is_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, p99_ms: float, code: int) -> None:
    asked: list[tuple[Options, int, float]] = []

    async def measured(options: Options, waiting: int, seconds: float) -> Delivered:
        asked.append((options, waiting, seconds))
        return run_of(p99_ms)

    monkeypatch.setattr(offers, "measure", measured)
    done = CliRunner().invoke(offers.main, ["--rate", "7", "--runs", "3", "--out", str(tmp_path)])
    assert done.exit_code == code, done.output
    assert len(asked) == 3
    assert len({options.seed for options, *_ in asked}) == 3
    assert {(options.rate, options.agents, waiting) for options, waiting, _ in asked} == {(7.0, 1000, 1000)}


@pytest.mark.soak
async def test_freed_agents_are_rung(tmp_path: Path) -> None:
    options = Options(rate=4, agents=4, pace=1, mix={"twilio": 1.0}, plain=True, out=str(tmp_path))
    found = await measure(options, waiting=3, seconds=8)
    assert found.ms == sorted(found.ms)
    assert found.ms
    assert found.waiting >= 1
    assert 0 < found.busy <= 4
    assert found.spent.cpu_s["service"] > 0
