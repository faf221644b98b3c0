"""The event stream's readers: nothing is missed, a dead reader's entries are taken over, nothing owed is trimmed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import count

import pytest

from router.domain.events import Event
from router.events.history import GROUP, History
from router.events.levels import GROUP as LEVELS
from router.events.levels import Level, Levels, level
from router.events.stream import GroupReader
from router.events.trimmer import Trimmer
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from tests.support.waiting import wait_until

NOW = 1_800_000_000_000


@pytest.fixture
def keys(site):
    return Keyspace(site)


@pytest.fixture
async def blocking(server):
    channel = await Channel.open(server)
    yield channel
    await channel.close()


async def add(channel, keys, text: str, entry_id: str = "*") -> str:
    return str((await channel.call("XADD", keys.events, entry_id, "e", f"{text}|at=1")).decode())


async def fill(channel, keys, count: int, at_ms: int) -> None:
    await channel.call_many(
        [("XADD", keys.events, f"{at_ms}-{n}", "e", "agent.put|agent=a") for n in range(1, count + 1)]
    )


class Seen:
    """A handler that keeps what it is given, and fails while told to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.failing = False

    async def __call__(self, events) -> None:
        if self.failing:
            raise RuntimeError
        self.events += events


async def test_entries_written_before_and_after_come_in_order(channel, keys, blocking):
    seen = Seen()
    await add(channel, keys, "call.greeting|call=a")
    reader = GroupReader(blocking, keys.events, "g", "one", seen)
    await reader.create()
    await reader.create()
    assert await reader.read(1) == 1
    await add(channel, keys, "call.connected|call=a")
    await add(channel, keys, "call.ended|call=a")
    assert await reader.read(1) == 2
    assert [event.type for event in seen.events] == ["call.greeting", "call.connected", "call.ended"]
    assert (await channel.call("XPENDING", keys.events, "g"))[0] == 0


async def test_a_batch_whose_handler_failed_is_handed_out_again(channel, keys, blocking, monkeypatch):
    monkeypatch.setattr("router.events.stream.STALE_MS", 0)
    seen = Seen()
    seen.failing = True
    reader = GroupReader(blocking, keys.events, "g", "one", seen)
    await reader.create()
    await add(channel, keys, "call.greeting|call=a")
    with pytest.raises(RuntimeError):
        await reader.read(1)
    seen.failing = False
    other = GroupReader(blocking, keys.events, "g", "two", seen)
    assert await other.read(1) == 1
    assert [event.type for event in seen.events] == ["call.greeting"]


async def test_a_batch_that_failed_once_is_taken_up_at_once_and_one_that_always_fails_holds_up_nobody(
    channel, keys, blocking
):
    seen: list[str] = []
    tried: Counter[str] = Counter()

    async def handle(events) -> None:
        tried.update(event.fields["call"] for event in events)
        for event in events:
            if event.fields["call"] == "poison" or tried[event.fields["call"]] == 1:
                raise RuntimeError
        seen.extend(event.fields["call"] for event in events)

    task = asyncio.create_task(GroupReader(blocking, keys.events, "g", "one", handle).run())
    await add(channel, keys, "call.greeting|call=a")
    await wait_until(lambda: seen == ["a"], 3)
    await add(channel, keys, "call.greeting|call=poison")
    await wait_until(lambda: tried["poison"] == 2, 3)
    await add(channel, keys, "call.greeting|call=b")
    await wait_until(lambda: tried["b"] == 1, 3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_reader_survives_the_loss_of_its_group(channel, keys, blocking):
    seen = Seen()
    task = asyncio.create_task(GroupReader(blocking, keys.events, "g", "one", seen).run())
    await wait_until(lambda: _has_group(channel, keys))
    await channel.call("DEL", keys.events)
    await add(channel, keys, "call.greeting|call=a")
    await wait_until(lambda: len(seen.events) == 1, 10)
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)


async def _has_group(channel, keys) -> bool:
    try:
        return bool(await channel.call("XINFO", "GROUPS", keys.events))
    except Exception:
        return False


async def test_a_timeline_is_read_from_list_and_stream_without_gap_or_double(channel, keys, blocking):
    history = History(channel, keys, 60_000)
    reader = GroupReader(blocking, keys.events, GROUP, "one", history.handle)
    await add(channel, keys, "call.greeting|call=a")
    assert [event.type for event in await history.read("a")] == ["call.greeting"]
    await reader.create()
    assert [event.type for event in await history.read("a")] == ["call.greeting"]
    await reader.read(1)
    await add(channel, keys, "call.connected|call=a")
    await add(channel, keys, "call.connected|call=b")
    assert [event.type for event in await history.read("a")] == ["call.greeting", "call.connected"]
    # Handed to a process that died before it wrote: still told, from the stream.
    await blocking.call("XREADGROUP", "GROUP", GROUP, "dead", "STREAMS", keys.events, ">")
    await add(channel, keys, "call.ended|call=a|outcome=answered")
    await reader.read(1)
    assert [event.type for event in await history.read("a")] == ["call.greeting", "call.connected", "call.ended"]
    assert await history.read("nobody") == []


