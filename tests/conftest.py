"""What every test may ask for: a real server, a channel to it, a site of its own, the reference data."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest
import redis

from router.directory import lookup
from router.store.channel import Channel
from router.store.embedded import EmbeddedServer
from tests.support.leaks import delete_keys_of, strangers

# A busy machine is no fault: an example may take its time, and so may a look-up that would let the call go on unknown.
# Where a change is judged, the same examples are played at every run; everywhere else each run draws new ones.
hypothesis.settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("ours")
lookup.BUDGET_S = 5.0

_site_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the session's embedded server (each parallel worker has its own)."""
    embedded = EmbeddedServer(tmp_path_factory.mktemp("server"))
    embedded.start()
    yield embedded.url
    embedded.stop()


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server of the test's own, to be killed, filled or restarted."""
    embedded = EmbeddedServer(tmp_path / "data")
    embedded.start()
    yield embedded
    embedded.stop()


@pytest.fixture
async def channel(server: str) -> AsyncIterator[Channel]:
    """A channel to the session's server."""
    opened = await Channel.open(server)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def peek(server: str) -> Iterator[redis.Redis]:
    """A plain blocking client, to look at what the code under test has written."""
    with redis.Redis.from_url(server) as client:
        yield client


@pytest.fixture
def site(peek: redis.Redis) -> Iterator[str]:
    """The name of a site nobody has used. A test may also use names that begin with it.

    Afterwards its keys and the service-wide ones are gone; a key of nobody's fails the test.
    """
    name = f"s{next(_site_numbers)}x"
    yield name
    leaked = strangers(peek, name)
    delete_keys_of(peek, name)
    if leaked:
        peek.delete(*leaked)
        pytest.fail(f"keys outside the site: {leaked[:5]}")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of recorded calls and test vectors; without it the test is skipped."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("VIPLINE_REFERENCE") or root / "../shared/data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}; VIPLINE_REFERENCE names its folder")
    return folder
