"""Fixtures of the tests that go through the door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import redis

from router.store.channel import Channel
from router.store.keyspace import Keyspace
from tests.support.fake_gateway import FakeGateway
from tests.support.learning_desk import LearningDesk
from tests.support.outbox_stage import outbox
from tests.support.service import DATABASE, Api, flush, serving, write_config


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """A server whose service database is empty, before and after."""
    flush(server)
    yield server
    flush(server)


@pytest.fixture
async def api(database: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The sample site, served; the client is its admin."""
    async with serving(database, write_config(tmp_path / "config")) as client:
        yield client


@pytest.fixture
def peek_service(database: str) -> Iterator[Callable[[], bytes]]:
    """Everything the service keeps in the server, as bytes."""
    with redis.Redis.from_url(f"{database}?db={DATABASE}") as client:
        client.config_set("rdbcompression", "no")  # a compressed text would hide what is looked for
        yield lambda: b"\n".join(client.dump(key) or b"" for key in sorted(client.keys()))


@pytest.fixture
async def gateway(api: Api) -> AsyncIterator[FakeGateway]:
    """What an outbox of the site asks, which runs."""
    fake = FakeGateway()
    async with outbox(api, fake):
        yield fake


@pytest.fixture
async def untaught(server: str, channel: Channel, site: str) -> AsyncIterator[LearningDesk]:
    """One agent is ready; nothing has been learned."""
    blocking = await Channel.open(server)
    desk = LearningDesk(channel, Keyspace(site), blocking)
    await desk.open()
    yield desk
    await blocking.close()


@pytest.fixture
async def taught(untaught: LearningDesk) -> LearningDesk:
    """The same desk; its callers are known, and a forecast is in force."""
    await untaught.teach()
    return untaught
