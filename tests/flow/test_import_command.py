"""`vipline import`: what it prints, how it exits, and where it finds the server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from router.cli import main
from router.cli.import_ import Progress, progress_line, summary
from router.directory.customers import Customers
from router.directory.importing import BadLine, ImportReport
from router.directory.scripts import Scripts
from router.store.channel import Channel
from router.store.keyspace import Keyspace

GOOD = "customer_id,name,phones,tier\nc-1,Sample One,+12025550101,gold\nc-2,Sample Two,(202) 555-0102,\n"
BAD = GOOD + "c-3,Sample Three,,platinum\n"


@pytest.fixture
def env(fresh_server):
    """Beside a service on the same data folder."""
    return {"VIPLINE_DATA": str(fresh_server.data), "VIPLINE_REDIS": "embedded", "VIPLINE_CONFIG": "config"}


@pytest.fixture
def run(env):
    def start(*args: str, given: str = "") -> Result:
        return CliRunner().invoke(main, ["import", *args], input=given, env=env)

    return start


@pytest.fixture
def write(tmp_path):
    def put(text: str, name: str = "people.csv") -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return put


def test_a_running_service_sees_what_was_imported(env, write, fresh_server):
    command = [sys.executable, "-m", "router", "import", write(GOOD)]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 created, 0 updated, 0 unchanged, 0 bad in ")
    assert asyncio.run(ids_of(fresh_server.url, "+12025550102")) == ["c-2"]


async def ids_of(url: str, number: str) -> list[str]:
    channel = await Channel.open(url)
    try:
        found = await Customers(Scripts(channel, Keyspace("main").root), None).find(number)
        return [stored.customer.customer_id for stored in found.customers]
    finally:
        await channel.close()


def test_without_a_service_the_folder_gets_a_server_for_the_time(run, write, fresh_server):
    fresh_server.stop()
    assert run(write(GOOD)).stdout.startswith("2 created")
    assert run(write(GOOD)).stdout.startswith("0 created, 0 updated, 2 unchanged")
    fresh_server.start()
    assert run(write(GOOD)).stdout.startswith("0 created, 0 updated, 2 unchanged")


def test_a_socket_left_behind_is_no_service(run, write, fresh_server):
    fresh_server.stop()
    fresh_server.socket_path.parent.mkdir(exist_ok=True)
    fresh_server.socket_path.touch()
    assert run(write(GOOD)).stdout.startswith("2 created")


def test_bad_lines_are_named_and_exit_1(run, write):
    done = run(write(BAD))
    assert done.exit_code == 1
    assert "2 created, 0 updated, 0 unchanged, 1 bad" in done.stdout
    assert "  line 4: /tier: the plan has no such tier" in done.stdout


def test_programs_read_json_and_write_to_standard_input(run):
    done = run("-", "--format", "csv", "--json", given=BAD)
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "bad": 1,
        "bad_lines": [{"line": 4, "reason": "/tier: the plan has no such tier"}],
    }


def test_the_ending_says_what_it_is(run, write):
    lines = '{"customer_id": "c-1"}\n{"customer_id": "c-2"}\n'
    assert run(write(lines, "people.ndjson")).exit_code == 0
    assert run(write(lines, "people.JSONL")).exit_code == 0
    assert run(write(lines, "people.txt"), "--format", "ndjson").exit_code == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["people.txt"], "--format csv"),
        (["nowhere.csv"], "No such file"),
        (["people.csv", "--site", "nowhere"], "there is no site nowhere"),
        (["people.csv", "--site", "../x"], "a site's name"),
        (["people.csv", "--redis", "bogus://x"], "begins with one of"),
        (["header.csv"], "column 'nmae' is unknown"),
        (["empty.csv"], "The file is empty"),
    ],
)
def test_failures_exit_2_and_say_why(run, write, tmp_path, args, says):
    for name, text in (
        ("people.txt", GOOD),
        ("people.csv", GOOD),
        ("header.csv", "customer_id,nmae\n"),
        ("empty.csv", ""),
    ):
        write(text, name)
    done = run(str(tmp_path / args[0]), *args[1:])
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_progress_says_how_far_and_how_long():
    report = ImportReport(created=10_000, bad=2, bytes_read=250)
    line = progress_line(report, 1_000)
    assert line.startswith("10,000 customers, 2 bad, ")
    assert " a second, 25 %, " in line
    assert line.endswith(" to go")
    assert "%" not in progress_line(report, None)


def test_progress_is_drawn_a_few_times_a_second_only():
    drawn: list[str] = []
    progress = Progress(1_000, drawn.append)
    for _ in range(1_000):
        progress(ImportReport(created=1, bytes_read=10))
    assert 1 <= len(drawn) <= 5


def test_a_long_list_of_bad_lines_is_cut():
    report = ImportReport(bad=150, bad_lines=[BadLine(place, "x") for place in range(100)])
    assert summary(report).splitlines()[-1] == "  and 50 more"
