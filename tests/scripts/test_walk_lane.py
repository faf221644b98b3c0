"""walk_lane: a lane lost its last agent or its group was closed: those whose current step nobody serves go on."""

from __future__ import annotations

import asyncio

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Stage, owner, queue

MANY = 250


async def deserted_by_vic(stage: Stage, calls: int) -> list[str]:
    """So many calls wait in vip for vic alone, who is gone now; the lane is to be walked."""
    await stage.agent("vic", state="wrapping")
    names = [f"call-{n:03}" for n in range(calls)]
    for name in names:
        await stage.call(name, queue("vip"), queue("general"))
    await stage.engine.delete_agent("vic")
    return names


async def step(stage: Stage, after: str = "-inf") -> list[str]:
    return await stage.engine._run("walk_lane", lane="vip", after=after)


@answers("DONE")
async def test_callers_go_on_and_keep_the_lane(engine: Engine, stage: Stage) -> None:
    await deserted_by_vic(stage, 3)
    await stage.events()

    await stage.later(0)

    for n in range(3):
        assert (await stage.row(f"call-{n:03}")).lanes == ("vip", "general")
    assert await stage.line("general") == await stage.line("vip") == [f"call-{n:03}" for n in range(3)]
    assert await stage.deadline("l:vip") is None
    assert await stage.told() == ["call.widened"] * 3


async def test_those_whose_step_is_another_stay(engine: Engine, stage: Stage) -> None:
    """They stand in vip as well, but wait for general, for two groups at once, or in their last step."""
    await stage.agent("vic", state="wrapping")
    await stage.agent("gus", "general", state="talking")
    await stage.call("further", queue("vip", max_waiting=0), queue("general"), queue("other"))
    await stage.call("both", queue("vip", "general"), queue("other"))
    await stage.call("last", queue("vip"))
    before = [await stage.row(call_id) for call_id in ("further", "both", "last")]

    await engine.delete_agent("vic")
    await stage.later(0)

    assert [await stage.row(call_id) for call_id in ("further", "both", "last")] == before


async def test_ready_agents_of_the_next_step_take_them_in_order(engine: Engine, stage: Stage) -> None:
    names = await deserted_by_vic(stage, 5)
    await stage.agent("gus", "general")
    await stage.agent("gil", "general")

    await stage.later(0)

    assert [await stage.agent_of(name) for name in names] == ["gil", "gus", None, None, None]
    assert await stage.line("vip") == names[2:]


@answers("MORE", "DONE")
async def test_a_hundred_calls_a_script(engine: Engine, stage: Stage) -> None:
    names = await deserted_by_vic(stage, MANY)

    words = await step(stage)
    assert words[0] == "MORE"
    assert len(await stage.line("general")) == 100
    assert await stage.deadline("l:vip") == 0
    words = await step(stage, words[1])
    assert words[0] == "MORE"
    assert (await step(stage, words[1]))[0] == "DONE"

    assert await stage.line("general") == await stage.line("vip") == names
    assert (await stage.told()).count("call.widened") == MANY
    assert await stage.deadline("l:vip") is None


async def test_a_dead_sweepers_walk_is_begun_anew(engine: Engine, stage: Stage) -> None:
    names = await deserted_by_vic(stage, MANY)
    await step(stage)

    await stage.later(0)

    assert await stage.line("general") == names
    assert (await stage.told()).count("call.widened") == MANY, "nobody is walked on twice"


async def test_somebody_comes_on_duty_in_the_middle(engine: Engine, stage: Stage) -> None:
    """The walk ends: those not walked on yet wait for the newcomer."""
    names = await deserted_by_vic(stage, MANY)
    words = await step(stage)
    await stage.agent("new", "vip")
    assert await stage.agent_of(names[0]) == "new"

    assert (await step(stage, words[1]))[0] == "DONE"

    assert await stage.line("general") == names[1:100]


async def test_calls_that_are_taken_in_the_middle_are_not_skipped_over(engine: Engine, stage: Stage) -> None:
    """The rank to go on from is no position: calls that left the lane shift nobody past the walk."""
    names = await deserted_by_vic(stage, MANY)
    words = await step(stage)
    for name in names[:120]:
        await engine.abandon_call(name)

    while words[0] == "MORE":
        words = await step(stage, words[1])

    assert await stage.line("general") == names[120:]


async def test_exactly_a_hundred(engine: Engine, stage: Stage) -> None:
    names = await deserted_by_vic(stage, 100)
    await stage.later(0)

    assert await stage.line("general") == names
    assert await stage.deadline("l:vip") is None


async def test_the_step_after_next_when_the_next_is_deserted_too(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="wrapping")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip"), queue("nobody"), queue("general", wait_ms=SECOND), queue("last"))
    await engine.delete_agent("vic")
    await stage.later(0)

    assert (await stage.row("c1")).lanes == ("vip", "nobody", "general")


async def test_the_owners_lane_is_walked_too(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "own", state="cooling")
    await stage.call("asked", owner("ann"), queue("vip"))
    await stage.call("told", owner("ann", "wait"), queue("vip"))
    await stage.call("last", owner("ann"))
    await engine.agent_away("ann", "offline")
    await stage.later(0)

    assert [(await stage.row(c)).lanes for c in ("asked", "told", "last")] == [
        ("@ann", "vip"),
        ("@ann", "vip"),
        ("@ann",),
    ]


async def test_callbacks_that_do_not_widen_stay(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="wrapping")
    for name, widen in (("stays", False), ("goes", True)):
        await stage.call(f"{name}-call", queue("vip"), queue("general"))
        await engine.keep_place(f"{name}-call", name, widen=widen)
    await engine.delete_agent("vic")
    await stage.later(0)

    assert (await stage.row("stays")).lanes == ("vip",)
    assert (await stage.row("goes")).lanes == ("vip", "general")


@answers("NOT_DUE")
async def test_a_walk_that_another_has_done(engine: Engine, stage: Stage) -> None:
    await deserted_by_vic(stage, 3)
    due = stage.clock.now_ms
    await stage.later(MINUTE)

    async with stage.nothing_written():
        await engine.run_due("l:vip", due)


async def test_a_lane_that_is_served_again_is_left_alone(engine: Engine, stage: Stage) -> None:
    names = await deserted_by_vic(stage, 3)
    await stage.agent("vic", "vip")
    await stage.later(0)

    assert await stage.agent_of(names[0]) == "vic"
    assert [(await stage.row(name)).lanes for name in names[1:]] == [("vip",), ("vip",)]
    assert await stage.deadline("l:vip") is None


async def test_fifty_walkers_at_once_walk_each_caller_once(engine: Engine, stage: Stage) -> None:
    await deserted_by_vic(stage, 120)
    due = stage.clock.now_ms
    await stage.events()

    await asyncio.gather(*(engine.run_due("l:vip", due) for _ in range(50)))

    assert (await stage.told()).count("call.widened") == 120
    assert len(await stage.line("general")) == 120
