"""boost_call: a supervisor sets the head start of a waiting call anew."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import UnknownCall, WrongState
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Lease, Stage, queue


@answers("OK")
async def test_a_boosted_call_passes_the_others_in_every_lane(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip", "general"))
    await stage.later(MINUTE)
    await stage.call("c2", queue("vip", "general"))
    accepted = (await stage.row("c2")).facts.accepted_ms
    await stage.events()

    assert await engine.boost_call("c2", 2 * MINUTE, by="sue") == "w"

    assert (await stage.line("vip"), await stage.line("general")) == (["c2", "c1"], ["c2", "c1"])
    assert (await stage.row("c2")).facts.accepted_ms == accepted
    (event,) = await stage.events()
    assert (event.type, event.fields["by"]) == ("call.boosted", "sue")


async def test_the_head_start_is_set_not_added(engine: Engine, stage: Stage, waiting_call: str) -> None:
    rank = (await stage.row("c1")).rank
    assert rank is not None
    await stage.repeated(lambda: engine.boost_call("c1", MINUTE, by="sue"))
    assert (await stage.row("c1")).rank == rank - MINUTE * 1000
    await engine.boost_call("c1", 0, by="sue")
    assert (await stage.row("c1")).rank == rank


async def test_a_boost_can_take_back_what_the_tier_gave(engine: Engine, stage: Stage) -> None:
    await stage.call("gold", queue("vip"), head_start_ms=10 * MINUTE)
    await stage.call("plain", queue("vip"))
    await engine.boost_call("gold", -SECOND, by="sue")

    assert await stage.line("vip") == ["plain", "gold"]


async def test_a_call_being_asked_can_be_boosted(engine: Engine, stage: Stage, choosing_call: str) -> None:
    assert await engine.boost_call("c1", MINUTE, by="sue") == "q"


@answers("WRONG_STATE")
async def test_only_who_stands_in_line_is_boosted(
    engine: Engine, stage: Stage, greeted_call: str, offered_call: Lease, ended_call: str
) -> None:
    for call_id in (greeted_call, "c1", ended_call):
        await stage.refused(WrongState, engine.boost_call(call_id, MINUTE, by="sue"))
    await engine.accept_offer("c1", "ann", offered_call.offer_id)
    await stage.refused(WrongState, engine.boost_call("c1", MINUTE, by="sue"))


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownCall, engine.boost_call("ghost", MINUTE, by="sue"))


@pytest.mark.parametrize("head_start_ms", [0, 30 * MINUTE, 366 * 24 * 60 * MINUTE])
async def test_ranks_stay_whole_and_exact(engine: Engine, stage: Stage, waiting_call: str, head_start_ms: int) -> None:
    before = await stage.row("c1")
    await engine.boost_call("c1", head_start_ms, by="sue")
    row = await stage.row("c1")

    assert row.rank is not None
    assert before.rank is not None
    assert row.rank == before.rank - head_start_ms * 1000
    score = await stage.channel.call("ZSCORE", stage.keys.lane("vip"), "c1")
    assert int(score) == row.rank


async def test_fifty_boosts_at_once_leave_one_rank(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip", "general"))

    await asyncio.gather(*(engine.boost_call("c1", n * SECOND, by="sue") for n in range(50)))

    row = await stage.row("c1")
    for lane in ("vip", "general"):
        assert int(await stage.channel.call("ZSCORE", stage.keys.lane(lane), "c1")) == row.rank
