"""expire_agent: a deadline of an agent is due: offer, bridge, dial, wrap-up or rest."""

from __future__ import annotations

import asyncio

import pytest

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Lease, Noting, Stage, ladder, queue


@answers("OK")
async def test_an_offer_nobody_took_goes_on_to_the_next_agent(
    engine: Engine, stage: Stage, offered_call: Lease
) -> None:
    await stage.agent("bob")
    await stage.events()

    await stage.later(engine.timing.offer_ms - 1)
    assert await stage.agent_of("c1") == "ann"
    await stage.later(1)

    assert await stage.agent_of("c1") == "bob"
    agent = await stage.agent_row("ann")
    assert (agent.state, agent.misses) == ("cooling", 1)
    returned, cooling, offered = await stage.events()
    assert (returned.type, returned.fields["cause"]) == ("call.returned", "expired")
    assert (cooling.type, offered.type) == ("agent.cooling", "call.offered")


@pytest.mark.parametrize(("state", "cause"), [("wrapping", "wrapped"), ("cooling", "rested")])
async def test_it_says_what_is_over(engine: Engine, stage: Stage, state: str, cause: str) -> None:
    await stage.agent("ann", state=state)
    await stage.events()
    await stage.later(engine.timing.wrap_up_ms)

    (ready,) = await stage.events()
    assert (ready.type, ready.fields["cause"]) == ("agent.ready", cause)


@pytest.mark.parametrize("state", ["offline", "break", "ready", "talking"])
async def test_a_deadline_that_the_agent_does_not_need(engine: Engine, stage: Stage, state: str) -> None:
    """It is taken away, and nothing else happens."""
    await stage.agent("ann", state=state)
    await stage.channel.call("ZADD", stage.keys.deadlines, stage.clock.now_ms - 1, "a:ann")
    before = await stage.agent_row("ann")

    words = await stage.engine._run("expire_agent", agent_id="ann")

    assert words == ["OK", before.letter]
    assert await stage.deadline("a:ann") is None
    assert await stage.agent_row("ann") == before


async def test_an_agent_whose_call_is_lost_is_ready_again(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    """What a lossy failover can leave behind: the agent's half of a lease, without the call's."""
    since = (await stage.agent_row("ann")).ready_since_ms
    for key in (stage.keys.call("c1"), stage.keys.meta("c1")):
        await stage.channel.call("DEL", key)
    await stage.channel.call("ZREM", stage.keys.deadlines, "c:c1")
    unwatched = Noting(stage.channel, stage.keys, engine.timing, stage.clock)

    await unwatched.run_until(stage.clock.now_ms + engine.timing.offer_ms)

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.ready_since_ms) == ("ready", since)


async def test_an_agent_whose_call_another_holds_is_ready_again(
    engine: Engine, stage: Stage, offered_call: Lease
) -> None:
    await stage.agent("bob", "general")
    await stage.channel.call("HSET", stage.keys.agent("bob"), "st", "o", "ca", "c1", "fe", offered_call.offer_id)
    await stage.channel.call("ZREM", stage.keys.ready((await stage.agent_row("bob")).profile), "bob")
    await stage.channel.call("ZADD", stage.keys.deadlines, stage.clock.now_ms, "a:bob")

    await engine.run_due("a:bob", stage.clock.now_ms)

    assert (await stage.agent_row("bob")).state == "ready"
    assert await stage.lease("c1") == offered_call


async def test_rest_over_the_agent_is_ready_by_itself(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="cooling")
    await stage.call("c1", queue("vip"))
    await stage.later(engine.timing.cooling_ms)

    assert await stage.agent_of("c1") == "ann"


async def test_wrap_up_over_the_ready_since_is_that_moment(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="wrapping")
    end = stage.clock.now_ms + engine.timing.wrap_up_ms
    await stage.later(engine.timing.wrap_up_ms + SECOND)

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.ready_since_ms) == ("ready", end)


