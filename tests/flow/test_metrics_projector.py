"""Who counts: one process at a time, each entry once, whatever dies, freezes, or is cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from config.loading import load_config
from router.domain.ladder import Ladder, Profile, Step
from router.events.trimmer import Trimmer
from router.metrics import definitions as d
from router.metrics.projector import LEASE_MS, Projector, Replaced, Work
from router.metrics.scrape import Reading, read, render
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from tests.support.waiting import wait_until

PLAN = load_config(Path(__file__).resolve().parents[2] / "config")["main"].plan.site
VIP = Profile({"vip": 1}, frozenset())
LADDER = Ladder(0, (Step("vip", ("vip",)),), 1_800_000)


@pytest.fixture
async def blocking(server: str) -> AsyncIterator[Channel]:
    channel = await Channel.open(server)
    yield channel
    await channel.close()


@pytest.fixture
async def engine(channel: Channel, site: str) -> Engine:
    made = Engine(channel, Keyspace(site))
    await made.load_scripts()
    return made


@pytest.fixture
def reader(engine: Engine, blocking: Channel) -> Any:
    def make(name: str = "one") -> Projector:
        return Projector(engine, blocking, name, lambda: PLAN)

    return make


async def come(engine: Engine, call_id: str, tier: str = "gold") -> None:
    await engine.route_call(call_id, LADDER, plan_version="", tier=tier)


async def staff(engine: Engine, *agents: str) -> None:
    for agent in agents:
        await engine.put_agent(agent, VIP, "{}")
        await engine.agent_ready(agent)


async def catch_up(projector: Projector, work: Work) -> None:
    while await projector.step(work, block_ms=1):
        pass


async def shown(engine: Engine) -> Reading:
    return await read(engine.connection, engine.keys)


def value(reading: Reading, metric: d.Metric, *labels: str) -> float:
    return reading.values[metric.name].get(labels, 0)


async def release(engine: Engine) -> None:
    """The lease of a process that died runs out."""
    await engine.connection.call("DEL", engine.keys.own("mt:by"))


async def test_whoever_takes_over_counts_on(engine: Engine, reader: Any) -> None:
    first, second = reader("one"), reader("two")
    work = await first.load()
    await staff(engine, "a")
    await come(engine, "c1")
    await come(engine, "c2")
    await catch_up(first, work)
    await come(engine, "c3")
    await release(engine)
    later = await second.load()
    await catch_up(second, later)
    with pytest.raises(Replaced):
        await first.step(work, block_ms=1)
    found = await shown(engine)
    assert value(found, d.OFFERED, "gold") == 3
    assert value(found, d.QUEUE_WAITING, "gold", "vip") == 2
    assert value(found, d.RINGING, "gold") == 1
    assert value(found, d.AGENTS["offered"]) == 1
    assert value(found, d.GAPS) == 0


async def test_one_reader_at_a_time(engine: Engine, reader: Any) -> None:
    first, second = reader("one"), reader("two")
    assert await first._may_lead()
    assert not await second._may_lead()
    assert await first._may_lead()
    assert await engine.connection.call("PTTL", engine.keys.own("mt:by")) <= LEASE_MS


async def test_who_stops_leaves_the_place_to_the_next(engine: Engine, reader: Any) -> None:
    """And only its own: whoever has it by now keeps it."""
    lease = engine.keys.own("mt:by")

    async def counts() -> bool:
        return value(await shown(engine), d.WAITING, "gold") == 1

    await come(engine, "c1")
    running = asyncio.create_task(reader("one").run())
    await wait_until(counts)
    assert await engine.connection.call("GET", lease) == b"one"
    running.cancel()
    await asyncio.wait([running])
    assert await engine.connection.call("GET", lease) is None
    await engine.connection.call("SET", lease, "two")
    await reader("one")._resign()
    assert await engine.connection.call("GET", lease) == b"two"


async def test_a_batch_whose_reader_died_before_it_was_kept_counts_once(engine: Engine, reader: Any) -> None:
    """What a frozen process counted in vain is counted by the next, and not again when it wakes."""
    frozen, awake = reader("one"), reader("two")
    work = await frozen.load()
    await come(engine, "c1")
    await release(engine)
    await catch_up(awake, await awake.load())
    await release(engine)
    with pytest.raises(Replaced):
        await frozen.step(work, block_ms=1)
    await catch_up(frozen, await frozen.load())
    found = await shown(engine)
    assert (value(found, d.OFFERED, "gold"), value(found, d.GAPS)) == (1, 0)


async def test_a_reader_that_was_cut_off_goes_on_from_a_snapshot(engine: Engine, reader: Any) -> None:
    channel, stream = engine.connection, engine.keys.events
    assert isinstance(channel, Channel)
    long_ago = int(time.time() * 1000) - 1_200_000
    await channel.call_many([["XADD", stream, f"{long_ago}-{n}", "e", "agent.put|at=1"] for n in range(1, 10_002)])
    projector = reader()
    work = await projector.load()
    await projector.step(work, block_ms=1)
    await staff(engine, "a", "b")
    await come(engine, "c1")
    await engine.agent_away("b", "break", "")
    await come(engine, "c2")
    trimmer = Trimmer(channel, engine.keys, hard_limit=10_001)
    await trimmer.trim()
    assert trimmer.cut_off == 1
    with pytest.raises(Replaced):
        await projector.step(work, block_ms=1)
    work = await projector.load()
    await catch_up(projector, work)
    found = await shown(engine)
    assert value(found, d.GAPS) == 1
    assert value(found, d.WAITING, "gold") == 1
    assert value(found, d.RINGING, "gold") == 1
    assert value(found, d.QUEUE_AGENTS["break"], "vip") == 1
    await come(engine, "c3")
    await catch_up(projector, work)
    found = await shown(engine)
    assert value(found, d.WAITING, "gold") == 2
    assert value(found, d.OFFERED, "gold") == 1
    assert value(found, d.DOUBLE_OFFERS) == 0
    [group] = await trimmer.groups()
    assert (group.name, group.owes) == ("metrics", None)


async def test_a_snapshot_that_was_not_finished_is_taken_again(engine: Engine, reader: Any) -> None:
    projector = reader()
    work = await projector.load()
    await staff(engine, "a")
    await come(engine, "c1")
    await catch_up(projector, work)
    await engine.connection.call("HSET", engine.keys.own("mt"), "whole", "")
    await engine.connection.call("DEL", engine.keys.own("mt:k"))
    work = await projector.load()
    await catch_up(projector, work)
    assert value(await shown(engine), d.RINGING, "gold") == 1
    assert set(work.picture.calls) == {"c1"}


async def test_a_stream_whose_beginning_is_gone_is_taken_up_from_a_snapshot(engine: Engine, reader: Any) -> None:
    await staff(engine, "a")
    await come(engine, "c1")
    await come(engine, "c2")
    await engine.connection.call("XTRIM", engine.keys.events, "MAXLEN", 1)
    projector = reader()
    await catch_up(projector, await projector.load())
    found = await shown(engine)
    assert (value(found, d.WAITING, "gold"), value(found, d.RINGING, "gold")) == (1, 1)
    assert value(found, d.GAPS) == 0


async def test_figures_are_true_at_once_after_a_restart(engine: Engine, reader: Any) -> None:
    """Before anybody has counted again: what is now was kept with what was counted."""
    projector = reader()
    work = await projector.load()
    await come(engine, "c1")
    await catch_up(projector, work)
    found = await shown(engine)
    assert value(found, d.WAITING, "gold") == 1
    assert 0 <= value(found, d.LONGEST, "gold") < 5
    assert value(found, d.METRICS_LAG) == 0


async def test_time_in_a_state_never_goes_back(engine: Engine, reader: Any) -> None:
    """What was not counted yet is shown later, rather than taken back: to Prometheus that is a counter begun anew."""
    projector = reader()
    work = await projector.load()
    seen = dict.fromkeys(d.AGENT_TIME, 0.0)

    async def look() -> None:
        found = await shown(engine)
        now = {state: value(found, metric) for state, metric in d.AGENT_TIME.items()}
        assert all(now[state] >= seen[state] for state in seen), (seen, now)
        seen.update(now)

    await staff(engine, "a", "b")
    await catch_up(projector, work)
    for change in ("break", "ready", "offline", "ready", "gone"):
        await tick(engine)
        await look()
        if change == "gone":
            await engine.delete_agent("a")
        elif change == "ready":
            await engine.agent_ready("a")
        else:
            await engine.agent_away("a", change, "")
        await tick(engine)
        await look()
        await catch_up(projector, work)
        await look()
    assert all(seen[state] > 0 for state in ("ready", "break", "offline"))


async def tick(engine: Engine) -> None:
    """Some milliseconds of the server's clock."""
    seconds, micros = map(int, await engine.connection.call("TIME"))
    while True:
        later, part = map(int, await engine.connection.call("TIME"))
        if (later - seconds) * 1_000_000 + part - micros > 5_000:
            return


