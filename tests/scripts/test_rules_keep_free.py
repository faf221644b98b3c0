"""keep_free: a group's agents help elsewhere only while enough of them stay ready."""

from __future__ import annotations

from typing import Any

from router.store.engine import Engine
from tests.support.stage import SECOND, Stage, owner, profile, queue


async def keep(stage: Stage, **groups: int) -> None:
    """A plan that keeps so many agents of each group ready."""
    await stage.engine.set_plan("keep", groups)
    await stage.later(0)


async def arrives(stage: Stage, call_id: str, *lanes: str, **options: Any) -> str:
    """Routes a call into one step; answers its agent, or the state it is in."""
    routed = await stage.call(call_id, queue(*lanes), plan_version="keep", **options)
    return routed.agent_id or routed.letter


# ---------------------------------------------------------------------- a call arrives


async def test_a_kept_group_helps_only_while_enough_stay_ready(stage: Stage) -> None:
    await keep(stage, vip=2)
    for name in ("ann", "bob", "cy"):
        await stage.agent(name, "vip general")

    assert await arrives(stage, "c1", "general") == "ann"
    assert await arrives(stage, "c2", "general") == "w"


async def test_its_own_lane_is_exempt(stage: Stage) -> None:
    await keep(stage, vip=5)
    await stage.agent("ann", "vip general", "loans")
    await stage.agent("bob", "vip general")

    assert await arrives(stage, "c1", "vip+loans") == "ann"
    assert await arrives(stage, "c2", "vip") == "bob"


async def test_an_agents_own_lane_is_exempt(stage: Stage) -> None:
    await keep(stage, vip=5)
    await stage.agent("ann", "vip general")

    routed = await stage.call("c1", owner("ann"), queue("general"), plan_version="keep")

    assert routed.agent_id == "ann"


async def test_a_group_that_keeps_nobody_gives_everybody(stage: Stage) -> None:
    await keep(stage, vip=0, other=3)
    await stage.agent("ann", "vip general")

    assert await arrives(stage, "c1", "general") == "ann"


