"""The connection dies under a transition: whether or not it was carried out, it is asked for once more."""

from __future__ import annotations

from typing import Any

import pytest

from router.domain.ladder import Ladder, Profile, Step
from router.store.channel import Channel, ConnectionLost, TimedOut
from router.store.engine import Engine
from router.store.keyspace import Keyspace

LADDER = Ladder(head_start_ms=0, steps=(Step("general", ("general",)),), max_wait_ms=60_000)


class Losing:
    """A channel whose answers are lost when told so; `reaches`: the command arrived before the connection died."""

    def __init__(self, channel: Channel) -> None:
        self.to_lose = 0
        self.reaches = True
        self.error: type[Exception] = ConnectionLost
        self.asked: list[Any] = []
        self._channel = channel

    async def call(self, *args: Any) -> Any:
        self.asked.append(args[0])
        loses = self.to_lose > 0
        self.to_lose -= loses
        reply = await self._channel.call(*args) if self.reaches or not loses else None
        if loses:
            raise self.error
        return reply

    async def call_many(self, commands: Any) -> Any:
        return await self._channel.call_many(commands)


@pytest.fixture
def losing(channel: Channel) -> Losing:
    return Losing(channel)


@pytest.fixture
async def engine(losing: Losing, site: str) -> Engine:
    """One agent, ready, and a call that was offered to them."""
    engine = Engine(losing, Keyspace(site))
    await engine.set_plan("1", {})
    await engine.put_agent("ann", Profile({"general": 1}), "{}")
    await engine.agent_ready("ann")
    await engine.route_call("c1", LADDER, plan_version="1")
    return engine


@pytest.mark.parametrize("reaches", [True, False], ids=["carried out", "not carried out"])
async def test_it_is_carried_out_once(engine: Engine, losing: Losing, reaches: bool) -> None:
    row = await engine.read_call("c1")
    assert row is not None
    assert row.offer_id is not None
    losing.to_lose, losing.reaches = 1, reaches
    assert await engine.accept_offer("c1", "ann", row.offer_id) == "c"
    losing.to_lose = 1
    assert await engine.complete_call("c1") == "e"
    events = await losing.call("XRANGE", engine.keys.events, "-", "+")
    told = [entry[1][1].partition(b"|")[0] for entry in events]
    assert told.count(b"call.connected") == told.count(b"call.ended") == 1


async def test_the_next_server_may_not_know_the_script(engine: Engine, losing: Losing) -> None:
    await losing.call("SCRIPT", "FLUSH")
    losing.to_lose, losing.reaches = 1, False
    assert await engine.abandon_call("c1") == "e"
    assert losing.asked[-3:] == ["EVALSHA", "EVALSHA", "EVAL"]


async def test_twice_is_enough(engine: Engine, losing: Losing) -> None:
    losing.to_lose = 2
    with pytest.raises(ConnectionLost):
        await engine.abandon_call("c1")


async def test_who_has_waited_a_whole_deadline_is_told_so(engine: Engine, losing: Losing) -> None:
    losing.to_lose, losing.error = 1, TimedOut
    with pytest.raises(TimedOut):
        await engine.abandon_call("c1")
    assert losing.to_lose == 0
