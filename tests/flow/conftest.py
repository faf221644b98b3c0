"""Fixtures of the tests that go through the door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import redis

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
