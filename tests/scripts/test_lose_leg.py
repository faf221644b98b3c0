"""lose_leg: the agent's leg broke in mid-talk: the caller waits again at the original rank, the agent rests."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import OfferGone
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, Lease, Stage, ladder, queue


@answers("OK")
@pytest.mark.parametrize("cause", ["device", "network"])
async def test_a_broken_headset_is_no_hang_up(engine: Engine, stage: Stage, connected_call: Lease, cause: str) -> None:
    rank = (await stage.row("c1")).rank
    await stage.call("c2", queue("vip"))
    await stage.later(60 * MINUTE)
    await stage.call("c3", queue("vip"))
    await stage.events()

    assert await engine.lose_leg("c1", connected_call.offer_id, cause) == "w"

    row = await stage.row("c1")
    assert (row.rank, row.avoids, row.facts.talks) == (rank, ("ann",), 1)
    assert await stage.line("vip") == ["c1", "c3"]
    agent = await stage.agent_row("ann")
    assert (agent.state, agent.misses) == ("cooling", 0)
    assert await stage.deadline("a:ann") == engine.timing.cooling_ms
    assert await stage.deadline("c:c1") == 30 * MINUTE, "the whole wait anew: she has been served meanwhile"
    assert await stage.told() == ["call.returned", "agent.cooling"]


async def test_the_next_agent_takes_the_caller_at_once(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.agent("bob")

    assert await engine.lose_leg("c1", connected_call.offer_id, "device") == "o"
    assert await stage.agent_of("c1") == "bob"


@pytest.mark.parametrize("others", [False, True])
async def test_losing_it_twice_is_losing_it_once(
    engine: Engine, stage: Stage, connected_call: Lease, others: bool
) -> None:
    if others:
        await stage.agent("bob")

    await stage.repeated(lambda: engine.lose_leg("c1", connected_call.offer_id, "device"))


async def test_the_break_that_was_asked_for_comes_now(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.agent_away("ann", "break", "lunch")
    await engine.lose_leg("c1", connected_call.offer_id, "device")

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.next_state, agent.misses, agent.reason) == ("break", None, 0, "lunch")


@answers("OFFER_GONE")
async def test_only_the_leg_of_this_talk_can_break(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.refused(OfferGone, engine.lose_leg("c1", "1-1", "device"))
    await stage.refused(OfferGone, engine.lose_leg("c1", "", "device"))
    await stage.refused(OfferGone, engine.lose_leg("ghost", connected_call.offer_id, "device"))
    await engine.complete_call("c1")
    await stage.refused(OfferGone, engine.lose_leg("c1", connected_call.offer_id, "device"))


async def test_an_offer_has_no_talk_to_lose(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.refused(OfferGone, engine.lose_leg("c1", offered_call.offer_id, "device"))


async def test_a_leg_that_ends_after_the_transfer_takes_nothing_back(
    engine: Engine, stage: Stage, connected_call: Lease
) -> None:
    """The platform drops ann's leg because she transferred: the caller stands in the new lane already."""
    await engine.transfer_call("c1", connected_call.offer_id, ladder(queue("general")), plan_version="")

    await stage.refused(OfferGone, engine.lose_leg("c1", connected_call.offer_id, "device"))
    await stage.refused(OfferGone, engine.fail_leg("c1", connected_call.offer_id, "device"))
    assert (await stage.agent_row("ann")).state == "wrapping"


async def test_answered_counts_once_and_the_outcome_stays_open(
    engine: Engine, stage: Stage, connected_call: Lease
) -> None:
    await engine.lose_leg("c1", connected_call.offer_id, "device")
    await stage.later(6_000)
    await engine.abandon_call("c1")

    row = await stage.row("c1")
    assert (row.outcome, row.facts.talks) == ("abandoned", 1)


async def test_fifty_reports_at_once_lose_it_once(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.agent("bob")
    await stage.events()
    await asyncio.gather(*(engine.lose_leg("c1", connected_call.offer_id, "device") for _ in range(50)))

    assert await stage.told() == ["call.returned", "agent.cooling", "call.offered"]
