"""The process: it starts, says where it is, survives what kills it, and stops without losing a reply."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import stat
from pathlib import Path

import pytest

from loadtests.processes import open_files, workers_of
from tests.support.process import running, spawn
from tests.support.service import write_config, write_plan
from tests.support.waiting import wait_until

ADA, NOBODY = "+12025550110", "+12025550177"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path / "config")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "var"


async def test_it_says_where_it_is_and_the_three_lines_work(data, config):
    async with running(data, config) as service:
        assert re.search(r"open +http://127\.0\.0\.1:\d+/live\n", service.printed)
        assert re.search(rf"token +in {data}/admin-token\n", service.printed)
        assert service.token not in service.printed
        curls = [line.strip() for line in service.printed.splitlines() if line.strip().startswith("curl")]
        assert len(curls) == 3
        answers = []
        for line in curls:
            shell = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
            answers.append((await shell.communicate())[0].decode())
        assert '"state":"ready"' in answers[0]
        assert all('"agent_id":"agent-7"' in answer and '"state":"offered"' in answer for answer in answers[1:])
        assert stat.S_IMODE((data / "admin-token").stat().st_mode) == 0o600
        assert await service.end() == 0


async def test_the_second_start_is_quick_and_finds_everything(data, config):
    async with running(data, config) as service:
        await service.ask("POST", "/v1/calls", {"call_id": "n", "from": NOBODY, "to": "1"})
        first = service.token
    async with running(data, config) as service:
        # Its own work, not what a loaded machine makes it wait: alone it is as quick as that.
        assert service.cpu_s() < 3.0
        assert service.token == first
        status, call = await service.ask("GET", "/v1/calls/n")
        assert (status, call["state"], len(call["timeline"])) == (200, "waiting", 1)


async def test_killed_and_restarted_it_has_lost_no_caller(data, config):
    async with running(data, config) as service:
        await service.ask("PUT", "/v1/agents/agent-7/state", {"state": "ready"})
        _, offered = await service.ask("POST", "/v1/calls", {"call_id": "a", "from": ADA, "to": "1"})
        _, waiting = await service.ask("POST", "/v1/calls", {"call_id": "n", "from": NOBODY, "to": "1"})
        await service.end(signal.SIGKILL)
    async with running(data, config) as service:
        for before in (offered, waiting):
            _, after = await service.ask("GET", f"/v1/calls/{before['call_id']}")
            for name in ("state", "agent_id", "accepted_at", "lanes", "position", "timeline"):
                assert after[name] == before[name], name


async def test_a_request_under_way_is_answered_before_it_stops(data, config):
    async with running(data, config) as service:
        port = int(service.base.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"customer_id,name\n"
        rest = b"s-1,Slow\n"
        writer.write(
            b"POST /v1/customers/import HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
            + f"Authorization: Bearer {service.token}\r\nContent-Length: {len(head + rest)}\r\n\r\n".encode()
            + head
        )
        await writer.drain()
        await service.ask("GET", "/v1/customers/c-1000")
        service.child.send_signal(signal.SIGTERM)

        async def refused() -> bool:
            try:
                _, other = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return True
            other.close()
            return False

        await wait_until(refused)
        writer.write(rest)
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert b'"created":1' in answer
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert await asyncio.wait_for(service.child.wait(), 10) == 0


async def test_a_changed_plan_is_published_on_sighup(data, config):
    async with running(data, config) as service:
        write_plan(config, lambda plan: plan.update(title="News"))
        service.child.send_signal(signal.SIGHUP)

        async def published() -> bool:
            return bool((await service.ask("GET", "/v1/plan"))[1]["plan"]["title"] == "News")

        await wait_until(published)


async def test_workers_share_the_port_and_a_dead_one_is_replaced(data, config):
    async with running(data, config, "--workers", "2") as service:
        port = int(service.base.rpartition(":")[2])

        def workers() -> set[int]:
            return {pid for pid in workers_of(service.child.pid) if _listens(pid, port)}

        await wait_until(lambda: len(workers()) == 2, 15)
        before = workers()
        _, made = await service.ask("POST", "/v1/calls", {"call_id": "n", "from": NOBODY, "to": "1"})
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await wait_until(lambda: len(workers()) == 2 and victim not in workers(), 15)
        for _ in range(10):
            _, call = await service.ask("GET", "/v1/calls/n")
            assert call["accepted_at"] == made["accepted_at"]
        alive = workers()
        assert await service.end() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in alive)


def _listens(pid: int, port: int) -> bool:
    """Whether the process holds a listening socket of this port."""
    wanted = f":{port:04X} 00000000:0000 0A"
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines() if wanted in line}
    links = open_files(pid)
    return any(f"socket:[{inode}]" in links for inode in inodes)


@pytest.mark.parametrize(
    ("flags", "environment", "code", "words"),
    [
        (("--workers", "0"), {}, 2, "VIPLINE_WORKERS"),
        ((), {"VIPLINE_LISTEN": "nowhere"}, 2, "host:port"),
        (("--redis", "http://x"), {}, 1, "redis://"),
        (("--redis", "unix:///nowhere/x.sock"), {}, 1, "cannot start"),
        (("--log", "loud"), {}, 2, "VIPLINE_LOG"),
        (("--config", "/nowhere"), {}, 2, "/nowhere/plan.yaml:1"),
    ],
)
async def test_what_it_cannot_start_with_is_said_in_one_line(data, config, flags, environment, code, words):
    if "VIPLINE_LISTEN" in environment:
        flags = ("--listen", environment["VIPLINE_LISTEN"])
    child = await spawn(data, config, *flags)
    _, errors = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode == code, errors.decode()
    assert words in errors.decode()
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize("flags", [(), ("--workers", "2")])
async def test_a_broken_plan_names_file_and_line(data, config, flags):
    (config / "plan.yaml").write_text(
        (config / "plan.yaml").read_text().replace("default_tier: standard", "default_tier: x")
    )
    child = await spawn(data, config, *flags)
    _, errors = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode == 2
    assert re.search(r"plan\.yaml:\d+: error: there is no tier 'x'", errors.decode())


async def test_a_misspelled_variable_is_named(data, config):
    async with running(data, config, VIPLINE_WORKRS="3") as service:
        service.child.send_signal(signal.SIGTERM)
        assert service.child.stderr is not None
        logged = (await service.child.stderr.read()).decode()
    assert "VIPLINE_WORKRS" in logged
    assert "VIPLINE_WORKERS" in logged


async def test_a_taken_address_is_said(data, config):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        child = await spawn(data, config, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        _, errors = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode == 1
    assert "in use" in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_logs_hold_no_number_no_name_and_no_secret(data, config):
    child = None
    async with running(data, config, "--log", "json") as service:
        child = service.child
        await service.ask("POST", "/v1/calls", {"call_id": "a", "from": ADA, "to": "+12025550199"})
        await service.ask("GET", "/v1/customers?phone=%2B12025550110")
        await service.ask("GET", f"/readyz?token={service.token}")
        await service.ask("PUT", "/v1/customers/c-1", {"name": "Ada Marlow", "phones": ["x"]})
        await service.ask("GET", "/v1/calls/a")
        service.child.send_signal(signal.SIGTERM)
        assert child.stderr is not None
        logged = (await child.stderr.read()).decode()
        assert '"route": "/v1/calls/{call_id}"' in logged
        assert '"call_id": "a"' in logged
        for secret in ("2025550110", "Marlow", service.token):
            assert secret not in logged
