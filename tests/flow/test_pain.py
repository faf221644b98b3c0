"""What hurts people who run call centres today: each complaint as a story that must not happen here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from router.domain.errors import OfferGone
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from tests.support.stage import MINUTE, SECOND, Stage, cover, ladder, owner, queue


@pytest.fixture
async def stage(channel: Channel, site: str) -> AsyncIterator[Stage]:
    opened = Stage(channel, Keyspace(site))
    await opened.engine.make_virtual()
    yield opened
    await opened.wind_up()


@pytest.fixture
def engine(stage: Stage) -> Engine:
    return stage.engine


# ---------------------------------------------------------------------- 1. it stops handing out calls


async def test_an_hour_in_which_nobody_answers_stops_nothing(engine: Engine, stage: Stage) -> None:
    """Ten agents whose telephones are dead, thirty callers; the process that offered has died as well.

    Any other process runs the deadlines; ten minutes after the telephones work again everybody has been talked to.
    """
    for n in range(10):
        await stage.agent(f"agent-{n}")
    names = [f"call-{n:02}" for n in range(30)]
    for name in names:
        await stage.call(name, queue("vip"), max_wait_ms=600 * MINUTE)
    await stage.later(60 * MINUTE)
    stage.engine = stage.another()

    talked: list[str] = []
    for _ in range(60):
        for row in [await stage.row(name) for name in names]:
            if row.letter == "o" and row.agent_id and row.offer_id:
                await stage.engine.accept_offer(row.call_id, row.agent_id, row.offer_id)
                await stage.engine.complete_call(row.call_id)
                talked.append(row.call_id)
        await stage.later(10 * SECOND)

    assert sorted(talked) == names


# ---------------------------------------------------------------------- 2. one caller blocks the rest


async def test_a_vip_whose_only_agent_is_busy_blocks_nobody_behind(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip general", "zh-CN", state="talking")
    await stage.agent("bob", "vip general", state="talking")
    await stage.call("vip", queue("vip+zh-CN"), head_start_ms=30 * MINUTE)
    await stage.call("plain", queue("general"))

    await engine.complete_call("bob-call")
    await engine.end_wrap_up("bob")

    assert await stage.agent_of("plain") == "bob"
    assert await stage.state("vip") == "w"


async def test_a_very_urgent_caller_stops_no_other_queue(engine: Engine, stage: Stage) -> None:
    """Nor does an urgent caller of one queue keep the agents of both to that queue for ever."""
    await stage.agent("ann", "a b", state="talking")
    for n in range(3):
        await stage.call(f"a{n}", queue("a"))
        await stage.call(f"b{n}", queue("b"))
        await stage.later(SECOND)
    await engine.boost_call("b2", 365 * 24 * 60 * MINUTE, by="sue")
    await engine.complete_call("ann-call")
    await engine.end_wrap_up("ann")

    order: list[str] = []
    while call_id := (await stage.agent_row("ann")).call_id:
        order.append(call_id)
        await engine.abandon_call(call_id)
    assert order == ["b2", "a0", "b0", "a1", "b1", "a2"]


# ---------------------------------------------------------------------- 3. agents get stuck


async def test_nobody_stays_reserved_for_a_process_that_died(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.offered("c1", queue("vip"), kind="adapter")
    await stage.later(engine.timing.offer_ms + engine.timing.cooling_ms)
    held = await stage.lease("c1")
    await engine.accept_offer("c1", "ann", held.offer_id)

    await stage.later(engine.timing.bridge_ms)
    assert (await stage.agent_row("ann")).state == "cooling"
    await stage.later(engine.timing.cooling_ms)
    assert (await stage.agent_row("ann")).state == "offered"


async def test_nobody_stays_in_a_call_whose_caller_hung_up(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await engine.abandon_call("ann-call")
    await stage.later(engine.timing.wrap_up_ms)

    assert (await stage.agent_row("ann")).state == "ready"


# ---------------------------------------------------------------------- 4. two agents, one caller


async def test_one_caller_is_never_answered_by_two(engine: Engine, stage: Stage) -> None:
    """The offer expires while ann lifts the receiver, and bob lifts his: one of them has the caller."""
    await stage.agent("ann")
    await stage.agent("bob")
    first = await stage.offered("c1", queue("vip"))
    await stage.later(engine.timing.offer_ms)
    second = await stage.lease("c1")

    results = await asyncio.gather(
        engine.accept_offer("c1", first.agent_id, first.offer_id),
        engine.accept_offer("c1", second.agent_id, second.offer_id),
        engine.accept_offer("c1", second.agent_id, first.offer_id),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [OfferGone, str, OfferGone]
    assert await stage.agent_of("c1") == second.agent_id == "bob"


async def test_a_caller_whose_bridge_fails_is_not_lost(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("bob")
    held = await stage.offered("c1", queue("vip"), kind="adapter")
    await engine.accept_offer("c1", "ann", held.offer_id)

    await engine.fail_leg("c1", held.offer_id, "bridge")

    assert await stage.agent_of("c1") == "bob"


# ---------------------------------------------------------------------- 5. wrap-up is ignored


async def test_nobody_is_rung_while_wrapping_up(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    for n in range(3):
        await stage.call(f"c{n}", queue("vip"))
    await stage.call("hers", owner("ann", "wait"))
    await engine.complete_call("ann-call")
    await stage.call("late", cover("ann"), queue("vip"))
    await stage.later(engine.timing.wrap_up_ms - 1)

    assert (await stage.agent_row("ann")).state == "wrapping"
    await stage.later(1)
    assert (await stage.agent_row("ann")).state == "offered"


# ---------------------------------------------------------------------- 6. the caller is gone, the agent rings


async def test_an_agent_stops_ringing_in_the_moment_the_caller_hangs_up(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    held = await stage.offered("c1", queue("vip"))
    await stage.call("c2", queue("vip"))

    await engine.abandon_call("c1")

    assert await stage.agent_of("c2") == "ann"
    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", held.offer_id))


# ---------------------------------------------------------------------- 7. callbacks


async def test_callbacks_are_dialled_once_in_turn_and_never_more_than_there_are_agents(
    engine: Engine, stage: Stage
) -> None:
    await stage.agent("ann", state="offline")
    await stage.agent("bob", state="offline")
    for n in range(6):
        await stage.call(f"c{n}", queue("vip"))
        await stage.later(SECOND)
    for n in (0, 2, 4):
        await engine.keep_place(f"c{n}", f"cb{n}")
    await engine.agent_ready("ann")
    await engine.agent_ready("bob")

    assert (await stage.agent_of("cb0"), await stage.agent_of("c1")) == ("ann", "bob")
    assert await stage.line("vip") == ["cb2", "c3", "cb4", "c5"], "the callbacks overtake nobody"
    held = await stage.lease("cb0")
    await engine.accept_offer("cb0", "ann", held.offer_id)
    await stage.later(engine.timing.dial_ms)
    assert await stage.outcome("cb0") == "failed"
    await stage.later(60 * MINUTE)
    dials = Counter(event.fields["call"] for event in await stage.events() if event.type == "call.accepted_offer")
    assert dials == {"cb0": 1}


async def test_a_customer_who_calls_in_is_not_called_back(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), identity="li")
    await engine.keep_place("c1", "cb1", identity="li")
    await stage.call("c2", queue("vip"), identity="li")
    await stage.agent("ann")

    assert await stage.agent_of("c2") == "ann"
    assert await stage.outcome("cb1") == "superseded"


# ---------------------------------------------------------------------- 8. the place in line is lost


async def test_the_first_place_survives_everything(engine: Engine, stage: Stage) -> None:
    """Overflow, a missed offer, a decline, a broken line, a re-call, a transfer and a callback later."""
    await stage.agent("ann", "vip")
    await stage.call("first", queue("vip", wait_ms=10 * SECOND), queue("general"), identity="li")
    await stage.later(SECOND)
    for n in range(5):
        await stage.call(f"other-{n}", queue("vip", "general"))
    await stage.later(engine.timing.offer_ms)
    assert (await stage.row("first")).lanes == ("vip", "general")
    await engine.agent_ready("ann")
    await engine.agent_away("ann", "break")
    await stage.later(30 * SECOND)
    assert (await stage.line("vip"))[0] == "first"
    await engine.abandon_call("first")
    await stage.call("again", queue("general"), identity="li")
    assert (await stage.line("general"))[0] == "again"

    await stage.agent("gus", "general")
    held = await stage.lease("again")
    await engine.accept_offer("again", "gus", held.offer_id)
    await engine.transfer_call("again", held.offer_id, ladder(queue("other")), plan_version="")
    await stage.call("stranger", queue("other"), head_start_ms=0)
    assert await stage.line("other") == ["again", "stranger"]
    await engine.keep_place("again", "back", identity="li")
    assert await stage.line("other") == ["back", "stranger"]


# ---------------------------------------------------------------------- 9. a missed offer locks agents out


async def test_one_missed_offer_locks_nobody_out_and_spreads_to_nobody(engine: Engine, stage: Stage) -> None:
    """All five miss one call each in an outage of a minute; ten seconds later everybody is ready by themselves."""
    for n in range(5):
        await stage.agent(f"agent-{n}")
    for n in range(5):
        await stage.call(f"c{n}", queue("vip"))
    await stage.later(engine.timing.offer_ms)
    assert {(await stage.agent_row(f"agent-{n}")).state for n in range(5)} == {"cooling"}

    await stage.later(engine.timing.cooling_ms)

    assert {(await stage.agent_row(f"agent-{n}")).state for n in range(5)} == {"offered"}
    assert await stage.line("vip") == []


async def test_the_same_unavailable_agent_is_not_offered_again_and_again(engine: Engine, stage: Stage) -> None:
    """A caller's next offers go to others, and the one who does not answer rests longer each time."""
    await stage.agent("dead")
    await stage.agent("bob", state="offline")
    await stage.call("c1", queue("vip"), max_wait_ms=600 * MINUTE)
    await stage.later(20 * MINUTE)
    offers = [event.fields["agent"] for event in await stage.events() if event.type == "call.offered"]
    assert len(offers) <= 8, "rests of 10, 20, 40 … 300 seconds"

    await engine.agent_ready("bob")
    if await stage.agent_of("c1") == "dead":
        await stage.later(engine.timing.offer_ms)
    assert await stage.agent_of("c1") == "bob"