async def test_the_timeline_of_an_ended_call_is_kept_for_a_while_only(channel, keys):
    history = History(channel, keys, 60_000)
    live = Event("1-0", "call.greeting", {"call": "a"}, "call.greeting|call=a")
    ended = Event("2-0", "call.ended", {"call": "a"}, "call.ended|call=a")
    await history.handle([live])
    assert await channel.call("PTTL", keys.history("a")) > 86_400_000
    await history.handle([ended])
    assert 0 < await channel.call("PTTL", keys.history("a")) <= 60_000


async def test_what_carriers_were_answered_and_asked_goes_with_the_timeline_but_not_before_they_may_repeat(
    channel, keys
):
    for retain_ms, least, most in ((3_600_000, 3_500_000, 3_600_000), (1_000, 50_000, 60_000)):
        for key in (keys.documents("a"), keys.actions("a")):
            await channel.call("HSET", key, "some", "thing")
            await channel.call("PEXPIRE", key, 86_400_000)
        ended = Event("2-0", "call.ended", {"call": "a"}, "call.ended|call=a")
        await History(channel, keys, retain_ms).handle([ended])
        for key in (keys.documents("a"), keys.actions("a")):
            assert least < await channel.call("PTTL", key) <= most


async def test_who_wakes_late_keeps_no_timeline_from_going(channel, keys):
    history = History(channel, keys, 60_000)
    live = Event("1-0", "call.greeting", {"call": "a"}, "call.greeting|call=a")
    offered = Event("2-0", "call.offered", {"call": "a"}, "call.offered|call=a")
    await history.handle([Event("3-0", "call.ended", {"call": "a"}, "call.ended|call=a")])
    await history.handle([live, offered])  # handed out again meanwhile, and written by another
    assert 0 < await channel.call("PTTL", keys.history("a")) <= 60_000
    await channel.call("DEL", keys.history("a"))
    await history.handle([offered])
    assert await channel.call("PTTL", keys.history("a")) > 0


async def test_a_contact_that_cannot_be_kept_stops_no_timeline(channel, keys):
    history = History(channel, keys, 60_000)

    async def fails(ended: Sequence[Event]) -> None:
        raise RuntimeError

    history.on_ended = fails
    await history.handle([Event("2-0", "call.ended", {"call": "a"}, "call.ended|call=a")])
    assert len(await history.read("a")) == 1


async def test_nothing_is_trimmed_that_is_young_few_or_owed(channel, keys):
    trimmer = Trimmer(channel, keys)
    await fill(channel, keys, 12_000, NOW - 1_000_000)
    await channel.call("XGROUP", "CREATE", keys.events, "g", f"{NOW - 1_000_000}-500")
    assert await trimmer.trim(NOW - 900_000) == 0  # younger than ten minutes
    trimmed = await trimmer.trim(NOW)
    assert 0 < trimmed <= 500  # what the group still owes stays
    await channel.call("XGROUP", "SETID", keys.events, "g", "$")
    await trimmer.trim(NOW)
    left = await channel.call("XLEN", keys.events)
    assert 10_000 <= left < 11_000  # the newest 10,000 stay whatever their age
    assert await trimmer.trim(NOW) in range(left - 10_000 + 1)


async def test_the_server_s_clock_says_what_is_old(channel, keys, monkeypatch):
    newest = int((await channel.call("TIME"))[0]) * 1000
    await fill(channel, keys, 12_000, newest - 60_000)
    monkeypatch.setattr("time.time", lambda: newest / 1000 + 86_400)  # this host's is a day ahead
    assert await Trimmer(channel, keys).trim() == 0
    await channel.call("DEL", keys.events)
    await fill(channel, keys, 12_000, newest - 700_000)
    assert await Trimmer(channel, keys).trim() > 0


async def test_an_entry_in_hand_is_owed(channel, keys):
    await fill(channel, keys, 12_000, NOW - 1_000_000)
    await channel.call("XGROUP", "CREATE", keys.events, "g", "0")
    await channel.call("XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", keys.events, ">")
    await channel.call("XGROUP", "SETID", keys.events, "g", "$")
    assert await Trimmer(channel, keys).trim(NOW) == 0


