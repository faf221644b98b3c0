"""A real bank's calls: our queue asked at each of its answers, and its own rule replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.cli.replay import command

# In how many % of its answers the bank did as first come, first served, 90 s of head start, or VIPs first would.
ORDER = {
    "01_january.txt.gz": (5_876, {"0": 83.0, "90": 74.9, "strict": 70.8}),
    "03_march.txt.gz": (9_718, {"0": 71.2, "90": 87.2, "strict": 73.8}),
}
COLUMNS = ["--head-start", "0", "--head-start", "90"]


@pytest.fixture(scope="session")
def bank(reference: Path) -> Path:
    folder = reference / "anonymous_bank_1999"
    if not folder.is_dir():
        pytest.skip(f"no recorded calls in {folder}")
    return folder


def document(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*(str(argument) for argument in arguments), "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("month", ORDER)
def test_the_engines_queue_chooses_as_the_bank_did_as_often_as_its_rule_explains(bank, month):
    decisions, expected = ORDER[month]
    found = document(bank / month, "--check-order", *COLUMNS)
    assert found["decisions"] == decisions
    assert found["agreement"] == pytest.approx(expected, abs=0.3)


def test_before_the_head_start_the_bank_served_in_order(bank):
    found = document(bank / "01_january.txt.gz", "--check-order", "--to", "1999-01-10", *COLUMNS)
    assert found["decisions"] == 2_310
    assert found["agreement"] == pytest.approx({"0": 99.96, "90": 76.2, "strict": 73.9}, abs=0.3)


def test_first_come_first_served_gives_the_waits_of_those_days(bank):
    days = ["--from", "1999-01-01", "--to", "1999-01-10"]
    rules = document(bank / "01_january.txt.gz", "--mode", "slots", "--head-start", 90, *days)["rules"]
    for name in ("vip", "regular"):
        assert rules["fcfs"][name]["mean_wait_s"] == pytest.approx(rules["log"][name]["mean_wait_s"], abs=1)
        assert rules["fcfs"][name]["abandoned_share"] == pytest.approx(rules["log"][name]["abandoned_share"], abs=0.02)


def test_in_march_90_seconds_of_head_start_give_what_the_log_shows(bank):
    days = ["--from", "1999-03-01", "--to", "1999-03-14"]
    rules = document(bank / "03_march.txt.gz", "--mode", "slots", "--head-start", 90, *days)["rules"]
    log, ours = rules["log"], rules["90"]
    for name, within in (("vip", 0.05), ("regular", 0.10)):
        assert ours[name]["mean_wait_s"] == pytest.approx(log[name]["mean_wait_s"], rel=within)
        assert ours[name]["abandoned_share"] == pytest.approx(log[name]["abandoned_share"], abs=0.02)
    assert rules["strict"]["vip"]["mean_wait_s"] < ours["vip"]["mean_wait_s"] < rules["fcfs"]["vip"]["mean_wait_s"]


def test_with_inferred_agents_the_waits_are_of_the_logs_size(bank):
    days = ["--from", "1999-03-01", "--to", "1999-03-10"]
    rules = document(bank / "03_march.txt.gz", "--mode", "staffed", "--head-start", 90, *days)["rules"]
    for name in ("vip", "regular"):
        assert rules["90"][name]["mean_wait_s"] == pytest.approx(rules["log"][name]["mean_wait_s"], rel=0.20)
        assert rules["90"][name]["abandoned_share"] == pytest.approx(rules["log"][name]["abandoned_share"], abs=0.06)
