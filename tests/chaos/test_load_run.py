"""A whole load, short: service, far end and locust come up, play, end, and are judged; also with something killed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from loadtests.options import Options
from loadtests.outages import Kind
from loadtests.run import run


@pytest.mark.soak
@pytest.mark.parametrize("mix", [{"api": 1.0}, {"twilio": 0.5, "api": 0.2, "ari": 0.15, "jambonz": 0.15}])
async def test_a_short_load_is_clean_and_leaves_its_reports(tmp_path: Path, mix: dict[str, float]) -> None:
    out = io.StringIO()
    options = Options(rate=3, minutes=0.15, agents=12, pace=100, mix=mix, out=str(tmp_path / "reports"))
    found = await run(options, out)
    assert found.faults == [], out.getvalue()
    assert found.clean
    assert "CLEAN" in out.getvalue()
    for name in ("report.html", "locust.html", "events.txt", "service.log"):
        assert (tmp_path / "reports" / name).stat().st_size > 0


@pytest.mark.parametrize(
    "kinds",
    [
        ["worker", "service"],
        pytest.param(["master"], marks=pytest.mark.soak),
        pytest.param(["worker", "service", "master"], marks=pytest.mark.soak),
    ],
)
async def test_what_is_killed_in_its_middle_costs_no_call(tmp_path: Path, kinds: list[Kind]) -> None:
    out = io.StringIO()
    options = Options(rate=4, minutes=0.1, agents=12, pace=100, workers=2, kill=kinds, out=str(tmp_path / "reports"))
    found = await run(options, out)
    assert found.faults == [], out.getvalue()
    assert [outage.kind for outage in found.outages] == kinds
    assert all(outage.back_at for outage in found.outages)
    assert [who for outage in found.outages for who in outage.dropped] == []
    assert "while away: " in out.getvalue()
    assert (tmp_path / "reports" / "report.html").read_text().count('class="kill"') == 4 * len(kinds)
