"""A whole load, short: service, far end and locust come up, play, end, and are judged."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from loadtests.options import Options
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
