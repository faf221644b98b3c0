"""end_wrap_up: the agent has written it all down before the time was up."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import UnknownAgent
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Stage, queue


@answers("OK")
async def test_the_agent_takes_the_next_caller(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="wrapping")
    await stage.call("c1", queue("vip"))
    await stage.events()

    assert await stage.repeated(lambda: engine.end_wrap_up("ann")) == "o"

    assert await stage.agent_of("c1") == "ann"
    assert await stage.told() == ["call.offered"]


async def test_or_is_ready_from_now_on(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="wrapping")
    await stage.later(SECOND)

    assert await engine.end_wrap_up("ann") == "r"

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.ready_since_ms) == ("ready", stage.clock.now_ms)
    assert await stage.deadline("a:ann") is None


@pytest.mark.parametrize("goal", ["break", "offline"])
async def test_a_break_asked_for_is_kept(engine: Engine, stage: Stage, goal: str) -> None:
    await stage.agent("ann", state="talking")
    await engine.agent_away("ann", goal, "lunch")
    await engine.complete_call("ann-call")
    await stage.call("c1", queue("vip"))
    await stage.events()

    assert await stage.repeated(lambda: engine.end_wrap_up("ann")) == goal[0].replace("o", "x")

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.next_state, agent.reason) == (goal, None, "lunch")
    assert await stage.told() == ["agent.away"]
    assert await stage.state("c1") == "w"


@pytest.mark.parametrize("state", ["offline", "ready", "break", "offered", "talking", "cooling"])
async def test_one_who_does_not_wrap_up_is_left_alone(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state=state)

    async with stage.nothing_written():
        letter = await engine.end_wrap_up("ann")
    assert letter == (await stage.agent_row("ann")).letter


@answers("UNKNOWN")
async def test_nobody_knows_the_agent(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownAgent, engine.end_wrap_up("ghost"))


async def test_fifty_at_once_take_one_caller_each(engine: Engine, stage: Stage) -> None:
    for n in range(25):
        await stage.agent(f"agent-{n:02}", state="wrapping")
    for n in range(10):
        await stage.call(f"call-{n}", queue("vip"))

    await asyncio.gather(*(engine.end_wrap_up(f"agent-{n:02}") for n in range(25) for _ in range(2)))

    assert [await stage.agent_of(f"call-{n}") for n in range(10)] == [f"agent-{n:02}" for n in range(10)]
