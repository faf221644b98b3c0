"""After a decline or a missed offer the pair is avoided, never blocked."""

from __future__ import annotations

from router.store.engine import Engine
from tests.support.stage import SECOND, Stage, owner, queue


async def returned_by(stage: Stage, call_id: str, *agents: str) -> None:
    """The call, offered to the first of these, is declined by each in turn; then all are ready again."""
    for agent_id in agents:
        held = await stage.lease(call_id)
        assert held.agent_id == agent_id
        await stage.engine.decline_offer(call_id, agent_id, held.offer_id)


async def test_another_agent_is_asked_before_the_one_who_declined(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("bob", state="talking")
    await stage.call("c1", queue("vip"))
    await returned_by(stage, "c1", "ann")
    assert (await stage.row("c1")).avoids == ("ann",)

    await engine.complete_call("bob-call")
    await engine.end_wrap_up("bob")

    assert await stage.agent_of("c1") == "bob"


async def test_the_one_who_declined_is_taken_when_there_is_no_other(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.call("c1", queue("vip"))
    await returned_by(stage, "c1", "ann")

    await stage.later(engine.timing.cooling_ms)

    assert await stage.agent_of("c1") == "ann"


async def test_an_agent_passes_over_the_call_they_declined(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.call("c1", queue("vip"))
    await returned_by(stage, "c1", "ann")
    await stage.call("c2", queue("vip"))

    await engine.agent_ready("ann")

    assert await stage.agent_of("c2") == "ann"
    assert await stage.line("vip") == ["c1"]


async def test_other_lanes_and_higher_levels_come_before_an_avoided_call(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip:1 general:2")
    await stage.call("c1", queue("vip"))
    await returned_by(stage, "c1", "ann")
    await stage.call("c2", queue("general"))

    await engine.agent_ready("ann")

    assert await stage.agent_of("c2") == "ann"


async def waits_avoiding(stage: Stage, count: int) -> None:
    """So many calls wait that avoid ann, and behind them one that does not."""
    await stage.agent("ann", state="offline")
    for n in range(count):
        await stage.call(f"call-{n:02}", queue("vip"))
        await stage.channel.call("HSET", stage.keys.call(f"call-{n:02}"), "av", "ann")
    await stage.call("willing", queue("vip"))


async def test_sixteen_heads_are_looked_at(engine: Engine, stage: Stage) -> None:
    await waits_avoiding(stage, 15)
    await engine.agent_ready("ann")
    assert await stage.agent_of("willing") == "ann"


async def test_but_not_a_seventeenth(engine: Engine, stage: Stage) -> None:
    """Then the first is taken, avoided or not."""
    await waits_avoiding(stage, 16)
    await engine.agent_ready("ann")
    assert await stage.agent_of("call-00") == "ann"


async def test_three_agents_are_remembered(engine: Engine, stage: Stage) -> None:
    names = ["ann", "bob", "cy", "dee"]
    for name in names:
        await stage.agent(name)
        await stage.later(1)
    await stage.call("c1", queue("vip"))

    await returned_by(stage, "c1", *names)
    assert (await stage.row("c1")).avoids == ("bob", "cy", "dee")

    for name in reversed(names):
        await engine.agent_ready(name)
        if name == "dee":
            assert await stage.agent_of("c1") == "dee", "nobody else was ready"
            await returned_by(stage, "c1", "dee")
    assert await stage.agent_of("c1") == "cy"


async def test_an_agent_who_returns_a_call_twice_is_remembered_once(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("bob", state="offline")
    await stage.call("c1", queue("vip"))
    for _ in range(2):
        await returned_by(stage, "c1", "ann")
        await engine.agent_ready("ann")

    assert (await stage.row("c1")).avoids == ("ann",)


async def test_the_other_agent_is_found_behind_avoided_ones(engine: Engine, stage: Stage) -> None:
    """A returning call looks past those it avoids, though they have been ready for longer."""
    for name in ("ann", "bob"):
        await stage.agent(name)
        await stage.later(1)
    await stage.agent("dee", state="offline")
    await stage.call("c1", queue("vip"))
    await returned_by(stage, "c1", "ann", "bob")
    await stage.agent("gus", "general")
    await engine.assign_call("c1", "gus", by="sue")
    for name in ("ann", "bob", "dee"):
        await engine.agent_ready(name)
        await stage.later(1)

    await engine.decline_offer("c1", "gus", (await stage.lease("c1")).offer_id)

    assert await stage.agent_of("c1") == "dee"


async def test_an_avoided_last_agent_is_not_preferred(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("bob", state="talking")
    await stage.call("c1", queue("vip"), last_agent="ann")
    await returned_by(stage, "c1", "ann")
    await stage.agent("gus", "general")
    await engine.assign_call("c1", "gus", by="sue")
    await engine.agent_ready("ann")
    await stage.later(SECOND)
    await engine.complete_call("bob-call")
    await engine.end_wrap_up("bob")

    await engine.decline_offer("c1", "gus", (await stage.lease("c1")).offer_id)

    assert await stage.agent_of("c1") == "bob"


async def test_never_in_the_agents_own_lane(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip")
    await stage.call("c1", owner("ann", "wait"), queue("other"))
    await returned_by(stage, "c1", "ann")
    await stage.call("c2", queue("vip"))

    await engine.agent_ready("ann")

    assert await stage.agent_of("c1") == "ann"
    assert await stage.state("c2") == "w"
