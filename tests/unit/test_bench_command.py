"""`vipline bench` from outside: what is repeated, what it prints and writes, and how it exits."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Collection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.bench import run as bench_run
from router.bench.figures import Figure, Results
from router.bench.goals import Goal
from router.bench.report import document, table
from router.bench.run import Bench
from router.cli import bench as cli
from router.cli import main
from router.store.server_binary import NoServer

GOALS = {"cost": Goal(2.0, 1.5), "size": Goal(100, None, "bytes")}


def bench_of(**values: float) -> Bench:
    results = Results(GOALS)
    results.add([Figure(name, value, GOALS[name].unit if name in GOALS else "ms") for name, value in values.items()])
    return Bench(results, "Valkey 9.9.9", "a machine")


def invoke(monkeypatch: pytest.MonkeyPatch, bench: Bench | Exception, *words: str) -> Result:
    async def run(say: Any, *, quick: bool = False, only: Collection[str] = ()) -> Bench:
        say("measuring")
        if isinstance(bench, Exception):
            raise bench
        return bench

    monkeypatch.setattr(cli, "run", run)
    return CliRunner().invoke(main, ["bench", *words])


def test_all_reached_is_exit_0_and_the_figures_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    done = invoke(monkeypatch, bench_of(cost=1.9, size=90), "--json", str(path))
    assert done.exit_code == 0
    assert "reached" in done.stdout
    assert "missed" not in done.stderr
    assert json.loads(path.read_text("utf-8"))["server"] == "Valkey 9.9.9"


def test_a_miss_is_exit_1_and_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = invoke(monkeypatch, bench_of(cost=1.0, size=111), "--json", str(tmp_path / "bench.json"))
    assert done.exit_code == 1
    assert "missed: size" in done.stderr
    assert "missed: cost" not in done.stderr
    assert json.loads((tmp_path / "bench.json").read_text("utf-8"))["missed"] == ["size"]


def test_it_writes_to_the_data_folder_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIPLINE_DATA", str(tmp_path))
    invoke(monkeypatch, bench_of(cost=1.0))
    assert (tmp_path / "bench.json").is_file()


def test_only_the_parts_that_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Collection[str]] = []

    async def run(say: Any, *, quick: bool = False, only: Collection[str] = ()) -> Bench:
        asked.append(only)
        return bench_of()

    monkeypatch.setattr(cli, "run", run)
    for words in ((), ("--only", "hooks", "--only", "rings")):
        CliRunner().invoke(cli.command, [*words, "--json", str(tmp_path / "bench.json")])
    assert asked == [bench_run.PARTS, ("hooks", "rings")]
    assert CliRunner().invoke(cli.command, ["--only", "hoooks"]).exit_code == 2


def test_no_server_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = invoke(monkeypatch, NoServer("no server runs here"), "--json", str(tmp_path / "bench.json"))
    assert done.exit_code == 1
    assert done.stderr.endswith("Error: no server runs here\n")


def test_the_table_names_server_machine_goal_and_verdict() -> None:
    lines = table(bench_of(cost=1.2, size=104, other=3.4)).splitlines()
    assert lines[0] == "Valkey 9.9.9, a machine"
    assert lines[-3].split() == ["cost", "1.20", "F", "≤", "2", "≤", "1.5", "ambitious"]
    assert lines[-2].split() == ["size", "104", "bytes", "≤", "100", "within", "10", "%"]
    assert lines[-1].split() == ["other", "3", "ms"]


def test_the_document_keeps_every_repetition() -> None:
    bench = bench_of(cost=3.0)
    bench.results.add([Figure("cost", 1.0), Figure("cost", 3.5)])
    (entry,) = document(bench)["figures"]
    assert entry["value"] == 3.0
    assert entry["values"] == [3.0, 1.0, 3.5]
    assert entry["verdict"] == "MISSED"


async def measurements(*rounds: dict[str, float]) -> AsyncGenerator[list[Figure], None]:
    for values in rounds:
        yield [Figure(name, value) for name, value in values.items()]


async def measure(*rounds: dict[str, float], repeat: bool = True) -> Results:
    results = Results(GOALS)
    await bench_run._measure("this", measurements(*rounds), results, lambda what: None, repeat=repeat)
    return results


async def test_what_is_reached_is_measured_once() -> None:
    results = await measure({"cost": 2.1, "size": 100}, {"cost": 9, "size": 900})
    assert results.values("cost") == [2.1]


async def test_only_what_was_missed_is_measured_twice_more() -> None:
    results = await measure({"cost": 2.5, "size": 100}, {"cost": 1.9, "size": 900}, {"cost": 2.0, "size": 900})
    assert results.values("cost") == [2.5, 1.9, 2.0]
    assert results.values("size") == [100]
    assert results.missed() == []


async def test_two_of_three_decide() -> None:
    results = await measure({"cost": 2.5}, {"cost": 1.9}, {"cost": 2.5})
    assert results.missed() == ["cost"]


async def test_a_miss_of_another_part_repeats_nothing_here() -> None:
    results = Results(GOALS)
    results.add([Figure("size", 900)])
    await bench_run._measure("this", measurements({"cost": 1.0}, {"cost": 1.0}), results, lambda what: None)
    assert results.values("cost") == [1.0]


async def test_quick_repeats_nothing() -> None:
    assert (await measure({"cost": 9}, {"cost": 1}, repeat=False)).missed() == ["cost"]
