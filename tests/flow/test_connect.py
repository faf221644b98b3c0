"""One setting, every shape of server: embedded, socket, TCP, Sentinel, cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from router.store.channel import ConnectionLost
from router.store.connect import Store, open_store
from tests.support.servers import cluster, free_port, sentinel, servers
from tests.support.waiting import wait_until


@asynccontextmanager
async def opened(url: str, data: Path = Path("unused")) -> AsyncIterator[Store]:
    store = await open_store(url, data=data)
    try:
        yield store
    finally:
        await store.close()


async def works(store: Store, site: str) -> None:
    """Both ways to the server see the same state."""
    key, stream = f"{{{site}}}:a", f"{{{site}}}:ev"
    assert await store.channel_for(site).call("SET", key, "1") == b"OK"
    reader = store.blocking(site)
    try:
        assert await reader.call("GET", key) == b"1"
        waiting = asyncio.create_task(reader.call("XREAD", "BLOCK", 5000, "STREAMS", stream, "0"))
        await store.channel_for(site).call("XADD", stream, "*", "e", "hello")
        ((_, entries),) = await waiting
        assert entries[0][1] == [b"e", b"hello"]
    finally:
        await reader.close()
    await store.channel_for(site).call("DEL", key, stream)


async def patiently(action: Callable[[], Awaitable[Any]], timeout: float = 15.0) -> Any:
    """What a caller does: repeat while the connection is lost."""
    result: list[Any] = []

    async def done() -> bool:
        try:
            result.append(await action())
        except ConnectionLost:
            return False
        return True

    await wait_until(done, timeout)
    return result[0]


async def test_embedded_is_started_in_the_data_folder_and_stopped_with_the_store(tmp_path: Path) -> None:
    async with opened("embedded", data=tmp_path) as store:
        await works(store, "main")
        await store.channel_for("main").call("SET", "kept", "yes")
        socket = tmp_path / "run" / "server.sock"
        assert socket.is_socket()
    assert not socket.exists()
    async with opened("embedded", data=tmp_path) as store:
        assert await store.channel_for("main").call("GET", "kept") == b"yes"


async def test_a_socket(server: str) -> None:
    async with opened(server) as store:
        await works(store, "s0x")
        assert store.channel_for("s0x") is store.channel_for("s0y")
        assert await store.problems() == []


async def test_a_tcp_server_with_password_and_database(tmp_path: Path) -> None:
    with servers(tmp_path, ("--requirepass", "se:cret")) as (server,):
        async with opened(f"redis://:se%3Acret@127.0.0.1:{server.port}/2") as store:
            await works(store, "main")
            await store.channel_for("main").call("SET", "here", 1)
            assert await store.channel_for("main").call("DBSIZE") == 1
            assert "cret" not in str(store.address) + repr(store.address)


async def test_nobody_at_the_address() -> None:
    for scheme in ("redis", "redis+sentinel", "redis+cluster"):
        with pytest.raises(ConnectionLost):
            await open_store(
                f"{scheme}://127.0.0.1:{free_port()}{'/calls' * (scheme[6:] == 'sentinel')}", deadline_s=0.2
            )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost", "begins with one of"),
        ("redis://", "names no host"),
        ("redis://h:port", "the port .* is no number"),
        ("redis://a,b", "names one host"),
        ("redis://h/zero", "the db .* is no number"),
        ("redis://h?retry=1", "unknown option 'retry'"),
        ("unix://server.sock", "unix:///absolute/path"),
        ("redis+sentinel://h", "ends with the master's name"),
        ("redis+cluster://h/1", "no numbered databases"),
    ],
)
async def test_an_address_that_is_none(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        await open_store(url)


async def test_sentinel_names_the_master_and_the_channel_follows_a_failover(tmp_path: Path) -> None:
    with servers(tmp_path, (), ()) as (first, second):
        second.client.execute_command("REPLICAOF", "127.0.0.1", first.port)
        rules = (
            f"sentinel monitor calls 127.0.0.1 {first.port} 1",
            "sentinel down-after-milliseconds calls 1000",
            "sentinel failover-timeout calls 5000",
        )
        with sentinel(tmp_path / "sentinel", *rules) as watching:
            url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{watching.port}/calls"
            async with opened(url) as store:
                await works(store, "main")
                channel = store.channel_for("main")
                await channel.call("SET", "kept", "yes")
                await wait_until(lambda: second.client.get("kept") == b"yes", timeout=15)
                await wait_until(lambda: len(watching.client.sentinel_slaves("calls")) == 1, timeout=15)
                first.kill()
                await patiently(lambda: channel.call("SET", "after", "failover"))
                assert second.client.get("after") == b"failover"
                assert await channel.call("GET", "kept") == b"yes"
                await works(store, "main")


async def test_sentinel_told_to_switch_takes_the_channel_along_without_a_lost_command(tmp_path: Path) -> None:
    with servers(tmp_path, (), ()) as (first, second):
        second.client.execute_command("REPLICAOF", "127.0.0.1", first.port)
        with sentinel(tmp_path / "sentinel", f"sentinel monitor calls 127.0.0.1 {first.port} 1") as watching:
            async with opened(f"redis+sentinel://127.0.0.1:{watching.port}/calls") as store:
                channel = store.channel_for("main")
                await wait_until(lambda: len(watching.client.sentinel_slaves("calls")) == 1, timeout=15)
                first.client.execute_command("REPLICAOF", "127.0.0.1", second.port)  # READONLY from now on
                second.client.execute_command("REPLICAOF", "NO", "ONE")
                watching.client.execute_command("SENTINEL", "REMOVE", "calls")
                watching.client.execute_command("SENTINEL", "MONITOR", "calls", "127.0.0.1", second.port, 1)
                assert await channel.call("SET", "after", "switch") == b"OK"
                assert second.client.get("after") == b"switch"


async def test_a_master_that_has_just_been_elected_is_waited_for_until_its_replicas_are_there(tmp_path: Path) -> None:
    """What it refuses meanwhile is not carried out, and is sent again; a caller's carrier would take it for the end."""
    with ExitStack() as stack:
        other, master = stack.enter_context(servers(tmp_path, (), ("--min-replicas-to-write", "1")))
        rule = f"sentinel monitor calls 127.0.0.1 {master.port} 1"
        watching = stack.enter_context(sentinel(tmp_path / "sentinel", rule))
        async with opened(f"redis+sentinel://127.0.0.1:{watching.port}/calls") as store:
            channel = store.channel_for("main")
            asked = asyncio.ensure_future(channel.call("EVAL", "return redis.call('INCR', KEYS[1])", 1, "times"))
            await wait_until(lambda: channel.reconnects >= 2 or asked.done())
            assert not asked.done()
            other.client.execute_command("REPLICAOF", "127.0.0.1", master.port)
            assert await asked == 1