async def test_skills_do_not_matter_for_the_count(stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("ann", "vip general", "loans")
    await stage.agent("bob", "vip", "zh-CN")

    assert await arrives(stage, "c1", "general") == "ann"


async def test_every_other_keeping_group_must_have_enough(stage: Stage) -> None:
    """ann is of vip and gold, which both keep one: matched through one she must leave the other one behind."""
    await keep(stage, vip=1, gold=1)
    await stage.agent("ann", "vip gold general")
    assert await arrives(stage, "c1", "vip") == "w"
    assert await arrives(stage, "c2", "gold") == "w"
    assert await arrives(stage, "c3", "general") == "w"

    await stage.agent("gil", "gold")
    assert await stage.agent_of("c2") == "gil", "through gold alone gil takes nothing from anybody"


async def test_short_of_one_group_an_agent_serves_only_that_group(stage: Stage) -> None:
    await keep(stage, vip=1, gold=1)
    await stage.agent("gil", "gold")
    await stage.agent("ann", "vip gold general")

    assert await arrives(stage, "c1", "general") == "w"
    assert await arrives(stage, "c2", "vip") == "ann", "gold has gil, and vip is the lane's own group"


async def test_a_held_back_agent_is_passed_over_for_a_higher_level(stage: Stage) -> None:
    """The lowest level that has a ready *allowed* agent."""
    await keep(stage, vip=1)
    await stage.agent("ann", "vip:1 general:1")
    await stage.agent("gus", "general:2")

    assert await arrives(stage, "c1", "general") == "gus"


async def test_a_held_back_last_agent_is_not_preferred(stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("ann", "vip general")
    await stage.agent("gus", "general")

    assert await arrives(stage, "c1", "general", last_agent="ann") == "gus"


async def test_a_held_back_agent_makes_no_lane_unserved(stage: Stage) -> None:
    """ann is on duty for general, only held back: the step is waited in."""
    await keep(stage, vip=1)
    await stage.agent("ann", "vip general")
    await stage.call("c1", queue("general"), queue("other"), plan_version="keep")

    assert (await stage.row("c1")).step.name == "general"


# ---------------------------------------------------------------------- an agent becomes ready


async def test_an_agent_who_is_held_back_stands_ready_beside_the_waiting(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("ann", "vip general", state="offline")
    assert await arrives(stage, "c1", "general") == "w"

    await engine.agent_ready("ann")

    assert (await stage.agent_row("ann")).state == "ready"
    assert await stage.state("c1") == "w"


async def test_the_next_to_be_ready_sets_the_longest_ready_free(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("bob", "vip", state="offline")
    await stage.agent("ann", "vip general")
    assert await arrives(stage, "c1", "general") == "w"
    await stage.later(SECOND)
    await stage.events()

    await engine.agent_ready("bob")

    assert await stage.agent_of("c1") == "ann"
    assert (await stage.agent_row("bob")).state == "ready"
    assert await stage.told() == ["agent.ready", "call.offered"]


async def test_each_profile_looks_once(engine: Engine, stage: Stage) -> None:
    """Three are ready, two must stay: one may go, and only one."""
    await keep(stage, vip=2)
    await stage.agent("ann", "vip general")
    await stage.agent("bob", "vip other")
    await stage.agent("cy", "vip", state="offline")
    for n in range(3):
        assert await arrives(stage, f"c{n}", "general") == "w"
    await arrives(stage, "c9", "other")

    await engine.agent_ready("cy")

    assert await stage.agent_of("c0") == "ann"
    assert [await stage.state(c) for c in ("c1", "c2", "c9")] == ["w", "w", "w"]


async def test_the_newcomer_goes_when_the_newcomer_is_the_one_to_spare(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("bob", "vip")
    await stage.agent("ann", "vip general", state="offline")
    await arrives(stage, "c1", "general")

    await engine.agent_ready("ann")

    assert await stage.agent_of("c1") == "ann"


async def test_an_agent_who_lost_the_caller_sets_another_free(engine: Engine, stage: Stage) -> None:
    """bob's caller hangs up while bob is rung: bob is ready again, so ann may help."""
    await keep(stage, vip=1)
    await stage.agent("bob", "vip")
    await arrives(stage, "hers", "vip")
    await stage.agent("ann", "vip general")
    assert await arrives(stage, "c1", "general") == "w"

    await engine.abandon_call("hers")

    assert await stage.agent_of("c1") == "ann"


async def test_a_new_profile_sets_another_free(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("bob", "other")
    await stage.agent("ann", "vip general")
    assert await arrives(stage, "c1", "general") == "w"

    await engine.put_agent("bob", profile("vip"), "{}")

    assert await stage.agent_of("c1") == "ann"


async def test_a_plan_that_lowers_the_figure_sets_agents_free(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=2)
    for name in ("ann", "bob", "cy"):
        await stage.agent(name, "vip general")
    for n in range(4):
        await arrives(stage, f"c{n}", "general")
    assert len(await stage.line("general")) == 3

    await engine.set_plan("lower", {"vip": 1})
    assert len(await stage.line("general")) == 2
    await engine.set_plan("none", {})
    assert len(await stage.line("general")) == 1


async def test_a_plan_that_raises_the_figure_takes_nobody_back(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=0)
    await stage.agent("ann", "vip general")
    assert await arrives(stage, "c1", "general") == "ann"

    await engine.set_plan("more", {"vip": 9})

    assert await stage.state("c1") == "o"


async def test_a_returning_call_respects_it_too(engine: Engine, stage: Stage) -> None:
    await keep(stage, vip=1)
    await stage.agent("gus", "general")
    assert await arrives(stage, "c1", "general") == "gus"
    await stage.agent("ann", "vip general")

    await engine.decline_offer("c1", "gus", (await stage.lease("c1")).offer_id)

    assert await stage.state("c1") == "w"
