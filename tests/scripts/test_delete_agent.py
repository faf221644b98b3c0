"""delete_agent: an agent leaves the house."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from router.domain.errors import AgentEngaged, StaleEdit, UnknownAgent
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Stage, owner, queue


@answers("OK")
@pytest.mark.parametrize("state", ["offline", "ready", "break", "wrapping", "cooling"])
async def test_nothing_of_the_agent_is_left(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state=state)
    await stage.events()

    await engine.delete_agent("ann")

    assert await stage.told() == ["agent.deleted"]
    assert await engine.agent_ids() == []
    assert await engine.read_agent("ann") is None
    assert [key for key in await stage.dump() if key[:2] in ("a:", "d:", "i:")] == []
    assert await stage.deadline("a:ann") is None
    assert (await stage.call("c1", queue("vip"))).letter == "w"


@answers("ENGAGED")
@pytest.mark.parametrize("state", ["offered", "talking"])
async def test_one_who_has_a_caller_stays(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state=state)

    await stage.refused(AgentEngaged, engine.delete_agent("ann"))


@answers("UNKNOWN")
async def test_nobody_knows_the_agent(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownAgent, engine.delete_agent("ghost"))
    await stage.agent("ann")
    await engine.delete_agent("ann")
    await stage.refused(UnknownAgent, engine.delete_agent("ann"))


@answers("STALE", "OK")
async def test_one_changed_since_it_was_read_stays(engine: Engine, stage: Stage, ready_agent: str) -> None:
    await stage.refused(StaleEdit, engine.delete_agent("ann", expected='{"name": "Ann"}'))
    await engine.delete_agent("ann", expected="{}")


async def test_callers_who_waited_for_them_go_on(engine: Engine, stage: Stage) -> None:
    """One was told to wait for ann, one is being asked, one has nobody else."""
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", state="talking")
    await stage.call("told", owner("ann", "wait"), queue("vip"))
    await stage.call("asked", owner("ann"), queue("vip"))
    await stage.call("stuck", owner("ann"))
    await engine.complete_call("ann-call")

    await engine.delete_agent("ann")
    assert await stage.deadline("l:@ann") == 0
    await stage.later(0)

    for call_id in ("told", "asked"):
        row = await stage.row(call_id)
        assert (row.letter, row.step.name) == ("w", "vip")
    assert await stage.state("stuck") == "w"


async def test_the_last_of_a_lane_leaves_it_to_the_next_step(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="wrapping")
    await stage.call("c1", queue("vip"), queue("general"))
    assert (await stage.row("c1")).step.name == "vip"

    await engine.delete_agent("ann")
    await stage.later(0)

    assert (await stage.row("c1")).step.name == "general"


async def test_one_off_duty_takes_nobody_with_them(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="wrapping")
    await stage.agent("off", state="break")
    await stage.call("c1", queue("vip"), queue("general"))

    await engine.delete_agent("off")

    assert await stage.deadline("l:vip") is None


async def test_one_put_again_is_new(engine: Engine, stage: Stage, ready_agent: str) -> None:
    await engine.delete_agent("ann")
    await stage.agent("ann", state="offline")

    assert (await stage.agent_row("ann")).state == "offline"


async def test_fifty_deletions_among_fifty_callers(engine: Engine, stage: Stage) -> None:
    for n in range(50):
        await stage.agent(f"agent-{n:02}")
    await engine.know_lanes([queue("vip")])
    requests: list[Awaitable[object]] = []
    for n in range(50):
        requests += [stage.call(f"call-{n:02}", queue("vip")), engine.delete_agent(f"agent-{49 - n:02}")]

    results = await asyncio.gather(*requests, return_exceptions=True)

    gone = sum(result is None for result in results)
    kept = sum(isinstance(result, AgentEngaged) for result in results)
    assert (gone + kept, kept) == (50, 25)
    assert len(await engine.agent_ids()) == kept