async def test_a_master_cut_off_from_its_sentinels_is_left_though_it_still_answers(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, second = stack.enter_context(servers(tmp_path, (), ()))
        rule = f"sentinel monitor calls 127.0.0.1 {first.port} 1"
        watching = stack.enter_context(sentinel(tmp_path / "sentinel", rule))
        async with opened(f"redis+sentinel://127.0.0.1:{watching.port}/calls") as store:
            channel = store.channel_for("main")
            await channel.call("SET", "name", "first")
            reader = store.blocking("main")
            assert await reader.call("GET", "name") == b"first"
            second.client.set("name", "second")
            watching.client.execute_command("SENTINEL", "REMOVE", "calls")
            watching.client.execute_command("SENTINEL", "MONITOR", "calls", "127.0.0.1", second.port, 1)

            async def all_there() -> bool:
                names = {await patiently(partial(each.call, "GET", "name")) for each in (channel, reader)}
                return names == {b"second"}

            await wait_until(all_there, 10)
            await reader.close()


async def test_sentinel_that_knows_no_such_master(tmp_path: Path) -> None:
    with sentinel(tmp_path / "sentinel") as watching, pytest.raises(ConnectionLost):
        await open_store(f"redis+sentinel://127.0.0.1:{watching.port}/calls", deadline_s=0.2)


async def test_sites_spread_over_a_cluster_and_follow_a_moved_slot(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        async with opened(f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{nodes[1].port}") as store:
            for number in range(9):
                await works(store, f"s{number}x")
            assert store.channel_for("s1x") is store.channel_for("s1x")
            assert await store.problems() == []

            channel = store.channel_for("main")
            await channel.call("SET", "{main}:a", 1)
            slot = nodes[0].client.execute_command("CLUSTER", "KEYSLOT", "{main}")
            owner = next(node for node in nodes if node.client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot) == 1)
            target = next(node for node in nodes if node is not owner)
            name = target.client.execute_command("CLUSTER", "MYID").decode()
            moved = owner.client.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", name)
            assert moved == b"OK"
            # All through the move nobody is refused: commands that came to the wrong node are sent again.
            total = 1
            async with asyncio.timeout(20):
                while channel.reconnects == 0:
                    replies = await asyncio.gather(*(channel.call("INCR", "{main}:a") for _ in range(20)))
                    total += 20
                    assert max(replies) == total
            assert target.client.get("{main}:a") == str(total).encode()


async def test_a_cluster_master_killed_is_replaced_by_its_replica(tmp_path: Path) -> None:
    with cluster(tmp_path, masters=3, replicas=1) as nodes:
        async with opened(f"redis+cluster://127.0.0.1:{nodes[0].port}") as store:
            site = next(
                f"s{number}x"
                for number in range(100)
                if nodes[1].client.execute_command("CLUSTER", "KEYSLOT", f"{{s{number}x}}") < 16384 // 3
            )
            channel = store.channel_for(site)
            await channel.call("SET", f"{{{site}}}:a", "1")
            await channel.call("WAIT", 1, 1000)
            nodes[0].kill()
            assert await patiently(lambda: channel.call("GET", f"{{{site}}}:a")) == b"1"


async def test_of_two_sentinels_the_one_that_saw_the_newer_election_is_believed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        old, new = stack.enter_context(servers(tmp_path, (), ()))
        rules = [f"sentinel monitor calls 127.0.0.1 {node.port} 2" for node in (old, new)]
        rules[1] += "\nsentinel config-epoch calls 7"
        ports = [
            stack.enter_context(sentinel(tmp_path / f"sentinel{number}", rule)).port
            for number, rule in enumerate(rules)
        ]
        async with opened(f"redis+sentinel://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}/calls") as store:
            await store.channel_for("main").call("SET", "here", 1)
            assert new.client.exists("here")