async def test_a_reader_that_stands_still_shows_its_lag(engine: Engine, reader: Any) -> None:
    projector = reader()
    await catch_up(projector, await projector.load())
    await come(engine, "c1")
    began = time.monotonic()
    while time.monotonic() - began < 0.05:
        await engine.connection.call("PING")
    lag = value(await shown(engine), d.METRICS_LAG)
    assert 0.04 < lag < 5


async def test_what_a_carrier_has_not_done_is_no_lag_of_the_stream(engine: Engine, reader: Any) -> None:
    """A ring that is tried again stays owed for a minute: timelines and figures are not late for it."""
    stream = engine.keys.events
    await engine.connection.call("XGROUP", "CREATE", stream, "telephony", "0", "MKSTREAM")
    projector = reader()
    work = await projector.load()
    await come(engine, "c1")
    await catch_up(projector, work)
    await engine.connection.call("XREADGROUP", "GROUP", "telephony", "outbox", "STREAMS", stream, ">")
    await tick(engine)
    found = await shown(engine)
    assert value(found, d.OUTBOX_LAG) > 0
    assert value(found, d.EVENT_LAG) == 0


async def test_an_entry_of_another_version_is_passed_over(engine: Engine, reader: Any) -> None:
    projector = reader()
    work = await projector.load()
    for text in ("call.offered|call=c9|facts=x;;;;|at=1", "call.telepathy|call=c9", "agent.ready", "?"):
        await engine.connection.call("XADD", engine.keys.events, "*", "e", text)
    await come(engine, "c1")
    await catch_up(projector, work)
    assert value(await shown(engine), d.OFFERED, "gold") == 1


