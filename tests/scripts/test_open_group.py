"""open_group: a closed group serves again, by a supervisor's word or because its time has come."""

from __future__ import annotations

import asyncio

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Stage, owner, queue


@answers("OK")
async def test_its_ready_agents_find_those_who_waited(engine: Engine, stage: Stage) -> None:
    await stage.agent("gus", "general", state="talking")
    await engine.close_group("vip")
    for name, skills in (("vic", ()), ("bob", ()), ("cy", ("loans",))):
        await stage.agent(name, "vip", *skills)
        await stage.later(1)
    for n in range(4):
        await stage.call(f"c{n}", queue("vip"), queue("general"))
    await stage.events()

    await engine.open_group("vip", by="sue")

    assert [await stage.agent_of(f"c{n}") for n in range(4)] == ["vic", "bob", "cy", None]
    assert await stage.line("vip") == ["c3"]
    assert await stage.told() == ["group.opened", "call.offered", "call.offered", "call.offered"]


async def test_keep_free_still_holds(engine: Engine, stage: Stage) -> None:
    await engine.set_plan("keep", {"other": 1})
    await engine.close_group("vip")
    await stage.agent("ann", "vip other")
    await stage.agent("gus", "general", state="break")
    await stage.call("c1", queue("vip"), queue("general"), plan_version="keep")

    await engine.open_group("vip")

    assert await stage.state("c1") == "w"


async def test_opening_twice_is_opening_once(engine: Engine, stage: Stage) -> None:
    await engine.close_group("vip")
    await stage.repeated(lambda: engine.open_group("vip"))


async def test_one_of_several_opens(engine: Engine, stage: Stage) -> None:
    for group in ("a", "b", "c"):
        await engine.close_group(group)
    await engine.open_group("b")
    assert await engine.closed_groups() == ["a", "c"]
    await engine.open_group("c")
    await engine.open_group("a")
    assert await engine.closed_groups() == []


async def test_once_all_are_open_nobody_is_sent_away_as_from_a_closed_one(engine: Engine, stage: Stage) -> None:
    """Also not who waits for an agent of their own alone, and that one is away."""
    await engine.close_group("vip")
    await engine.open_group("vip")
    await stage.call("c1", owner("nobody"))
    assert await stage.state("c1") == "w"
    assert await stage.line("@nobody") == ["c1"]


async def test_opening_an_open_group_does_nothing(engine: Engine, stage: Stage) -> None:
    async with stage.nothing_written():
        await engine.open_group("vip")


async def test_opening_by_hand_forgets_the_time(engine: Engine, stage: Stage) -> None:
    await engine.close_group("vip", until_ms=stage.clock.now_ms + MINUTE)
    await engine.open_group("vip")

    assert await stage.deadline("g:vip") is None


@answers("NOT_DUE")
async def test_a_sweeper_that_read_an_old_deadline_opens_nothing(engine: Engine, stage: Stage) -> None:
    """The time was moved between its reading and its script; or the group has no time at all."""
    due = stage.clock.now_ms + MINUTE
    await engine.close_group("vip", until_ms=due + MINUTE)
    async with stage.nothing_written():
        await engine.run_due("g:vip", due)
    assert await engine.closed_groups() == ["vip"]

    await engine.close_group("vip")
    await stage.later(2 * MINUTE)
    async with stage.nothing_written():
        await engine.run_due("g:vip", due + MINUTE)


async def test_the_time_of_a_group_that_is_open_is_forgotten(engine: Engine, stage: Stage) -> None:
    """Or a sweeper would come back to it for ever."""
    await stage.channel.call("ZADD", stage.keys.deadlines, stage.clock.now_ms, "g:vip")
    await engine.run_due("g:vip", stage.clock.now_ms)

    assert await stage.deadline("g:vip") is None
    assert await stage.told() == []


async def test_a_time_that_has_passed_already_opens_at_once(engine: Engine, stage: Stage) -> None:
    await engine.close_group("vip", until_ms=stage.clock.now_ms - SECOND)
    await stage.later(0)
    assert await engine.closed_groups() == []


async def test_fifty_sweepers_open_it_once(engine: Engine, stage: Stage) -> None:
    due = stage.clock.now_ms
    await engine.close_group("vip", until_ms=due)
    await asyncio.gather(*(engine.run_due("g:vip", due) for _ in range(50)))

    assert (await stage.told()).count("group.opened") == 1
