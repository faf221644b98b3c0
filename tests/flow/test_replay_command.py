"""`vipline replay` as it is typed, on small made-up traces."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cli.replay import command
from router.store.embedded import EmbeddedServer
from router.store.server_binary import NoServer
from tests.support.traces import line, write


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two made-up days with a full line, the second short."""
    random = Random(1)
    lines, at = [], 30_000
    for number in range(120):
        at += random.choice([1, 5, 20])
        lines.append(
            line(
                number,
                arrived=at if number < 100 else at - 3_000,
                wait=random.randrange(150),
                priority=random.choice([1, 2]),
                outcome=random.choice(["AGENT", "AGENT", "HANG"]),
                server=random.choice(["ann", "bob"]),
                date="010203" if number < 100 else "010204",
            )
        )
    return write(tmp_path / "made_up.txt", *lines)


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def document(*arguments: object) -> dict[str, Any]:
    result = replay(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_order_table_is_one_object_for_all_traces_and_one_for_each(trace, tmp_path):
    packed = tmp_path / "again.txt.gz"
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    both = document(trace, packed, "--check-order", "--head-start", 0, "--head-start", 90)
    assert list(both["agreement"]) == ["0", "90", "strict"]
    one, other = both["traces"]
    assert (one["trace"], other["trace"]) == ("made_up.txt", "again.txt.gz")
    assert one["decisions"] + other["decisions"] == both["decisions"] > 0
    assert one["agreement"] == other["agreement"] == both["agreement"]


def test_a_plans_head_starts_are_one_more_column_of_the_order_table(trace, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "language: en\nregion: US\ntimezone: UTC\ndefault_tier: plain\ngroups: {all: {}}\n"
        "tiers: [{name: best, ladder: one, head_start: 90s}, {name: plain, ladder: one}]\n"
        "ladders: {one: [{step: all, to: all}]}\n"
    )
    found = document(trace, "--check-order", "--head-start", 90, "--plan", plan)["agreement"]
    assert found["plan"] == found["90"] != found["strict"]
    turned = document(trace, "--check-order", "--head-start", 90, "--plan", plan, "--tier", "vip=plain")["agreement"]
    assert turned["plan"] != turned["90"]


@pytest.mark.parametrize("mode", ["slots", "staffed"])
def test_waits_stand_beside_first_come_strict_and_the_log(trace, mode):
    found = document(trace, "--mode", mode, "--head-start", 90)
    assert list(found["rules"]) == ["log", "fcfs", "90", "strict"]
    assert found["service_level"] == {"variant": "net", "within_s": 20}
    calls = {name: figures["vip"]["calls"] for name, figures in found["rules"].items()}
    assert len(set(calls.values())) == 1, "every rule meets the same people"
    gain = found["against_fcfs"]["strict"]["vip"]["mean_wait_s"]
    strict, plain = found["rules"]["strict"]["vip"], found["rules"]["fcfs"]["vip"]
    assert gain == pytest.approx(strict["mean_wait_s"] - plain["mean_wait_s"], abs=0.001)
    assert gain < 0


def test_the_same_seed_gives_the_same_answer_and_another_does_not(trace):
    assert document(trace, "--head-start", 90) == document(trace, "--head-start", 90)
    other = document(trace, "--head-start", 90, "--seed", 2)
    assert other["rules"]["log"] == document(trace, "--head-start", 90)["rules"]["log"]
    assert other["rules"]["90"] != document(trace, "--head-start", 90)["rules"]["90"]


def test_one_agent_more_answers_more_and_sooner(trace):
    before = document(trace, "--mode", "staffed", "--head-start", 90)["rules"]
    after = document(trace, "--mode", "staffed", "--head-start", 90, "--extra-agents", 1)["rules"]
    assert after["log"] == before["log"]
    assert after["fcfs"]["vip"]["mean_wait_s"] < before["fcfs"]["vip"]["mean_wait_s"]
    for rule in ("fcfs", "90", "strict"):
        assert sum(after[rule][name]["answered"] - before[rule][name]["answered"] for name in ("vip", "regular")) > 0


def test_days_outside_the_given_ones_are_left_out(trace):
    calls = [
        document(trace, "--head-start", 90, *days)["rules"]["log"]["vip"]["calls"]
        for days in ([], ["--from", "2001-02-04"], ["--to", "2001-02-03"])
    ]
    assert calls[0] == calls[1] + calls[2]
    assert calls[1] > 0 < calls[2]


def test_the_tables_name_the_variant_and_the_price(trace):
    shown = replay(trace, "--head-start", 90)
    assert shown.exit_code == 0, shown.output
    assert "what the log shows" in shown.output
    assert "variant net, answered within 20 s" in shown.output
    assert "VIPs always first: VIPs wait -" in shown.output
    assert "\x1b" not in shown.output, "progress is for terminals only"
    columns = replay(trace, "--check-order").output.splitlines()[0].split()[-10:]
    assert columns == ["0", "45", "75", "85", "90", "95", "120", "180", "300", "strict"]


def test_without_a_rule_the_plan_is_the_sites_own(trace, monkeypatch):
    found = document(trace)
    assert list(found["rules"]) == ["log", "fcfs", "plan", "strict"]
    monkeypatch.setenv("VIPLINE_CONFIG", "/nowhere")
    assert replay(trace).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--extra-agents", "1"], "--mode staffed"),
        (["--plan", "config", "--tier", "vip=platinum"], "TIER one of diamond, gold"),
        (["--plan", "config", "--tier", "king=gold"], "CLASS one of vip, regular, unidentified"),
        (["--tier", "vip=gold", "--head-start", "90"], "--tier needs --plan"),
        (["--plan", "/nowhere"], "/nowhere: cannot be read"),
        (["--from", "2010-01-01", "--head-start", "90"], "nothing to replay"),
        (["--head-start", "-1"], "--head-start"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_cure(trace, arguments, complaint):
    refused = replay(trace, *arguments)
    assert refused.exit_code == 2, refused.output
    assert complaint in refused.output


def test_a_broken_line_is_named_and_nothing_is_replayed(tmp_path):
    broken = write(tmp_path / "broken.txt", line(1, arrived=100, wait=5), "what is this")
    refused = replay(broken, "--head-start", "90")
    assert refused.exit_code == 2
    assert f"{broken}:3: 3 fields where 17 are expected" in refused.output
    assert replay(tmp_path / "absent.txt").exit_code == 2


def test_an_invalid_plan_is_refused_with_file_and_line(trace, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("language: en\nregion: US\n")
    refused = replay(trace, "--plan", plan)
    assert refused.exit_code == 2
    assert f"{plan}:1: error:" in refused.output


def test_without_a_server_program_it_says_so(trace, monkeypatch):
    def nowhere(_: EmbeddedServer) -> None:
        raise NoServer("no server program here")

    monkeypatch.setattr(EmbeddedServer, "start", nowhere)
    refused = replay(trace, "--head-start", "90")
    assert refused.exit_code == 1
    assert refused.output == "Error: no server program here\n"
