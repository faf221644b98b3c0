"""Fixtures named after the states things are in, and what every test of a script is held to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

import pytest
import redis

from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from tests.support.stage import Lease, Noting, Stage, owner, queue


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None]:
    """A test that says which words its script answers must have heard them."""
    Noting.heard.clear()
    yield
    script = item.path.stem.removeprefix("test_")
    silent = {word for word in getattr(item.function, "answers", ()) if (script, word) not in Noting.heard}
    assert not silent, f"{script} never answered {', '.join(sorted(silent))}"


@pytest.fixture
async def confined(server: str, peek: redis.Redis, site: str) -> AsyncIterator[Channel]:
    """A channel whose user may touch the keys of one site and no other."""
    peek.execute_command("ACL", "SETUSER", site, "reset", "on", "nopass", f"~{{{site}}}*", "+@all")
    opened = await Channel.open(server)
    await opened.call("AUTH", site, "any")
    yield opened
    await opened.close()
    peek.execute_command("ACL", "DELUSER", site)


@pytest.fixture
async def stage(confined: Channel, site: str) -> AsyncIterator[Stage]:
    """An empty virtual site; after the test everything ends on it, and nothing may be left behind."""
    opened = Stage(confined, Keyspace(site))
    await opened.engine.make_virtual()
    yield opened
    if not opened.left_as_is:
        await opened.wind_up()


@pytest.fixture
def engine(stage: Stage) -> Engine:
    return stage.engine


@pytest.fixture
async def ready_agent(stage: Stage) -> str:
    """ann of group vip, ready."""
    return await stage.agent("ann")


@pytest.fixture
async def waiting_call(stage: Stage) -> str:
    """c1, waiting in lane vip, which nobody serves yet."""
    await stage.call("c1", queue("vip"))
    return "c1"


@pytest.fixture
async def greeted_call(stage: Stage) -> str:
    """g1, still being greeted, for a minute at most."""
    await stage.engine.accept_call("g1", max_wait_ms=60_000)
    return "g1"


@pytest.fixture
async def choosing_call(stage: Stage) -> str:
    """c1, being asked because its owner ann is talking; then vip, where nobody is on duty, then general."""
    await stage.agent("ann", "general", state="talking")
    routed = await stage.call("c1", owner("ann"), queue("vip", wait_ms=10_000), queue("general"))
    assert routed.letter == "q"
    return "c1"


@pytest.fixture
async def offered_call(stage: Stage) -> Lease:
    """c1, offered to ann through lane vip."""
    await stage.agent("ann")
    return await stage.offered("c1", queue("vip"))


@pytest.fixture
async def bridging_call(stage: Stage) -> Lease:
    """c1, an adapter's call that ann has taken and whose bridge is not up yet."""
    await stage.agent("ann")
    held = await stage.offered("c1", queue("vip"), kind="adapter")
    await stage.engine.accept_offer(held.call_id, held.agent_id, held.offer_id)
    return held


@pytest.fixture
async def connected_call(stage: Stage) -> Lease:
    """c1, talking to ann."""
    await stage.agent("ann")
    return await stage.connected("c1", queue("vip"))


@pytest.fixture
async def ended_call(stage: Stage) -> str:
    """e1, abandoned while it waited."""
    await stage.call("e1", queue("vip"))
    await stage.engine.abandon_call("e1")
    return "e1"


@pytest.fixture
async def callback(stage: Stage) -> str:
    """cb1, standing where c1 of the customer `li` stood in lane vip."""
    await stage.call("c1", queue("vip", wait_ms=60_000), queue("general"), identity="li")
    await stage.engine.keep_place("c1", "cb1", identity="li")
    return "cb1"


@pytest.fixture
async def dialled_callback(stage: Stage, callback: str) -> Lease:
    """cb1, taken by ann, its customer's telephone ringing."""
    await stage.agent("ann")
    held = await stage.lease(callback)
    await stage.engine.accept_offer(held.call_id, held.agent_id, held.offer_id)
    return held
