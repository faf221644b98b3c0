"""transfer_call: the agent passes the caller on: the agent wraps up, the caller waits at the original rank."""

from __future__ import annotations

import asyncio

from router.domain.errors import OfferGone, PlanMoved, UnknownCall
from router.domain.ladder import Step
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, Lease, Stage, ladder, owner, queue


async def pass_on(stage: Stage, held: Lease, *steps: Step, note: str = "", version: str = "") -> str:
    return await stage.engine.transfer_call(
        held.call_id, held.offer_id, ladder(*steps), plan_version=version, note=note
    )


@answers("OK")
async def test_the_caller_waits_with_the_original_rank(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    rank = (await stage.row("c1")).rank
    await stage.later(60 * MINUTE)
    await stage.call("c2", queue("general"))
    await stage.events()

    assert await pass_on(stage, connected_call, queue("general"), note="loan | car") == "w"

    row = await stage.row("c1")
    assert (row.rank, row.lanes, row.avoids, row.agent_id) == (rank, ("general",), (), None)
    assert await stage.line("general") == ["c1", "c2"]
    assert await stage.deadline("c:c1") == 30 * MINUTE
    assert (await stage.agent_row("ann")).state == "wrapping"
    assert await stage.deadline("a:ann") == engine.timing.wrap_up_ms
    transferred, _ = await stage.events()
    assert transferred.type == "call.transferred"


async def test_a_ready_agent_of_the_target_is_offered_at_once(stage: Stage, connected_call: Lease) -> None:
    await stage.agent("gus", "general")

    assert await pass_on(stage, connected_call, queue("general")) == "o"
    assert await stage.agent_of("c1") == "gus"


async def test_it_never_comes_back_to_its_sender_at_once(stage: Stage, connected_call: Lease) -> None:
    assert await pass_on(stage, connected_call, queue("vip")) == "w"
    assert (await stage.agent_row("ann")).state == "wrapping"


async def test_but_the_sender_is_not_avoided(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await pass_on(stage, connected_call, queue("vip"))
    await engine.end_wrap_up("ann")

    assert await stage.agent_of("c1") == "ann"


async def test_whom_the_caller_came_back_from_and_whom_they_knew_is_of_the_old_matter(
    engine: Engine, stage: Stage, ready_agent: str
) -> None:
    first = await stage.offered("c1", queue("vip"), last_agent="cy")
    await engine.decline_offer("c1", "ann", first.offer_id)
    await engine.agent_ready("ann")
    held = await stage.lease("c1")
    await engine.accept_offer("c1", "ann", held.offer_id)
    assert (await stage.row("c1")).avoids == ("ann",)

    await pass_on(stage, held, queue("general"))

    assert (await stage.row("c1")).avoids == ()
    await stage.agent("bob", "general", state="offline")
    await stage.agent("cy", "general", state="offline")
    await stage.agent("gus", "other")
    await engine.assign_call("c1", "gus", by="sue")
    for name in ("bob", "cy"):
        await engine.agent_ready(name)
        await stage.later(1)
    await engine.decline_offer("c1", "gus", (await stage.lease("c1")).offer_id)
    assert await stage.agent_of("c1") == "bob", "cy is no longer preferred"


async def test_to_an_agent_and_then_that_agents_groups(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.agent("bob", "general", state="talking")
    await pass_on(stage, connected_call, owner("bob", "wait"), queue("general"))
    assert (await stage.row("c1")).lanes == ("@bob",)

    await stage.later(engine.timing.owner_wait_ms)
    assert (await stage.row("c1")).lanes == ("@bob", "general")


async def test_passing_on_twice_is_passing_on_once(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.agent("gus", "general")
    await engine.know_lanes([queue("general")])
    await stage.repeated(lambda: pass_on(stage, connected_call, queue("general")))


@answers("OFFER_GONE")
async def test_only_the_one_who_talks_passes_on(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.know_lanes([queue("general")])
    for stale in (Lease("c1", "ann", "1-1"), Lease("c1", "ann", "")):
        await stage.refused(OfferGone, pass_on(stage, stale, queue("general")))
    await engine.complete_call("c1")
    await stage.refused(OfferGone, pass_on(stage, connected_call, queue("general")))


async def test_a_call_that_is_only_rung_is_not_passed_on(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.know_lanes([queue("general")])
    await stage.refused(OfferGone, pass_on(stage, offered_call, queue("general")))


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await engine.know_lanes([queue("general")])
    await stage.refused(UnknownCall, pass_on(stage, Lease("ghost", "ann", "1-1"), queue("general")))


@answers("PLAN_MOVED")
async def test_a_ladder_of_yesterdays_plan_is_refused(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.set_plan("7", {})
    await engine.know_lanes([queue("general")])

    await stage.refused(PlanMoved, pass_on(stage, connected_call, queue("general"), version="6"))
    assert await pass_on(stage, connected_call, queue("general"), version="7") == "w"


async def test_a_target_nobody_can_reach_is_the_exit(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.close_group("general")

    assert await pass_on(stage, connected_call, queue("general")) == "e"
    assert await stage.outcome("c1") == "overflowed_out"
    assert (await stage.agent_row("ann")).state == "wrapping"


async def test_a_second_talk_counts_and_ends_answered(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await stage.agent("gus", "general")
    await pass_on(stage, connected_call, queue("general"))
    second = await stage.lease("c1")
    await engine.accept_offer("c1", "gus", second.offer_id)
    await stage.refused(OfferGone, engine.complete_call("c1", offer_id=connected_call.offer_id))
    assert await engine.complete_call("c1", offer_id=second.offer_id) == "e"

    row = await stage.row("c1")
    assert (row.outcome, row.facts.talks, row.agent_id) == ("answered", 2, "gus")


async def test_a_caller_who_gives_up_on_the_way(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await pass_on(stage, connected_call, queue("general"))
    await stage.later(engine.timing.short_abandon_ms)
    await engine.abandon_call("c1")

    row = await stage.row("c1")
    assert (row.outcome, row.facts.talks) == ("abandoned", 1)
    await stage.repeated(lambda: pass_on(stage, connected_call, queue("general")))  # sent twice, answered the same


async def test_an_accept_of_the_old_offer_finds_nothing(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await pass_on(stage, connected_call, queue("general"))

    await stage.refused(OfferGone, engine.accept_offer("c1", "ann", connected_call.offer_id))


async def test_the_break_asked_for_comes_after_the_wrap_up(engine: Engine, stage: Stage, connected_call: Lease) -> None:
    await engine.agent_away("ann", "break")
    await pass_on(stage, connected_call, queue("general"))
    await stage.later(engine.timing.wrap_up_ms)

    assert (await stage.agent_row("ann")).state == "break"


async def test_fifty_clicks_pass_it_on_once(stage: Stage, connected_call: Lease) -> None:
    await stage.engine.know_lanes([queue("general")])
    await stage.events()

    replies = await asyncio.gather(*(pass_on(stage, connected_call, queue("general")) for _ in range(50)))

    assert set(replies) == {"w"}
    assert (await stage.told()).count("call.transferred") == 1
