"""Whom a call takes, and which call an agent takes."""

from __future__ import annotations

from router.store.engine import Engine
from tests.support.stage import MINUTE, SECOND, Stage, owner, queue

# ---------------------------------------------------------------------- a call arrives


async def test_the_longest_ready_agent_is_taken(engine: Engine, stage: Stage) -> None:
    for name in ("zoe", "ann", "bob"):
        await stage.agent(name)
        await stage.later(1)

    assert [(await stage.offered(f"c{n}", queue("vip"))).agent_id for n in range(3)] == ["zoe", "ann", "bob"]


async def test_agents_ready_since_the_same_moment_are_taken_by_name(stage: Stage) -> None:
    await stage.agent("bob", "vip")
    await stage.agent("ann", "vip general")

    assert [(await stage.offered(f"c{n}", queue("vip"))).agent_id for n in range(2)] == ["ann", "bob"]


async def test_the_lowest_level_is_taken_before_the_longest_ready(stage: Stage) -> None:
    await stage.agent("bob", "vip:2")
    await stage.later(MINUTE)
    await stage.agent("ann", "vip:1")

    assert [(await stage.offered(f"c{n}", queue("vip"))).agent_id for n in range(2)] == ["ann", "bob"]


async def test_levels_are_numbers(stage: Stage) -> None:
    """Ten comes after nine."""
    await stage.agent("ten", "vip:10")
    await stage.later(1)
    await stage.agent("nine", "vip:9")

    assert (await stage.offered("c1", queue("vip"))).agent_id == "nine"


async def test_the_last_agent_is_preferred_within_the_lowest_level(stage: Stage) -> None:
    await stage.agent("old", "vip:1")
    await stage.later(MINUTE)
    await stage.agent("known", "vip:1 general")
    await stage.agent("second", "vip:2")

    assert (await stage.offered("c1", queue("vip"), last_agent="second")).agent_id == "old"
    assert (await stage.offered("c2", queue("vip"), last_agent="known")).agent_id == "known"
    assert (await stage.offered("c3", queue("vip"), last_agent="known")).agent_id == "second"


async def test_the_last_agent_is_remembered_while_the_call_waits(engine: Engine, stage: Stage) -> None:
    """known was talking when the caller came; when the first offer comes to nothing known is preferred to cy."""
    await stage.agent("known", state="talking")
    await stage.agent("ann")
    held = await stage.offered("c1", queue("vip"), last_agent="known")
    await stage.agent("cy")
    await stage.later(1)
    await engine.complete_call("known-call")
    await engine.end_wrap_up("known")

    await engine.decline_offer("c1", "ann", held.offer_id)

    assert await stage.agent_of("c1") == "known"


async def test_a_last_agent_who_does_not_serve_the_lane_is_no_choice(stage: Stage) -> None:
    await stage.agent("known", "general")
    await stage.agent("ann", "vip")

    assert (await stage.offered("c1", queue("vip"), last_agent="known")).agent_id == "ann"


async def test_skills_are_all_needed(stage: Stage) -> None:
    await stage.agent("one", "vip", "loans")
    await stage.agent("other", "vip", "zh-CN")
    assert (await stage.call("c1", queue("vip+loans+zh-CN"))).letter == "w"

    await stage.agent("both", "vip", "loans", "zh-CN", "more")

    assert await stage.agent_of("c1") == "both"


async def test_a_lane_nobody_can_serve_blocks_no_one(stage: Stage) -> None:
    await stage.agent("ann", "vip", state="talking")
    await stage.call("stuck", queue("vip+klingon"), head_start_ms=30 * MINUTE)
    await stage.call("c1", queue("vip"))

    await stage.engine.complete_call("ann-call")
    await stage.engine.agent_ready("ann")

    assert await stage.agent_of("c1") == "ann"
    assert await stage.state("stuck") == "w"


# ---------------------------------------------------------------------- an agent becomes ready


async def test_an_agent_takes_the_lowest_rank_over_all_lanes(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip general", state="offline")
    await stage.call("first", queue("general"))
    await stage.later(SECOND)
    await stage.call("second", queue("vip"))
    await stage.later(SECOND)
    await stage.call("gold", queue("vip"), head_start_ms=MINUTE)

    await engine.agent_ready("ann")
    taken = []
    while call_id := (await stage.agent_row("ann")).call_id:
        taken.append(call_id)
        await engine.abandon_call(call_id)

    assert taken == ["gold", "first", "second"]


async def test_the_own_lane_comes_before_everything(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.call("gold", queue("vip"), head_start_ms=30 * MINUTE)
    await stage.later(SECOND)
    await stage.call("hers", owner("ann", "wait"))

    await engine.complete_call("ann-call")
    await engine.end_wrap_up("ann")

    assert (await stage.agent_row("ann")).call_id == "hers"


async def test_a_lower_level_comes_before_a_lower_rank(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip:1 general:2", state="offline")
    await stage.call("early", queue("general"), head_start_ms=30 * MINUTE)
    await stage.call("late", queue("vip"))

    await engine.agent_ready("ann")

    assert (await stage.agent_row("ann")).call_id == "late"


async def test_a_caller_who_waits_for_a_busy_owner_blocks_nobody_behind(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.agent("bob", state="talking")
    await stage.call("hers", owner("ann", "wait"), head_start_ms=30 * MINUTE)
    await stage.call("c1", queue("vip"))

    await engine.complete_call("bob-call")
    await engine.end_wrap_up("bob")

    assert await stage.agent_of("c1") == "bob"
    assert await stage.state("hers") == "w"


async def test_equal_ranks_are_taken_by_name(engine: Engine, stage: Stage) -> None:
    """A recalled place and a boost can give two calls one rank; the order is still one order, in one lane or two."""
    await stage.agent("ann", "vip general", state="offline")
    await stage.call("b", queue("vip"))
    await stage.call("a", queue("general"))
    for call_id, lane in (("a", "general"), ("b", "vip")):
        await stage.channel.call("ZADD", stage.keys.lane(lane), "5", call_id)
        await stage.channel.call("HSET", stage.keys.call(call_id), "rk", "5")

    await engine.agent_ready("ann")

    assert (await stage.agent_row("ann")).call_id == "a"
