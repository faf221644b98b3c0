"""complete_call: the talk is over: the call ends answered, the agent wraps up."""

from __future__ import annotations

import asyncio

from router.domain.errors import OfferGone, UnknownCall, WrongState
from router.domain.ladder import Timing
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Lease, Stage, queue


@answers("OK")
async def test_the_agent_wraps_up_and_is_not_rung_meanwhile(
    engine: Engine, stage: Stage, connected_call: Lease
) -> None:
    await stage.events()

    assert await engine.complete_call("c1", offer_id=connected_call.offer_id, result="follow_up | soon") == "e"

    row = await stage.row("c1")
    assert (row.outcome, row.agent_id) == ("answered", "ann")
    assert (await stage.agent_row("ann")).state == "wrapping"
    assert await stage.deadline("a:ann") == engine.timing.wrap_up_ms
    (ended,) = await stage.events()
    assert (ended.fields["outcome"], ended.text("result")) == ("answered", "follow_up | soon")
    await stage.call("c2", queue("vip"))
    await stage.later(engine.timing.wrap_up_ms - 1)
    assert await stage.state("c2") == "w"
    await stage.later(1)
    assert await stage.agent_of("c2") == "ann"


async def test_completing_twice_is_completing_once(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.repeated(lambda: engine.complete_call("c1", offer_id=connected_call.offer_id))
    async with stage.nothing_written():
        assert await engine.complete_call("c1", agent_id="ann") == "e"


async def test_a_late_repeat_does_not_touch_the_next_talk(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.complete_call("c1", agent_id="ann")
    await engine.agent_ready("ann")
    await stage.connected("c2", queue("vip"))

    async with stage.nothing_written():
        assert await engine.complete_call("c1", offer_id=connected_call.offer_id, agent_id="ann") == "e"


async def test_offer_or_agent_says_enough(engine: Engine, stage: Stage) -> None:
    for n, by in enumerate(({"offer_id": ""}, {"agent_id": "agent-1"}, {})):
        await stage.agent(f"agent-{n}")
        held = await stage.connected(f"c{n}", queue("vip"))
        given = {"offer_id": held.offer_id} if "offer_id" in by else by
        assert await engine.complete_call(f"c{n}", **given) == "e"


@answers("OFFER_GONE")
async def test_nobody_else_completes(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.refused(OfferGone, engine.complete_call("c1", agent_id="bob"))
    await stage.refused(OfferGone, engine.complete_call("c1", offer_id="1-1"))
    await stage.refused(OfferGone, engine.complete_call("c1", offer_id="1-1", agent_id="ann"))
    await stage.refused(OfferGone, engine.complete_call("c1", offer_id=connected_call.offer_id, agent_id="bob"))
    await engine.complete_call("c1")
    await stage.refused(OfferGone, engine.complete_call("c1", agent_id="bob"))


@answers("WRONG_STATE")
async def test_only_a_talk_is_completed(
    engine: Engine, stage: Stage, greeted_call: str, bridging_call: Lease, ended_call: str
) -> None:
    for call_id in (greeted_call, "c1", ended_call):
        await stage.refused(WrongState, engine.complete_call(call_id))
    await stage.refused(WrongState, engine.complete_call("c1", agent_id="ann", offer_id=bridging_call.offer_id))


async def test_a_waiting_call_is_not_completed(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.refused(WrongState, engine.complete_call("c1"))


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownCall, engine.complete_call("ghost", agent_id="ann"))


async def test_the_break_asked_for_comes_after_the_wrap_up(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.agent_away("ann", "break")
    await engine.complete_call("c1")
    assert (await stage.agent_row("ann")).state == "wrapping"
    await stage.later(engine.timing.wrap_up_ms)

    assert (await stage.agent_row("ann")).state == "break"


async def test_without_wrap_up_the_next_caller_comes_at_once(stage: Stage) -> None:
    quick = stage.another(Timing(wrap_up_ms=0))
    await stage.agent("ann")
    await stage.connected("c1", queue("vip"))
    await stage.call("c2", queue("vip"))

    await quick.complete_call("c1")
    await stage.later(0)

    assert await stage.agent_of("c2") == "ann"


async def test_fifty_completions_at_once_end_each_talk_once(engine: Engine, stage: Stage) -> None:
    for n in range(25):
        await stage.agent(f"agent-{n:02}")
        await stage.connected(f"call-{n:02}", queue("vip"))
    await stage.events()

    await asyncio.gather(
        *(engine.complete_call(f"call-{n:02}", agent_id=f"agent-{n:02}") for n in range(25) for _ in range(2))
    )

    assert await stage.told() == ["call.ended"] * 25
