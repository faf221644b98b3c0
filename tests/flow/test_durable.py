"""`?durability=replica`: an answer is given when a replica has what it tells of."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.store import durable
from router.store.channel import Channel
from router.store.connect import open_store
from router.store.wire import NotReplicated, ServerError
from tests.support.servers import PlainServer, servers
from tests.support.waiting import wait_until


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[PlainServer]]:
    """A master and its replica."""
    with servers(tmp_path, (), ()) as (master, replica):
        replica.client.execute_command("REPLICAOF", "127.0.0.1", master.port)
        yield [master, replica]


@asynccontextmanager
async def channel_to(master: PlainServer) -> AsyncIterator[Channel]:
    store = await open_store(f"{master.url}?durability=replica")
    try:
        yield store.channel_for("main")
    finally:
        await store.close()


async def linked(channel: Channel) -> None:
    async def answers() -> bool:
        try:
            return bool(await channel.call("PING"))
        except NotReplicated:
            return False

    await wait_until(answers, 10)


@asynccontextmanager
async def frozen(server: PlainServer) -> AsyncIterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_what_was_answered_stands_on_the_replica(pair: list[PlainServer]) -> None:
    master, replica = pair
    async with channel_to(master) as channel:
        await linked(channel)
        await asyncio.gather(*(channel.call("SET", f"{{main}}:{number}", number) for number in range(50)))
        assert replica.client.execute_command("DBSIZE") == 51  # and the mark
        replies = await channel.call_many([("SET", "{main}:x", 1), ("INCR", "{main}:x"), ("NONSENSE",)])
        assert replies[:2] == [b"OK", 2]
        assert isinstance(replies[2], ServerError)
        assert replica.client.get("{main}:x") == b"2"
        assert await channel.call_many([]) == []
        with pytest.raises(ServerError):
            await channel.call("NONSENSE")


async def test_without_a_replica_that_answers_nobody_is_told_that_it_was_done(
    pair: list[PlainServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "WAIT_MS", 100)
    master, replica = pair
    async with channel_to(master) as first, channel_to(master) as second:
        await linked(first)
        await linked(second)
        async with frozen(replica):
            with pytest.raises(NotReplicated):
                await first.call("SADD", "{main}:calls", "one")
            # The repeat writes nothing, and over another connection; it is no safer for that.
            with pytest.raises(NotReplicated):
                await second.call("SADD", "{main}:calls", "one")
            with pytest.raises(NotReplicated):
                await second.call_many([("SADD", "{main}:calls", "one")])
        await linked(first)
        assert await second.call("SADD", "{main}:calls", "one") == 0


async def test_one_who_stops_waiting_takes_nobody_along(pair: list[PlainServer]) -> None:
    master, replica = pair
    async with channel_to(master) as channel:
        await linked(channel)
        async with frozen(replica):
            tasks = [asyncio.create_task(channel.call("SET", f"{{main}}:{number}", 1)) for number in range(3)]
            await wait_until(lambda: master.client.execute_command("EXISTS", "{main}:2") == 1)
            tasks[0].cancel()
            await asyncio.wait(tasks[:1])
        assert await asyncio.gather(*tasks[1:]) == [b"OK", b"OK"]


async def test_another_kind_of_durability_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="durability in the server's URL is `replica`"):
        await open_store("redis://localhost?durability=disk")
