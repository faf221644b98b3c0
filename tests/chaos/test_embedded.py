"""The embedded server through everything that can happen to it and its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from loadtests.processes import has_gone
from router.store import embedded
from router.store.channel import Channel, ConnectionLost
from router.store.embedded import SOCKET_PATH_MAX, EmbeddedServer, FolderInUse, ServerFailed, socket_path
from router.store.server_binary import NoServer, find_binary
from tests.support.waiting import wait_until

PARENT = """
import sys, time
from router.store import embedded
if sys.argv[2] == "watchdog":
    embedded._libc = None
server = embedded.EmbeddedServer(sys.argv[1])
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def parent(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that has started a server in tmp_path, and that server's process id."""
    words = [sys.executable, "-c", PARENT, str(tmp_path), getattr(request, "param", "kernel")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()


def test_it_serves_with_the_settings_the_state_needs(fresh_server: EmbeddedServer) -> None:
    with redis.Redis.from_url(fresh_server.url) as client:
        settings = client.config_get("appendonly", "appendfsync", "save", "maxmemory-policy", "port")
    assert settings == {
        "appendonly": "yes",
        "appendfsync": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }


def test_nobody_else_may_reach_it(fresh_server: EmbeddedServer) -> None:
    assert stat.S_IMODE(fresh_server.socket_path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(fresh_server.socket_path.stat().st_mode) == 0o700


def test_a_socket_folder_that_was_open_to_all_is_closed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    server = EmbeddedServer(tmp_path)
    server.start()
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700
    server.stop()


def test_ctrl_c_in_our_terminal_is_not_for_the_server(fresh_server: EmbeddedServer) -> None:
    assert fresh_server.pid is not None
    assert os.getpgid(fresh_server.pid) != os.getpgid(0)


def test_a_stop_and_a_start_keep_everything(tmp_path: Path) -> None:
    for expected in (b"1", b"2"):
        server = EmbeddedServer(tmp_path)
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.execute_command("INCR", "n") == int(expected)
        server.stop()
    server.stop()  # a second stop has nothing to do


async def test_killed_it_comes_back_with_all_state(fresh_server: EmbeddedServer) -> None:
    keeper = asyncio.create_task(fresh_server.keep_alive())
    channel = await Channel.open(fresh_server.url)
    await asyncio.gather(*(channel.call("SET", f"k{number}", number) for number in range(1000)))
    first = fresh_server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    async def answers() -> bool:
        try:
            return bool(await channel.call("DBSIZE") == 1000)
        except ConnectionLost:
            return False

    await wait_until(lambda: fresh_server.restarts == 1)
    await wait_until(answers)
    assert fresh_server.pid != first
    await channel.close()
    fresh_server.stop()
    await asyncio.wait_for(keeper, 1)  # stopped on purpose is not dead


async def test_what_it_has_written_is_synced_and_nothing_else(
    fresh_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(embedded, "SYNC_EVERY_S", 0.01)
    monkeypatch.setattr(embedded, "_sync_file", lambda path: synced.append(path.suffix))
    keeper = asyncio.create_task(fresh_server.keep_alive())
    channel = await Channel.open(fresh_server.url)
    for writes in (1, 2):
        await channel.call("SET", "key", writes)
        await wait_until(lambda writes=writes: len(synced) >= writes)  # type: ignore[misc]
        await asyncio.sleep(0.1)  # ten more rounds
        assert len(synced) <= writes + 1  # the empty file, once
    assert set(synced) == {".aof"}
    await channel.close()
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)


@pytest.mark.parametrize("parent", ["kernel", "watchdog"], indirect=True)
async def test_it_dies_with_its_parent_and_the_folder_is_free(
    parent: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    process, pid = parent
    with redis.Redis.from_url(f"unix://{socket_path(tmp_path)}") as client:
        client.set("kept", "yes")
    process.kill()
    server = EmbeddedServer(tmp_path)
    server.start()  # waits for the dying server's lock
    try:
        assert has_gone(pid)
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"yes"
    finally:
        server.stop()


async def test_a_parent_dead_before_the_signal_was_armed_leaves_no_child() -> None:
    words = [sys.executable, "-c", "from router.store.embedded import die_with_parent; die_with_parent(1); print('no')"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_second_server_on_the_folder_is_refused_by_name(
    fresh_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LOCK_PATIENCE_S", 0.1)
    with pytest.raises(FolderInUse, match=rf"in use by another vipline \(process {os.getpid()}\)"):
        EmbeddedServer(fresh_server.data).start()
    with redis.Redis.from_url(fresh_server.url) as client:
        assert client.ping()


def test_a_second_start_waits_for_the_first_to_end(fresh_server: EmbeddedServer) -> None:
    timer = threading.Timer(0.3, fresh_server.stop)
    timer.start()
    second = EmbeddedServer(fresh_server.data)
    second.start()
    second.stop()
    timer.join()


def test_a_long_folder_name_gets_a_short_socket(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 30)
    server = EmbeddedServer(data)
    assert len(str(server.socket_path)) <= SOCKET_PATH_MAX
    assert stat.S_IMODE(server.socket_path.parent.parent.stat().st_mode) & 0o1000  # the sticky temporary folder
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.ping()
    assert stat.S_IMODE(server.socket_path.parent.stat().st_mode) == 0o700
    server.stop()
    assert not server.socket_path.parent.exists()


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderInUse, match="belongs to somebody else"):
        EmbeddedServer(tmp_path / "data").start()


def test_any_other_thread_may_not_start_it(tmp_path: Path) -> None:
    said: list[str] = []

    def start() -> None:
        try:
            EmbeddedServer(tmp_path).start()
        except RuntimeError as error:
            said.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert said == ["the embedded server must be started from the main thread"]


def test_a_server_that_ends_at_once_leaves_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "server" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "server" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    server = EmbeddedServer(tmp_path)
    for _ in range(2):  # the failed start has let go of the folder
        with pytest.raises(ServerFailed, match=r"ended with code 1: .*[Mm]anifest"):
            server.start()


class TestBinary:
    def fake(self, folder: Path, version: str) -> Path:
        folder.mkdir(exist_ok=True)
        program = folder / "redis-server"
        program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
        program.chmod(0o755)
        return program

    def test_without_any_the_message_says_what_was_tried_and_what_to_do(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        self.fake(tmp_path, "6.2.14")
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("platform.machine", lambda: "vax")
        with pytest.raises(NoServer) as refused:
            find_binary()
        said = str(refused.value)
        assert "valkey-server: not on the PATH" in said
        assert f"{tmp_path}/redis-server: is version 6, too old" in said
        assert "no binary for Linux vax" in said
        assert "VIPLINE_REDIS=redis://" in said

    def test_the_path_comes_before_the_bundled_one(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = self.fake(tmp_path, "7.0.15")
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert find_binary() == program

    def test_the_named_one_is_used_or_refused_never_replaced(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("VIPLINE_SERVER", str(self.fake(tmp_path, "8.1")))
        assert find_binary() == tmp_path / "redis-server"
        monkeypatch.setenv("VIPLINE_SERVER", "/bin/echo")
        with pytest.raises(NoServer, match="VIPLINE_SERVER=/bin/echo: is no Valkey or Redis server"):
            find_binary()
        monkeypatch.setenv("VIPLINE_SERVER", str(tmp_path / "gone"))
        with pytest.raises(NoServer, match="does not run"):
            find_binary()

    def test_one_that_cannot_be_executed_here_says_so(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = tmp_path / "valkey-server"
        program.write_bytes(b"\x7fELF not for this machine")
        program.chmod(0o755)
        monkeypatch.setattr(embedded, "find_binary", lambda: program)
        with pytest.raises(NoServer, match=r"does not run .*Install valkey-server"):
            EmbeddedServer(tmp_path / "data").start()


def test_it_is_ready_soon(tmp_path: Path) -> None:
    """≈ 40 ms on an idle machine; the bound only catches a start that waits for something."""
    took = []
    for number in range(3):
        server = EmbeddedServer(tmp_path / str(number))
        began = time.perf_counter()
        server.start()
        took.append(time.perf_counter() - began)
        server.stop()
    assert min(took) < 1
