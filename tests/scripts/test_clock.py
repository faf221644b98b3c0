"""Time is the server's, read once; on a site created virtual it is what the driver says, and never goes back."""

from __future__ import annotations

import pytest

from router.domain.errors import NotVirtual
from router.domain.ladder import Timing
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from router.store.script_loader import load_all
from router.store.sending import VirtualClock
from tests.support.dump import changes, leftovers, read_dump
from tests.support.stage import SECOND, START, Lease, Noting, Stage, ladder, profile, queue
from tests.support.waiting import wait_until

TIMED = sorted(name for name, script in load_all().items() if "clock" in script.arguments)
QUICK = Timing(offer_ms=20, wrap_up_ms=20, cooling_ms=20, short_abandon_ms=0)


@pytest.fixture
async def real(channel: Channel, site: str) -> Noting:
    """An engine of a site that is not virtual."""
    return Noting(channel, Keyspace(site), QUICK)


async def server_ms(engine: Noting) -> int:
    seconds, micros = await engine.connection.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def run_all_due(engine: Noting) -> int | None:
    """One round of a sweeper; answers when the next deadline comes."""
    due = await engine.read_due()
    for member, due_ms in due.entries:
        await engine.run_due(member, due_ms)
    return due.next_ms


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("time", [str(START), "0", "v"])
async def test_a_real_site_takes_no_time_from_anybody(real: Noting, name: str, time: str) -> None:
    await real.put_agent("ann", profile("vip"), "{}")
    await real.route_call("c1", ladder(queue("vip")), plan_version="")
    before = await read_dump(real.connection, real.keys)
    given = dict.fromkeys(load_all()[name].arguments, "1") | {"call_id": "c1", "agent_id": "ann", "clock": time}

    with pytest.raises(NotVirtual):
        await real._run(name, **given)

    assert (name, "NOT_VIRTUAL") in Noting.heard
    assert not changes(before, await read_dump(real.connection, real.keys))


async def test_a_real_site_lives_by_the_servers_time(real: Noting) -> None:
    """A whole small story in real time, driven by nothing but its deadlines."""
    await real.put_agent("ann", profile("vip"), "{}")
    before = await server_ms(real)
    await real.route_call("c1", ladder(queue("vip"), max_wait_ms=60 * SECOND), plan_version="")
    after = await server_ms(real)
    row = await real.read_call("c1")
    assert row
    assert before <= row.facts.accepted_ms <= after
    due = await real.read_due()
    assert due.next_ms is not None
    assert before <= due.now_ms
    assert before + 60 * SECOND <= due.next_ms <= after + 60 * SECOND

    await real.agent_ready("ann")
    first = await real.read_call("c1")
    assert first
    assert first.offer_id
    assert before <= int(first.offer_id.partition("-")[0]) <= await server_ms(real)

    async def is_offered_again() -> bool:
        await run_all_due(real)
        row = await real.read_call("c1")
        return row is not None and row.letter == "o" and row.offer_id != first.offer_id

    await wait_until(is_offered_again)
    again = await real.read_call("c1")
    assert again
    assert again.offer_id
    await real.accept_offer("c1", "ann", again.offer_id)
    await real.complete_call("c1")

    async def is_ready_again() -> bool:
        await run_all_due(real)
        agent = await real.read_agent("ann")
        return agent is not None and agent.letter == "r"

    await wait_until(is_ready_again)
    assert not leftovers(await read_dump(real.connection, real.keys))


async def test_an_ended_call_is_remembered_for_as_long_as_the_plan_says(real: Noting) -> None:
    real.timing = Timing(tombstone_ms=60 * SECOND, retain_ended_ms=30 * SECOND, callback_ms=20 * SECOND)
    await real.route_call("c1", ladder(queue("vip")), plan_version="", identity="li")
    await real.abandon_call("c1")

    left = [
        await real.connection.call("PTTL", key)
        for key in (real.keys.call("c1"), real.keys.meta("c1"), real.keys.identity("li"))
    ]

    for ttl, most in zip(left, (60, 30, 20), strict=True):
        assert most * SECOND - 5 * SECOND < ttl <= most * SECOND


@pytest.mark.parametrize("end", ["cancelled", "answered", "failed"])
async def test_a_callbacks_end_is_remembered_for_longer(stage: Stage, dialled_callback: Lease, end: str) -> None:
    """Its dial may be asked about weeks later."""
    engine = stage.engine
    if end == "cancelled":
        await engine.cancel_callback("cb1")
    elif end == "failed":
        await engine.abandon_call("cb1")
    else:
        await engine.connect_call("cb1", dialled_callback.offer_id)
        await engine.complete_call("cb1")
    assert await stage.outcome("cb1") == end

    for key in (stage.keys.call("cb1"), stage.keys.meta("cb1")):
        assert await stage.channel.call("PTTL", key) > 20 * engine.timing.tombstone_ms


async def test_other_calls_are_not(stage: Stage, connected_call: Lease) -> None:
    await stage.engine.complete_call("c1")

    assert await stage.channel.call("PTTL", stage.keys.call("c1")) <= stage.engine.timing.tombstone_ms
    assert await stage.channel.call("PTTL", stage.keys.meta("c1")) <= stage.engine.timing.retain_ended_ms


# ---------------------------------------------------------------------- virtual time


async def test_virtual_time_never_goes_back(stage: Stage) -> None:
    await stage.later(60 * SECOND)
    await stage.call("c1", queue("vip"))
    late = Noting(stage.channel, stage.keys, clock=VirtualClock(START - SECOND))

    await late.route_call("c2", ladder(queue("vip")), plan_version="")

    rows = [await stage.row(call_id) for call_id in ("c1", "c2")]
    assert [row.facts.accepted_ms for row in rows] == [START + 60 * SECOND] * 2
    assert await stage.line("vip") == ["c1", "c2"]


async def test_virtual_entries_are_numbered_by_virtual_time(stage: Stage) -> None:
    await stage.call("c1", queue("vip"))
    await stage.call("c2", queue("vip"))
    await stage.later(SECOND)
    await stage.call("c3", queue("vip"))

    ids = [event.entry_id for event in await stage.events()]
    assert ids == [f"{START}-0", f"{START}-1", f"{START + SECOND}-0"]


async def test_the_last_time_counts_where_none_is_given(stage: Stage, waiting_call: str) -> None:
    words = await stage.engine._run("boost_call", clock="v", call_id="c1", head_start_ms="1000", by="sue", why="")
    assert words == ["OK", "w"]
    assert (await stage.events())[-1].at_ms == START


async def test_each_deadline_is_run_at_its_own_time(stage: Stage) -> None:
    """An hour in one jump: wrap-up, offer, rest and offer again follow each other as they would have."""
    await stage.agent("ann", state="wrapping")
    await stage.call("c1", queue("vip"), max_wait_ms=3_600 * SECOND)
    await stage.events()
    await stage.later(70 * SECOND)

    told = [(event.type, event.at_ms - START) for event in await stage.events()]
    assert told == [
        ("call.offered", 30 * SECOND),
        ("call.returned", 50 * SECOND),
        ("agent.cooling", 50 * SECOND),
        ("call.offered", 60 * SECOND),
    ]


async def test_making_a_site_virtual_twice_turns_no_clock_back(stage: Stage) -> None:
    await stage.later(SECOND)
    await stage.call("c1", queue("vip"))
    await stage.engine.make_virtual()

    assert await stage.channel.call("GET", stage.keys.virtual) == str(START + SECOND).encode()
