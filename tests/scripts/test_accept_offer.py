"""accept_offer: the agent takes the call that was leased to them."""

from __future__ import annotations

import asyncio

from router.domain.errors import OfferGone, StepRepeated
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Lease, Stage, queue


@answers("OK")
async def test_an_agent_accepts_and_talks(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.events()

    assert await engine.accept_offer("c1", "ann", offered_call.offer_id) == "c"

    assert (await stage.agent_row("ann")).state == "talking"
    assert await stage.deadline("a:ann") is None
    assert await stage.deadline("c:c1") is None
    (event,) = await stage.events()
    assert event.type == "call.connected"
    assert (event.fields["call"], event.fields["agent"], event.fields["offer"]) == ("c1", "ann", offered_call.offer_id)


async def test_an_adapters_call_is_bridged_first(engine: Engine, stage: Stage, ready_agent: str) -> None:
    held = await stage.offered("c1", queue("vip"), kind="adapter")
    await stage.events()

    assert await engine.accept_offer("c1", "ann", held.offer_id) == "b"

    assert (await stage.row("c1")).state == "offered"
    assert await stage.deadline("a:ann") == engine.timing.bridge_ms
    assert await stage.told() == ["call.accepted_offer"]


async def test_a_callback_is_dialled_first(engine: Engine, stage: Stage, callback: str) -> None:
    await stage.agent("ann")
    held = await stage.lease(callback)

    assert await engine.accept_offer(callback, "ann", held.offer_id) == "b"

    assert await stage.deadline("a:ann") == engine.timing.dial_ms


async def test_accepting_twice_is_accepting_once(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.repeated(lambda: engine.accept_offer("c1", "ann", offered_call.offer_id))
    await engine.complete_call("c1")

    async with stage.nothing_written():
        assert await engine.accept_offer("c1", "ann", offered_call.offer_id) == "e"


async def test_accepting_twice_before_the_bridge_is_up(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.repeated(lambda: engine.accept_offer("c1", "ann", bridging_call.offer_id))


@answers("OFFER_GONE")
async def test_nobody_else_accepts(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.refused(OfferGone, engine.accept_offer("c1", "bob", offered_call.offer_id))
    await stage.refused(OfferGone, engine.accept_offer("c1", "", "1-1"))
    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", "1-1"))
    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", ""))
    await stage.refused(OfferGone, engine.accept_offer("nobody", "ann", offered_call.offer_id))


async def test_a_leg_that_knows_its_offer_alone(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    """By the key of a telephone: whose it is stands in the lease."""
    assert await engine.accept_offer("c1", "", offered_call.offer_id) == "c"
    assert (await stage.agent_row("ann")).letter == "t"


async def test_a_carriers_repeated_key_takes_nothing_twice(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    stage.left_as_is = True
    step = f"accept@{bridging_call.offer_id}"
    assert await engine.accept_offer("c1", "", bridging_call.offer_id, step) == "b"
    await stage.refused(StepRepeated, engine.decline_offer("c1", "", bridging_call.offer_id, step=step))
    assert await stage.state("c1") == "b"


async def test_yesterdays_offer_takes_no_caller_of_today(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.decline_offer("c1", "ann", offered_call.offer_id)
    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", offered_call.offer_id))
    await engine.agent_ready("ann")
    again = await stage.lease("c1")

    assert again.agent_id == "ann"
    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", offered_call.offer_id))
    assert await engine.accept_offer("c1", "ann", again.offer_id) == "c"


async def test_a_lease_holds_until_the_script_that_ends_it(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    """Twenty seconds have passed but nobody has swept: the agent who answers now is not too late."""
    stage.clock.now_ms += engine.timing.offer_ms + 5_000

    assert await engine.accept_offer("c1", "ann", offered_call.offer_id) == "c"


async def test_an_expired_lease_is_gone(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.later(engine.timing.offer_ms)

    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", offered_call.offer_id))


async def test_a_caller_who_has_left_is_not_taken(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.abandon_call("c1")

    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", offered_call.offer_id))


async def test_accepting_forgives_missed_offers(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.decline_offer("c1", "ann", offered_call.offer_id)
    await stage.later(engine.timing.cooling_ms)
    assert (await stage.agent_row("ann")).misses == 1

    again = await stage.lease("c1")
    await engine.accept_offer("c1", "ann", again.offer_id)

    assert (await stage.agent_row("ann")).misses == 0


async def test_a_bridge_that_fails_after_the_accept_is_no_miss(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    first = await stage.offered("c1", queue("vip"), kind="adapter")
    await engine.decline_offer("c1", "ann", first.offer_id)
    await stage.later(engine.timing.cooling_ms)

    await engine.accept_offer("c1", "ann", (await stage.lease("c1")).offer_id)

    assert (await stage.agent_row("ann")).misses == 0


async def test_every_talk_is_counted(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    assert (await stage.row("c1")).facts.talks == 0
    await engine.accept_offer("c1", "ann", offered_call.offer_id)
    assert (await stage.row("c1")).facts.talks == 1


async def test_fifty_clicks_at_once_take_one_call_each(stage: Stage, engine: Engine) -> None:
    """Fifty agents, fifty callers; every agent clicks on every third offer there is."""
    for n in range(50):
        await stage.agent(f"agent-{n:02}")
    held = [await stage.offered(f"call-{n:02}", queue("vip")) for n in range(50)]
    clicks = [
        engine.accept_offer(lease.call_id, other.agent_id, lease.offer_id)
        for i, lease in enumerate(held)
        for j, other in enumerate(held)
        if (i - j) % 3 == 0
    ]

    results = await asyncio.gather(*clicks, return_exceptions=True)

    assert sum(result == "c" for result in results) == 50
    assert sum(isinstance(result, OfferGone) for result in results) == len(clicks) - 50
    rows = [await stage.row(lease.call_id) for lease in held]
    assert [row.agent_id for row in rows] == [lease.agent_id for lease in held]
