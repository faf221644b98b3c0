"""connect_call: the bridge is up: caller and agent talk."""

from __future__ import annotations

import asyncio

from router.domain.errors import OfferGone
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Lease, Stage, queue


@answers("OK")
async def test_the_bridge_is_up(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.events()

    assert await stage.repeated(lambda: engine.connect_call("c1", bridging_call.offer_id)) == "c"

    assert (await stage.agent_row("ann")).state == "talking"
    assert (await stage.row("c1")).facts.talks == 1
    assert await stage.deadline("a:ann") is None
    assert await stage.deadline("c:c1") is None
    (event,) = await stage.events()
    assert (event.type, event.fields["offer"]) == ("call.connected", bridging_call.offer_id)


async def test_a_platform_may_say_so_before_it_says_that_the_agent_answered(
    engine: Engine, stage: Stage, offered_call: Lease
) -> None:
    assert await engine.connect_call("c1", offered_call.offer_id) == "c"
    async with stage.nothing_written():
        assert await engine.accept_offer("c1", "ann", offered_call.offer_id) == "c"


async def test_a_late_report_after_the_talk_changes_nothing(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await engine.connect_call("c1", bridging_call.offer_id)
    await engine.complete_call("c1")

    async with stage.nothing_written():
        assert await engine.connect_call("c1", bridging_call.offer_id) == "e"


@answers("OFFER_GONE")
async def test_a_bridge_of_another_lease_is_none(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.refused(OfferGone, engine.connect_call("c1", "1-1"))
    await stage.refused(OfferGone, engine.connect_call("c1", ""))
    await stage.refused(OfferGone, engine.connect_call("ghost", bridging_call.offer_id))


async def test_a_call_without_a_lease_has_no_bridge(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.refused(OfferGone, engine.connect_call("c1", ""))


async def test_a_bridge_that_took_too_long(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.later(engine.timing.bridge_ms)
    assert await stage.line("vip") == ["c1"]

    await stage.refused(OfferGone, engine.connect_call("c1", bridging_call.offer_id))


async def test_a_bridge_to_a_caller_who_has_left(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await engine.abandon_call("c1")

    await stage.refused(OfferGone, engine.connect_call("c1", bridging_call.offer_id))


async def test_an_overdue_bridge_nobody_has_swept_is_one(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    stage.clock.now_ms += engine.timing.bridge_ms + SECOND

    assert await engine.connect_call("c1", bridging_call.offer_id) == "c"


async def test_a_dialled_customer_answers(engine: Engine, stage: Stage, dialled_callback: Lease) -> None:
    await stage.later(engine.timing.dial_ms - 1)

    assert await engine.connect_call("cb1", dialled_callback.offer_id) == "c"
    await engine.complete_call("cb1")
    assert await stage.outcome("cb1") == "answered"


async def test_connecting_forgives_missed_offers(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.decline_offer("c1", "ann", offered_call.offer_id)
    await stage.later(engine.timing.cooling_ms)
    await engine.connect_call("c1", (await stage.lease("c1")).offer_id)

    assert (await stage.agent_row("ann")).misses == 0


async def test_fifty_reports_at_once_connect_once(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    await stage.events()
    replies = await asyncio.gather(*(engine.connect_call("c1", bridging_call.offer_id) for _ in range(50)))

    assert set(replies) == {"c"}
    assert await stage.told() == ["call.connected"]
    assert (await stage.row("c1")).facts.talks == 1
    await stage.call("c2", queue("vip"))
    assert await stage.state("c2") == "w"
