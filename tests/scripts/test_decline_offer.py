"""decline_offer: the agent, or the agent's leg, does not take the call. (What follows: test_rules_return.)"""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import OfferGone
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Lease, Stage, queue


@answers("OK")
async def test_a_declined_call_goes_back_to_its_place(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.call("c2", queue("vip"))
    await stage.later(SECOND)
    await stage.events()

    assert await engine.decline_offer("c1", "ann", offered_call.offer_id) == "w"

    assert await stage.line("vip") == ["c1", "c2"]
    agent = await stage.agent_row("ann")
    assert (agent.state, agent.call_id, agent.misses) == ("cooling", None, 1)
    assert await stage.deadline("a:ann") == engine.timing.cooling_ms
    returned, cooling = await stage.events()
    assert (returned.type, returned.fields["cause"], returned.fields["offer"]) == (
        "call.returned",
        "declined",
        offered_call.offer_id,
    )
    assert cooling.type == "agent.cooling"


async def test_declining_twice_is_declining_once(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.repeated(lambda: engine.decline_offer("c1", "ann", offered_call.offer_id))


async def test_declining_again_after_the_next_has_accepted(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    """ann's answer was lost and she declines again, when bob is talking to the caller already."""
    await stage.agent("bob")
    await engine.decline_offer("c1", "ann", offered_call.offer_id)
    new = await stage.lease("c1")
    await engine.accept_offer("c1", "bob", new.offer_id)

    async with stage.nothing_written():
        await engine.decline_offer("c1", "ann", offered_call.offer_id)


@pytest.mark.parametrize("others", [False, True])
async def test_a_failed_leg_reported_twice_fails_once(
    engine: Engine, stage: Stage, offered_call: Lease, others: bool
) -> None:
    """Also when the caller has found the next agent meanwhile."""
    if others:
        await stage.agent("bob")

    await stage.repeated(lambda: engine.fail_leg("c1", offered_call.offer_id, "busy"))


@answers("OFFER_GONE")
async def test_nobody_else_declines(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.refused(OfferGone, engine.decline_offer("c1", "bob", offered_call.offer_id))
    await stage.refused(OfferGone, engine.decline_offer("c1", "ann", "1-1"))
    await stage.refused(OfferGone, engine.decline_offer("c9", "ann", offered_call.offer_id))
    await stage.refused(OfferGone, engine.fail_leg("c1", "1-1", "busy"))
    await stage.refused(OfferGone, engine.fail_leg("c1", "", "busy"))
    await stage.refused(OfferGone, engine.fail_leg("c9", offered_call.offer_id, "busy"))


async def test_too_late_to_decline_in_mid_talk(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.refused(OfferGone, engine.decline_offer("c1", "ann", connected_call.offer_id))
    await stage.refused(OfferGone, engine.fail_leg("c1", connected_call.offer_id, "device"))


async def test_a_lease_that_expired_cannot_be_declined(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.later(engine.timing.offer_ms)

    await stage.refused(OfferGone, engine.decline_offer("c1", "ann", offered_call.offer_id))


async def test_an_expired_lease_nobody_has_swept_can(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    stage.clock.now_ms += engine.timing.offer_ms + SECOND

    assert await engine.decline_offer("c1", "ann", offered_call.offer_id) == "w"


async def test_a_caller_who_has_left_cannot_be_declined(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.abandon_call("c1")

    await stage.refused(OfferGone, engine.decline_offer("c1", "ann", offered_call.offer_id))
    assert (await stage.agent_row("ann")).misses == 0


async def test_a_bridge_that_fails_brings_the_caller_back(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    assert await engine.fail_leg("c1", bridging_call.offer_id, "bridge") == "w"

    assert (await stage.agent_row("ann")).misses == 0
    assert await stage.line("vip") == ["c1"]


async def test_a_dial_that_fails_is_the_end_of_the_callback(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    """Dialled exactly once; the agent is ready with the old ready-since."""
    since = (await stage.agent_row("ann")).ready_since_ms
    await stage.later(SECOND)

    assert await engine.fail_leg("cb1", dialled_callback.offer_id, "no_answer") == "e"

    assert await stage.outcome("cb1") == "failed"
    agent = await stage.agent_row("ann")
    assert (agent.state, agent.ready_since_ms, agent.misses) == ("ready", since, 0)


async def test_fifty_declines_at_once_return_each_call_once(engine: Engine, stage: Stage) -> None:
    for n in range(25):
        await stage.agent(f"agent-{n:02}")
    held = [await stage.offered(f"call-{n:02}", queue("vip")) for n in range(25)]
    await stage.events()

    await asyncio.gather(*(engine.decline_offer(h.call_id, h.agent_id, h.offer_id) for h in held for _ in range(2)))

    told = await stage.told()
    assert told.count("call.returned") == told.count("agent.cooling") == 25
    assert await stage.line("vip") == [h.call_id for h in held]
