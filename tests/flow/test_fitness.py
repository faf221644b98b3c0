"""Servers that must not hold our state, each refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.store.connect import open_store
from router.store.fitness import _version, examine
from tests.support.servers import cluster, servers


async def problems(url: str) -> list[str]:
    store = await open_store(url, deadline_s=1)
    try:
        return await store.problems()
    finally:
        await store.close()


async def test_a_fit_server_has_no_problems(server: str) -> None:
    assert await problems(server) == []


async def test_one_that_evicts(tmp_path: Path) -> None:
    with servers(tmp_path, ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")) as (server,):
        (said,) = await problems(server.url)
        assert "evicts keys" in said
        assert "allkeys-lru" in said
        assert "set maxmemory-policy noeviction" in said


async def test_a_read_only_replica(tmp_path: Path) -> None:
    with servers(tmp_path, (), ()) as (master, replica):
        replica.client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        assert await problems(master.url) == []
        assert "read-only replica" in " ".join(await problems(replica.url))


async def test_one_that_forbids_scripts(tmp_path: Path) -> None:
    with servers(tmp_path, ("--user", "limited", "on", ">pw", "~*", "+@all", "-@scripting")) as (server,):
        (said,) = await problems(f"redis://limited:pw@127.0.0.1:{server.port}")
        assert "does not let us run scripts" in said


async def test_one_that_stopped_answering(tmp_path: Path) -> None:
    with servers(tmp_path, ()) as (server,):
        store = await open_store(server.url, deadline_s=0.2)
    (said,) = await store.problems()
    assert "cannot be asked" in said
    await store.close()


async def test_a_cluster_with_one_evicting_master(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        nodes[1].client.config_set("maxmemory-policy", "volatile-ttl")
        (said,) = await problems(f"redis+cluster://127.0.0.1:{nodes[0].port}")
        assert f"127.0.0.1:{nodes[1].port} evicts keys" in said


async def test_one_that_is_too_old() -> None:
    async def old(*words: str | int) -> Any:
        return b"# Server\r\nredis_version:6.2.14\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n"

    assert (await examine({"the server": old})).problems == ["the server is Redis 6.2.14; at least 7 is needed"]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, ("Valkey", "9.1.2")),
        ({"redis_version": "6.2.14"}, ("Redis", "6.2.14")),
    ],
)
def test_versions_are_the_servers_own(info: dict[str, str], expected: tuple[str, str]) -> None:
    assert _version(info) == expected