async def test_a_bridge_that_does_not_come(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.later(engine.timing.bridge_ms)

    assert await stage.line("vip") == ["c1"]
    agent = await stage.agent_row("ann")
    assert (agent.state, agent.misses) == ("cooling", 0)


async def test_a_dial_nobody_answers(engine: Engine, stage: Stage, dialled_callback: Lease) -> None:
    since = (await stage.agent_row("ann")).ready_since_ms
    await stage.later(engine.timing.dial_ms)

    assert await stage.outcome("cb1") == "failed"
    agent = await stage.agent_row("ann")
    assert (agent.state, agent.ready_since_ms) == ("ready", since)


@answers("NOT_DUE")
@pytest.mark.parametrize("state", ["offered", "talking", "wrapping", "cooling", "ready", "break", "offline"])
async def test_a_sweeper_that_read_an_old_deadline_does_nothing(engine: Engine, stage: Stage, state: str) -> None:
    """Between its reading and its script the agent accepted, or the deadline moved."""
    await stage.agent("ann", state=state)

    async with stage.nothing_written():
        await engine.run_due("a:ann", stage.clock.now_ms)


async def test_a_lease_one_millisecond_before_its_end(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    async with stage.nothing_written():
        await engine.run_due("a:ann", stage.clock.now_ms + engine.timing.offer_ms - 1)


async def test_an_accept_in_the_last_moment_wins(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    """Offer due and accept in one flush: whoever is first wins, the other is answered and changes nothing."""
    stage.clock.now_ms += engine.timing.offer_ms
    await asyncio.gather(
        engine.accept_offer("c1", "ann", offered_call.offer_id), engine.run_due("a:ann", stage.clock.now_ms)
    )

    assert await stage.state("c1") == "c"
    assert (await stage.agent_row("ann")).state == "talking"


async def test_sweepers_that_come_late_still_act(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    stage.clock.now_ms += 3_600_000
    await engine.run_due("a:ann", stage.clock.now_ms)

    assert await stage.state("c1") == "e", "its longest wait is over by then"
    assert await stage.deadline("a:ann") == engine.timing.cooling_ms


async def test_fifty_sweepers_expire_an_offer_once(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.agent("bob")
    await stage.events()
    due = stage.clock.now_ms + engine.timing.offer_ms

    await asyncio.gather(*(engine.run_due("a:ann", due) for _ in range(50)))

    assert await stage.told() == ["call.returned", "agent.cooling", "call.offered"]
    assert await stage.agent_of("c1") == "bob"


async def test_fifty_leases_expire_in_one_flush(engine: Engine, stage: Stage) -> None:
    """Everybody was out at lunch: each caller is back once, in the old order, and nobody is locked out."""
    for n in range(50):
        await stage.agent(f"agent-{n:02}")
    for n in range(50):
        await stage.offered(f"call-{n:02}", queue("vip"))
    due = stage.clock.now_ms + engine.timing.offer_ms

    await asyncio.gather(*(engine.run_due(f"a:agent-{n:02}", due) for n in range(50)))

    assert await stage.line("vip") == [f"call-{n:02}" for n in range(50)]
    await stage.later(engine.timing.cooling_ms)
    assert await stage.line("vip") == []
    assert len({await stage.agent_of(f"call-{n:02}") for n in range(50)}) == 50


async def reserved_for_nobody(stage: Stage) -> Noting:
    """Ann is rung for a call of which a lossy failover has left nothing. The engine is not looked at meanwhile."""
    held = await stage.offered("c1", queue("vip"))
    keys = stage.keys
    await stage.channel.call("DEL", keys.call("c1"), keys.meta("c1"), keys.steps("c1"))
    await stage.channel.call("ZREM", keys.deadlines, "c:c1")
    await stage.events()
    assert held.agent_id == "ann"
    return Noting(stage.channel, keys, stage.engine.timing, stage.clock)


async def test_an_agent_reserved_for_a_call_that_is_no_more_is_set_free(stage: Stage) -> None:
    await stage.agent("ann")
    unwatched = await reserved_for_nobody(stage)
    stage.clock.now_ms += unwatched.timing.offer_ms
    await unwatched._run("expire_agent", agent_id="ann")
    (ready,) = await stage.events()
    assert (ready.type, ready.fields["cause"]) == ("agent.ready", "repaired")


async def test_one_who_is_offered_the_next_call_at_once_was_set_free_as_well(stage: Stage) -> None:
    await stage.agent("ann")
    unwatched = await reserved_for_nobody(stage)
    await unwatched.route_call("c2", ladder(queue("vip")), plan_version="")
    stage.clock.now_ms += unwatched.timing.offer_ms
    await unwatched._run("expire_agent", agent_id="ann")
    assert await stage.agent_of("c2") == "ann"
    offered = (await stage.events())[-1]
    assert (offered.type, offered.fields["cause"]) == ("call.offered", "repaired")
