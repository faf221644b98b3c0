"""call_back: the caller's own wish, out of the line or after being sent away."""

from __future__ import annotations

import asyncio
import json

import pytest

from router.domain.errors import UnknownCall, WrongState
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Lease, Stage, ladder, owner, queue

META = {"from": "+12025550123", "identity": "+12025550123", "trusted": True, "trust": None}


def cold(**more: object) -> str:
    return json.dumps(META | more, separators=(",", ":"))


async def sent_away(stage: Stage, **more: object) -> None:
    """c1 has waited a minute in vip, then general, and was sent away."""
    await stage.call("c1", queue("vip", wait_ms=10 * SECOND), queue("general"), meta=cold(**more), max_wait_ms=MINUTE)
    await stage.later(MINUTE)
    assert await stage.outcome("c1") == "overflowed_out"


@answers("OK")
@pytest.mark.parametrize("widen", [False, True])
async def test_out_of_the_line_it_is_a_kept_place(engine: Engine, stage: Stage, widen: bool) -> None:
    await stage.agent("ann", "general", state="talking")
    for call_id in ("c1", "kept"):
        await stage.call(call_id, owner("ann"), queue("vip"), meta=cold())

    await engine.keep_place("kept", "cb2", meta="{}", widen=widen)
    assert await stage.repeated(lambda: engine.call_back("c1", "cb1", widen=widen)) == "e"

    one, other = await stage.row("cb1"), await stage.row("cb2")
    assert (one.lanes, one.step, one.facts, one.rest) == (other.lanes, other.step, other.facts, other.rest)
    assert one.rank == (await stage.row("c1")).rank
    assert (one.meta["call_id"], one.meta["phone"]) == ("c1", "+12025550123")
    assert await stage.channel.call("GET", stage.keys.identity("%2B12025550123")) == b"cb1"


async def test_who_was_sent_away_keeps_the_place_as_well(engine: Engine, stage: Stage) -> None:
    await sent_away(stage)
    await stage.call("c2", queue("general"))
    rank = (await stage.row("c1")).rank

    assert await stage.repeated(lambda: engine.call_back("c1", "cb1")) == "e"

    row = await stage.row("cb1")
    assert (row.lanes, row.rank, row.facts.kind) == (("vip", "general"), rank, "kj")
    assert await stage.line("general") == ["cb1", "c2"]
    assert await stage.outcome("c1") == "callback"
    assert await stage.deadline("c:cb1") == engine.timing.callback_ms
    assert (await stage.told())[-1] == "callback.booked"


async def test_an_agent_who_is_ready_by_now_is_offered_it(engine: Engine, stage: Stage) -> None:
    await sent_away(stage)
    await stage.agent("ann", "general")

    await engine.call_back("c1", "cb1")

    assert await stage.agent_of("cb1") == "ann"
    assert (await stage.told())[-2:] == ["callback.booked", "call.offered"]


async def test_a_closed_line_has_a_place_for_later(engine: Engine, stage: Stage) -> None:
    meta = cold(later="general;vip general", head_start_ms=60_000)
    await engine.route_call("c1", ladder(head_start_ms=MINUTE), plan_version="", meta=meta)
    assert await stage.outcome("c1") == "rejected"

    await engine.call_back("c1", "cb1")

    row = await stage.row("cb1")
    assert (row.lanes, row.step.name, row.step.lanes) == (("vip", "general"), "general", 2)
    assert row.rank is not None
    assert row.rank // 1_000 == row.facts.accepted_ms - 60_000


@answers("WRONG_STATE")
@pytest.mark.parametrize(
    "more", [{"identity": "anonymous"}, {"trust": "failed"}, {"identity": None}], ids=["withheld", "faked", "unknown"]
)
async def test_a_number_that_cannot_be_believed_is_not_called(
    engine: Engine, stage: Stage, more: dict[str, object]
) -> None:
    await stage.call("c1", queue("vip"), meta=cold(**more))
    await stage.refused(WrongState, engine.call_back("c1", "cb1"))


async def test_whose_number_is_not_to_be_dialled(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), meta=cold())
    await stage.channel.call("HSET", stage.keys.documents("c1"), "uncallable", "1")
    await stage.refused(WrongState, engine.call_back("c1", "cb1"))
    await stage.channel.call("DEL", stage.keys.documents("c1"))


async def test_who_talks_or_hung_up_is_not_called_back(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.call("c2", queue("general"), meta=cold())
    await engine.abandon_call("c2")
    for call_id in ("c1", "c2"):
        await stage.refused(WrongState, engine.call_back(call_id, "cb1"))


async def test_a_closed_line_without_a_place(engine: Engine, stage: Stage) -> None:
    await engine.route_call("c1", ladder(head_start_ms=MINUTE), plan_version="", meta=cold())
    await stage.refused(WrongState, engine.call_back("c1", "cb1"))


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownCall, engine.call_back("ghost", "cb1"))