async def test_at_the_hard_limit_an_observer_is_cut_off_and_telephony_never(channel, keys):
    trimmer = Trimmer(channel, keys, hard_limit=11_000)
    await fill(channel, keys, 12_000, NOW - 1_000_000)
    for group in ("telephony", "history"):
        await channel.call("XGROUP", "CREATE", keys.events, group, "0")
    assert await trimmer.trim(NOW - 500_000) == 0
    assert trimmer.cut_off == 0  # not yet ten minutes
    assert await trimmer.trim(NOW) == 0
    assert trimmer.cut_off == 1
    groups = {group.name: group for group in await trimmer.groups()}
    assert (groups["history"].owes, groups["history"].read) == (None, f"{NOW - 1_000_000}-12000")
    assert groups["telephony"].owes == f"{NOW - 1_000_000}-1"
    await channel.call("XGROUP", "SETID", keys.events, "telephony", "$")
    assert await trimmer.trim(NOW) > 0


async def test_who_looked_and_froze_cuts_nobody_off_that_has_caught_up(channel, keys):
    await fill(channel, keys, 12_000, NOW - 1_000_000)
    await channel.call("XGROUP", "CREATE", keys.events, "history", "0")
    frozen = Trimmer(channel, keys, hard_limit=11_000)
    (seen,) = await frozen.groups()
    await channel.call("XGROUP", "SETID", keys.events, "history", f"{NOW - 1_000_000}-11000")
    assert not await frozen._cut_off(seen, NOW)
    (now,) = await frozen.groups()
    assert now.read == f"{NOW - 1_000_000}-11000"
    await channel.call("XREADGROUP", "GROUP", "history", "c", "COUNT", 10, "STREAMS", keys.events, ">")
    assert not await frozen._cut_off(now, NOW)
    (holding,) = await frozen.groups()
    assert await frozen._cut_off(holding, NOW)
    (after,) = await frozen.groups()
    assert (after.owes, after.read) == (None, f"{NOW - 1_000_000}-12000")


async def test_consumers_of_dead_processes_are_forgotten(channel, keys, monkeypatch):
    monkeypatch.setattr("router.events.trimmer.GONE_MS", -1)
    await fill(channel, keys, 1, NOW)
    await channel.call("XGROUP", "CREATE", keys.events, "g", "0")
    await channel.call("XGROUP", "CREATECONSUMER", keys.events, "g", "idle")
    await channel.call("XREADGROUP", "GROUP", "g", "busy", "STREAMS", keys.events, ">")
    await Trimmer(channel, keys).forget_consumers()
    assert [row[1] for row in await channel.call("XINFO", "CONSUMERS", keys.events, "g")] == [b"busy"]


async def test_service_levels_are_counted_by_group_and_tier(channel, keys):
    from config.loading import read_plan
    from tests.support.service import SAMPLE

    plan = read_plan((SAMPLE / "plan.yaml").read_text()).site
    levels = Levels(channel, keys, lambda: plan)
    numbers = count(1)

    def at(text: str, step: str, tier: str, waited_ms: int, kind: str = "j", talks: int = 0) -> Event:
        accepted = NOW - waited_ms
        fields = {
            "call": "a",
            "at": str(NOW),
            "facts": f"{accepted};;{kind};{tier};{talks}",
            "step": f"{step};1;1;;;0;",
        }
        name, _, outcome = text.partition("=")
        return Event(f"{NOW}-{next(numbers)}", name, fields | ({"outcome": outcome} if outcome else {}))

    events = [
        at("call.connected", "vip", "gold", 9_000),
        at("call.connected", "vip", "gold", 11_000),
        at("call.connected", "general", "standard", 19_000),
        at("call.connected", "owner", "gold", 1_000),
        at("call.connected", "vip", "gold", 1_000, talks=1),
        at("call.connected", "vip", "gold", 1_000, kind="k"),
        at("call.ended=abandoned", "vip", "gold", 30_000),
        at("call.ended=short_abandoned", "vip", "gold", 3_000),
        at("call.ended=answered", "vip", "gold", 3_000),
    ]
    await channel.call("XGROUP", "CREATE", keys.events, LEVELS, "0", "MKSTREAM")
    for event in events:
        await channel.call("XADD", keys.events, event.entry_id, "e", "x")
    await channel.call("XREADGROUP", "GROUP", LEVELS, "c", "STREAMS", keys.events, ">")
    await levels.handle(events)
    await levels.handle(events)  # handed out again, to another, while the first was frozen
    total = await levels.read(NOW)
    assert level(total, "vip", "gold") == Level(1, 2, 2, 1)
    assert level(total, "vip").percent == 33.3
    assert level(total, "general") == Level(1, 1, 0, 0)
    assert level(total, None, "gold") == Level(2, 3, 2, 1)
    assert level(total, "nowhere").percent is None
    assert level(await levels.read(NOW + 3_600_000)).percent is None