async def test_what_another_version_counted_by_other_labels_is_left_out(engine: Engine) -> None:
    """Two labels where there is one now: cut short they would be one series twice, and no scrape would be taken."""
    for cause in ("signature", "unsigned"):
        await engine.connection.call("HSET", engine.keys.own("mt:p"), f"hooks_refused_total;twilio;{cause}", "3")
    await engine.connection.call("HSET", engine.keys.own("mt:p"), "hooks_refused_total;twilio: signature", "2")
    text = render([await shown(engine)]).decode()
    assert [line for line in text.splitlines() if line.startswith("vipline_hooks_refused_total{")] == [
        f'vipline_hooks_refused_total{{cause="twilio: signature",site="{engine.keys.site}"}} 2.0'
    ]


class Counted:
    """A connection that counts round trips and commands."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.trips: list[int] = []

    async def call_many(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        self.trips.append(len(commands))
        return await self._channel.call_many(commands)

    async def call(self, *args: Any) -> Any:
        self.trips.append(1)
        return await self._channel.call(*args)


async def test_a_scrape_asks_the_same_whatever_waits(engine: Engine, reader: Any, channel: Channel) -> None:
    projector = reader()
    work = await projector.load()
    await come(engine, "c0")
    await catch_up(projector, work)
    await read(channel, engine.keys)
    counted = Counted(channel)
    few = await read(counted, engine.keys)
    for number in range(1, 300):
        await come(engine, f"c{number}")
    await staff(engine, *(f"a{number}" for number in range(50)))
    await catch_up(projector, work)
    many = await read(counted, engine.keys)
    assert counted.trips == [3, 3]
    # A little more is shown, as agents and offers were new; nothing for each call or agent.
    assert value(many, d.WAITING, "gold") == 250
    assert len(render([many])) < 1.7 * len(render([few]))