# ---------------------------------------------------------------------- 10. the place announced grows


async def test_the_position_of_a_waiting_caller_never_grows_by_itself(engine: Engine, stage: Stage) -> None:
    for n in range(10):
        await stage.call(f"c{n}", queue("vip", wait_ms=MINUTE), queue("general"))
    places = [await engine.position(await stage.row("c5"))]
    for n in range(3):
        await stage.call(f"late-{n}", queue("vip"), queue("general"))
        await stage.later(30 * SECOND)
        await engine.abandon_call(f"c{n}")
        places.append(await engine.position(await stage.row("c5")))

    assert places == [6, 5, 4, 3]


# ---------------------------------------------------------------------- 12. looking hurts


async def test_looking_writes_nothing(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    held = await stage.offered("c1", queue("vip"))
    await stage.call("c2", queue("vip"))
    async with stage.nothing_written():
        await engine.read_calls(["c1", "c2", "ghost"])
        await engine.position(await stage.row("c2"))
        await engine.lane_calls("vip")
        await engine.lanes()
        await engine.closed_groups()
        await engine.agent_ids()
        await engine.read_agents(["ann", "ghost"])
        assert await engine.find_offer(held.offer_id) == ("c1", "ann")
        found, cursor = await engine.scan_calls("", 100)
        while cursor:
            more, cursor = await engine.scan_calls(cursor, 100)
            found += more
        assert sorted(found) == ["c1", "c2"]


# ---------------------------------------------------------------------- 13. reports lie


async def test_every_call_is_counted_once(engine: Engine, stage: Stage) -> None:
    """A transfer, a broken headset, a re-call and a callback: each call ends once, each talk is counted once."""
    await stage.agent("ann", "vip")
    await stage.agent("gus", "general")
    held = await stage.connected("talks", queue("vip"))
    await engine.transfer_call("talks", held.offer_id, ladder(queue("general")), plan_version="")
    held = await stage.lease("talks")
    await engine.accept_offer("talks", "gus", held.offer_id)
    for _ in range(3):
        await engine.complete_call("talks", offer_id=held.offer_id)
    await stage.call("cut", queue("vip"), identity="li")
    await engine.abandon_call("cut")
    await stage.call("again", queue("vip"), identity="li")
    await engine.keep_place("again", "back", identity="li")
    await engine.cancel_callback("back")

    events = await stage.events()
    ended = Counter(event.fields["call"] for event in events if event.type == "call.ended")
    arrived = Counter(event.fields["call"] for event in events if event.type in ("call.accepted", "callback.booked"))
    connected = Counter(event.fields["call"] for event in events if event.type == "call.connected")
    assert ended == arrived == Counter(["talks", "cut", "again", "back"])
    assert connected == Counter({"talks": 2})
    outcomes = [await stage.outcome(call_id) for call_id in ("talks", "cut", "again", "back")]
    assert outcomes == ["answered", "recalled", "callback", "cancelled"]


# ---------------------------------------------------------------------- 14. nobody can say why


async def test_every_decision_says_what_it_saw(engine: Engine, stage: Stage) -> None:
    """Who was looked at and why not, lane by lane: enough to answer "why did this call go there?"."""
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", "vip", state="talking")
    await stage.agent("off", "vip", state="break")
    await stage.agent("gus", "general")
    await stage.events()

    way = [owner("ann", "next"), cover("ghost"), queue("vip", max_waiting=0), queue("general")]
    await stage.call("c1", *way, why="gold")

    accepted, offered = await stage.events()
    assert accepted.text("why") == "gold"
    since = stage.clock.now_ms
    assert accepted.fields["seen"] == f"@ann=t,{since} @ghost=-, vip=0/1/2 vip=full,0/0 general=1/1/1"
    assert accepted.fields["entered"] == "owner cover vip general"
    assert (offered.fields["agent"], offered.fields["lane"]) == ("gus", "general")