async def test_a_number_has_one_open_callback(engine: Engine, stage: Stage) -> None:
    for call_id in ("c1", "c2"):
        await stage.call(call_id, queue("vip"), meta=cold(trusted=False))
    await engine.call_back("c1", "cb1")
    assert await engine.call_back("c2", "cb2") == "w"
    row = await stage.row("c2")
    assert (row.state, row.meta["uncallable"]) == ("waiting", "already")

    await engine.cancel_callback("cb1")
    await engine.call_back("c2", "cb2")
    assert (await stage.row("cb2")).state == "waiting"


async def test_another_number_may_have_its_own(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), meta=cold(trusted=False))
    await stage.call("c2", queue("vip"), meta=cold(trusted=False, identity="+12025550124"))
    await engine.call_back("c1", "cb1")
    await engine.call_back("c2", "cb2")
    assert await stage.line("vip") == ["cb1", "cb2"]


async def dialled(engine: Engine, stage: Stage, callback_id: str) -> None:
    """By an agent who comes for it, and nobody picks up."""
    await stage.agent("ann")
    held = await stage.lease(callback_id)
    await engine.accept_offer(held.call_id, held.agent_id, held.offer_id)
    await engine.fail_leg(held.call_id, held.offer_id, "no_answer")
    await engine.agent_away("ann", "offline")


async def test_a_number_is_dialled_so_often_a_day(engine: Engine, stage: Stage) -> None:
    for place in range(3):
        await stage.call(f"c{place}", queue("vip"), meta=cold(trusted=False))
        if place < 2:
            await engine.call_back(f"c{place}", f"cb{place}", a_day=2)
            await dialled(engine, stage, f"cb{place}")
    assert await stage.repeated(lambda: engine.call_back("c2", "cb2", a_day=2)) == "w"
    assert (await stage.row("c2")).meta["uncallable"] == "refused"


async def test_who_was_never_dialled_may_ask_again(engine: Engine, stage: Stage) -> None:
    for place in range(3):
        await stage.call(f"c{place}", queue("vip"), meta=cold(trusted=False))
        assert await engine.call_back(f"c{place}", f"cb{place}", a_day=1) == "e"
        await engine.cancel_callback(f"cb{place}")


async def test_the_next_day_it_may_be_dialled_again(engine: Engine, stage: Stage) -> None:
    for call_id in ("c1", "c2"):
        await stage.call(call_id, queue("vip"), meta=cold(trusted=False), max_wait_ms=48 * 60 * MINUTE)
    await engine.call_back("c1", "cb1", a_day=1)
    await dialled(engine, stage, "cb1")
    await stage.later(23 * 60 * MINUTE)
    await stage.later(60 * MINUTE)
    assert await engine.call_back("c2", "cb2", a_day=1) == "e"


async def dialled_in_vain(engine: Engine, stage: Stage) -> None:
    """The agent's own line breaks while the customer's telephone rings: a dial all the same."""
    await stage.agent("ann")
    held = await stage.lease("cb1")
    await engine.accept_offer(held.call_id, held.agent_id, held.offer_id)
    await engine.give_back("cb1", held.offer_id, "network")
    await engine.agent_away("ann", "offline")


async def test_a_callback_that_comes_back_is_dialled_no_oftener_than_that(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), meta=cold(trusted=False))
    await engine.call_back("c1", "cb1", a_day=2)
    await dialled_in_vain(engine, stage)
    assert await stage.state("cb1") == "w"
    await stage.events()

    await dialled_in_vain(engine, stage)

    assert await stage.outcome("cb1") == "missed"
    assert await stage.line("vip") == []
    (ended,) = [event for event in await stage.events() if event.type == "call.ended"]
    assert ended.fields["cause"] == "dialled_out"


async def test_dials_of_another_day_do_not_end_a_callback(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), meta=cold(trusted=False))
    await engine.call_back("c1", "cb1", a_day=2)
    await dialled_in_vain(engine, stage)
    await stage.later(23 * 60 * MINUTE)
    await dialled_in_vain(engine, stage)
    assert await stage.state("cb1") == "w"


async def test_fifty_keys_at_once_are_one_callback(engine: Engine, stage: Stage) -> None:
    await sent_away(stage)
    assert set(await asyncio.gather(*(engine.call_back("c1", "cb1") for _ in range(50)))) == {"e"}
    assert (await stage.told()).count("callback.booked") == 1
