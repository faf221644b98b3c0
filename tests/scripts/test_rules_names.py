"""Ids may hold any of `A-Za-z0-9._:@+=/-`: what means something to Lua's patterns means nothing in a name."""

from __future__ import annotations

import pytest

from router.store.engine import Engine
from tests.support.stage import Stage, owner, queue

AGENTS = ["agent-7", "a.b", "-", "a_b-c.d", "x"]
GROUPS = ["vip-1", "v.p", "a_b-c", "-."]


@pytest.mark.parametrize("name", AGENTS)
async def test_an_agent_of_that_name_is_avoided_and_no_other(engine: Engine, stage: Stage, name: str) -> None:
    other = "axb" if name == "a.b" else "agentX7"
    await stage.agent(name)
    await stage.agent(other, state="talking")
    held = await stage.offered("c1", queue("vip"))
    await engine.decline_offer("c1", name, held.offer_id)
    await stage.call("c2", queue("vip"))

    await engine.agent_ready(name)
    assert await stage.agent_of("c2") == name
    await engine.complete_call(f"{other}-call")
    await engine.end_wrap_up(other)
    assert await stage.agent_of("c1") == other


@pytest.mark.parametrize("name", AGENTS)
async def test_a_returning_call_avoids_an_agent_of_that_name(engine: Engine, stage: Stage, name: str) -> None:
    await stage.agent(name)
    await stage.agent("gus", "general")
    await stage.agent("second", state="offline")
    held = await stage.offered("c1", queue("vip"))
    await engine.decline_offer("c1", name, held.offer_id)
    await engine.assign_call("c1", "gus", by="sue")
    await engine.agent_ready(name)
    await stage.later(1)
    await engine.agent_ready("second")

    await engine.decline_offer("c1", "gus", (await stage.lease("c1")).offer_id)

    assert await stage.agent_of("c1") == "second"


@pytest.mark.parametrize("name", AGENTS)
async def test_an_owner_of_that_name(engine: Engine, stage: Stage, name: str) -> None:
    await stage.agent(name, "own", state="talking")
    await stage.call("c1", owner(name), queue("vip"))
    await engine.choose("c1", "wait")
    await stage.call("c2", queue("vip"))
    await stage.repeated(lambda: engine.assign_call("c2", name, by="sue"))
    assert await stage.line(f"@{name}") == ["c1", "c2"]

    await engine.complete_call(f"{name}-call")
    await engine.end_wrap_up(name)

    assert await stage.agent_of("c1") == name


@pytest.mark.parametrize("name", GROUPS)
async def test_a_group_of_that_name(engine: Engine, stage: Stage, name: str) -> None:
    await engine.set_plan("1", {name: 1})
    await stage.agent("ann", f"{name} general", "zh-CN", "a.b")
    for lane in (name, f"{name}+zh-CN", f"{name}+a.b+zh-CN"):
        assert (await stage.call(f"c:{lane}", queue(lane), plan_version="1")).agent_id == "ann"
        await engine.abandon_call(f"c:{lane}")
    assert (await stage.call("c1", queue("general"), plan_version="1")).letter == "w", "keep_free"

    await engine.close_group(name.replace(".", "x").replace("-", "x"))
    assert (await stage.call("c0", queue(name), plan_version="1")).letter == "o", "another name that looks alike"
    await engine.abandon_call("c0")
    await stage.repeated(lambda: engine.close_group(name))
    assert (await stage.call("c2", queue(name), plan_version="1")).letter == "e"
    assert (await stage.call("c3", queue(f"{name}+a.b"), plan_version="1")).letter == "e"
    await engine.open_group(name)
    assert (await stage.call("c4", queue(f"{name}+a.b"), plan_version="1")).agent_id == "ann"


@pytest.mark.parametrize("call_id", ["a" * 128, "A-Za-z0-9._:@+=/-", "c:c1", "l:vip", "p:1", "g:vip", "-1"])
async def test_a_call_of_that_name(engine: Engine, stage: Stage, call_id: str) -> None:
    """Its deadline is told apart from those of lanes, groups and plans."""
    await stage.agent("ann")
    held = await stage.offered(call_id, queue("vip"), max_wait_ms=60_000)
    await engine.decline_offer(call_id, "ann", held.offer_id)
    await engine.agent_away("ann", "break")
    assert await stage.line("vip") == [call_id]

    await stage.later(60_000)

    assert await stage.outcome(call_id) == "overflowed_out"
