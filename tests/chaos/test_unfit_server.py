"""A server that would lose calls is not served from: the service says so, at the start or at /readyz."""

from __future__ import annotations

from pathlib import Path

from router.store.embedded import EmbeddedServer
from tests.support.fleet import ServiceProcess, client
from tests.support.proxy import proxy
from tests.support.servers import servers
from tests.support.service import Api
from tests.support.waiting import wait_until


async def problem_with(redis_url: str, folder: Path, config: Path) -> str:
    """What the service says against the server: its last words with exit code 1 or 2, or /readyz's 503."""
    process = ServiceProcess(folder, config, redis=redis_url)
    process.launch()
    try:
        await wait_until(lambda: process.exit_code is not None or process.says_where(), 20)
        if process.exit_code is not None:
            assert process.exit_code in (1, 2)
            assert "Traceback" not in process.log
            return process.log
        async with client(process) as api:
            answered = await api.get("/readyz")
            assert answered.status == 503
            assert not answered.json["ready"]
            assert await _refuses_calls_or_serves(api)
            return " ".join(answered.json["problems"])
    finally:
        process.clean_up()


async def _refuses_calls_or_serves(api: Api) -> bool:
    """Nobody gets a 500 while the operator reads the log."""
    body = {"call_id": "call", "from": None, "to": "+12025550199"}
    return (await api.post("/v1/calls", body)).status in (201, 503)


async def test_one_that_evicts(tmp_path: Path, config: Path) -> None:
    with servers(tmp_path, ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")) as (server,):
        said = await problem_with(server.url, tmp_path / "service", config)
    assert "evicts keys when memory is short" in said
    assert "set maxmemory-policy noeviction" in said


async def test_a_read_only_replica(tmp_path: Path, config: Path) -> None:
    with servers(tmp_path, (), ()) as (master, replica):
        replica.client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        said = await problem_with(replica.url, tmp_path / "service", config)
    assert "is a read-only replica; name its master" in said


async def test_one_that_is_too_old(tmp_path: Path, config: Path, fresh_server: EmbeddedServer) -> None:
    def aged(reply: bytes) -> bytes:
        return reply.replace(b"valkey_version:", b"former_version:").replace(b"redis_version:7", b"redis_version:6")

    async with proxy(tmp_path, fresh_server.socket_path, aged) as between:
        said = await problem_with(between.url, tmp_path / "service", config)
    assert "at least 7 is needed" in said
