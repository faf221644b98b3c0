"""`vipline doctor` from outside: what it says and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.cli import main
from router.store.embedded import EmbeddedServer
from tests.support.servers import free_port, servers


def doctor(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["doctor", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def findings(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(doctor(*words, "--json")[1])
    return found


def test_with_nothing_there_it_tries_a_server_and_leaves_no_trace(tmp_path: Path) -> None:
    code, said = doctor("--data", str(tmp_path / "var"))
    assert code == 0
    assert "trial start" in said
    assert "Nothing keeps the service from serving." in said
    assert list(tmp_path.iterdir()) == []


def test_it_asks_the_server_of_a_running_service(fresh_server: EmbeddedServer) -> None:
    found = findings("--data", str(fresh_server.data))
    assert found["problems"] == []
    assert "in use by" in found["facts"]
    assert found["facts"]["address"] == fresh_server.url


def test_without_a_binary_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPLINE_SERVER", "/bin/true")
    code, said = doctor("--data", str(tmp_path / "var"))
    assert code == 2
    assert "problem: No Valkey or Redis server" in said


def test_a_server_that_will_not_do(tmp_path: Path) -> None:
    with servers(tmp_path, ("--maxmemory-policy", "allkeys-lfu")) as (server,):
        code, said = doctor("--redis", server.url)
    assert code == 2
    assert "evicts keys" in said
    assert "advice: the server writes no append-only file" in said


def test_nobody_there_and_no_secret_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.cli.doctor._PATIENCE_S", 0.2)
    code, said = doctor("--redis", f"redis://me:hush@127.0.0.1:{free_port()}")
    assert code == 2
    assert "no server answered" in said
    assert "hush" not in said


def test_an_address_that_is_none() -> None:
    code, said = doctor("--redis", "postgres://here")
    assert code == 2
    assert "a server's URL begins with one of" in said
