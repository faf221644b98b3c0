"""A customer who was promised a callback calls in: the place is theirs, and they are talked to once."""

from __future__ import annotations

import pytest

from router.store.engine import Engine
from tests.support.stage import MINUTE, SECOND, START, Lease, Stage, queue


async def test_calling_in_takes_a_waiting_callbacks_place(stage: Stage, callback: str) -> None:
    rank = (await stage.row(callback)).rank
    await stage.later(2 * MINUTE)
    await stage.call("other", queue("general"))
    await stage.events()

    await stage.call("c2", queue("general"), identity="li")

    row = await stage.row("c2")
    assert (row.rank, row.facts.accepted_ms) == (rank, START)
    assert await stage.outcome(callback) == "superseded"
    assert await stage.line("vip") == []
    assert await stage.line("general") == ["c2", "other"]
    assert await stage.told() == ["call.ended", "call.accepted"]


async def test_calling_in_while_the_callback_is_offered_frees_its_agent(stage: Stage, callback: str) -> None:
    """ann was rung for the callback: now she is rung for the customer on the line, with the old ready-since."""
    await stage.agent("ann")
    since = (await stage.agent_row("ann")).ready_since_ms
    held = await stage.lease(callback)
    await stage.later(SECOND)

    routed = await stage.call("c2", queue("vip"), identity="li")

    assert routed.agent_id == "ann"
    assert routed.offer_id != held.offer_id
    assert (await stage.agent_row("ann")).ready_since_ms == since
    assert await stage.outcome(callback) == "superseded"


async def test_an_agent_freed_by_it_takes_somebody_else(stage: Stage, callback: str) -> None:
    await stage.agent("ann", "vip other")
    await stage.call("c5", queue("other"))
    await stage.lease(callback)

    routed = await stage.call("c2", queue("general"), identity="li")

    assert routed.letter == "w"
    assert await stage.agent_of("c5") == "ann"


async def test_calling_in_while_being_dialled_waits_for_the_dial(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    rank = (await stage.row("cb1")).rank
    await stage.agent("gus", "general")

    routed = await stage.call("c2", queue("general"), identity="li")

    assert routed.letter == "w", "gus stays ready: nobody is to talk to her twice"
    row = await stage.row("c2")
    assert (row.rank, row.lanes, row.facts.accepted_ms) == (rank, (), START)
    assert await engine.position(row) is None


@pytest.mark.parametrize("end", ["not answered", "leg failed", "hung up", "cancelled"])
async def test_a_failed_dial_lets_the_held_call_go_on(
    engine: Engine, stage: Stage, dialled_callback: Lease, end: str
) -> None:
    await stage.call("c2", queue("general"), identity="li")
    if end == "not answered":
        await stage.later(engine.timing.dial_ms)
    elif end == "leg failed":
        await engine.fail_leg("cb1", dialled_callback.offer_id, "no_answer")
    elif end == "hung up":
        await engine.abandon_call("cb1")
    else:
        await engine.cancel_callback("cb1")

    assert await stage.line("general") == ["c2"]
    assert await stage.outcome("cb1") == "superseded"
    assert (await stage.agent_row("ann")).state == "ready"


async def test_an_answered_dial_lets_the_held_call_go_on(engine: Engine, stage: Stage, dialled_callback: Lease) -> None:
    await stage.call("c2", queue("general"), identity="li")

    await engine.connect_call("cb1", dialled_callback.offer_id)

    assert await stage.line("general") == ["c2"]
    assert await stage.state("cb1") == "c"


async def test_a_held_call_that_is_gone_holds_nobody(engine: Engine, stage: Stage, dialled_callback: Lease) -> None:
    await stage.call("c2", queue("general"), identity="li")
    await engine.abandon_call("c2")

    await engine.connect_call("cb1", dialled_callback.offer_id)

    assert await stage.state("cb1") == "c"
    assert await stage.state("c2") == "e"


async def test_a_customer_who_talks_already_keeps_that_talk(
    engine: Engine, stage: Stage, dialled_callback: Lease
) -> None:
    await engine.connect_call("cb1", dialled_callback.offer_id)
    await stage.later(SECOND)

    await stage.call("c2", queue("general"), identity="li")

    assert await stage.state("cb1") == "c"
    assert (await stage.row("c2")).facts.accepted_ms == stage.clock.now_ms
