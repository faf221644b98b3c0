"""Whether memory grows is judged by the last half of a run; what comes before is the service warming up."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from config.loading import load_config
from loadtests import memory
from loadtests.memory import rows, slopes
from loadtests.options import Options
from loadtests.site import write_site
from tests.unit.test_load_capacity import figures


def grown(service: float, server: float) -> list[tuple[float, int, int]]:
    """Half an hour: 100 MB that doubled in the first half, then grew by so many bytes a second; then its end."""
    first = [(at_s, 50_000_000, 10_000_000) for at_s in range(0, 905, 10)]
    last = [
        (at_s, round(1e8 + (at_s - 905) * service), round(2e7 + (at_s - 905) * server)) for at_s in range(905, 1806, 10)
    ]
    return [(float(at_s), *both) for at_s, *both in [*first, *last, (1900, 1, 1)]]  # type: ignore[misc]


def test_only_the_last_half_counts() -> None:
    found = slopes(figures(seconds=1800, rss=grown(0, 0)))
    assert found == {"service": 0.0, "server": 0.0}


def test_what_grows_steadily_is_told_in_per_cent_of_ten_minutes() -> None:
    found = slopes(figures(seconds=1800, rss=grown(2_000, 200)))
    assert found["service"] == pytest.approx(1.2, rel=0.02)
    assert found["server"] == pytest.approx(0.6, rel=0.02)


def test_nothing_of_a_call_is_meant_to_outlive_a_load(tmp_path: Path) -> None:
    (files,) = load_config(write_site(tmp_path, Options(tombstone_s=20), {"simulator": {}})).values()
    assert (files.plan.site.timing.retain_ended, files.plan.site.timing.tombstone) == (60_000, 20_000)


def test_some_moments_are_printed() -> None:
    assert len(rows(figures(rss=grown(0, 0)))) in (10, 11, 12)
    assert rows(figures(rss=[(0.0, 1_500_000, 2_500_000)])) == [["0", "1.5", "2.5"]]


@pytest.mark.parametrize(("service", "faults", "code"), [(500.0, [], 0), (5_000.0, [], 1), (500.0, ["CA1 is lost"], 1)])
def test_growth_and_faults_are_exit_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: float, faults: list[str], code: int
) -> None:
    monkeypatch.setattr(memory, "load", lambda *_: figures(seconds=1800, rss=grown(service, 0), faults=faults))
    done = CliRunner().invoke(memory.main, ["--out", str(tmp_path)])
    assert done.exit_code == code, done.output
    assert ("service: +2.9" in done.output) == (service == 5_000)
