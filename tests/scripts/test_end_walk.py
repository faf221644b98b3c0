"""end_walk: every waiting call has been shown the new plan."""

from __future__ import annotations

import asyncio

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Stage


@answers("OK")
async def test_the_plans_deadline_leaves_when_the_walk_is_done(engine: Engine, stage: Stage) -> None:
    await engine.set_plan("7", {})
    assert await stage.deadline("p:7") == 0
    await stage.events()

    await stage.repeated(lambda: engine.end_walk("7"))

    assert await stage.deadline("p:7") is None
    assert await stage.told() == []


async def test_a_newer_plans_walk_is_not_ended_by_an_older_one(engine: Engine, stage: Stage) -> None:
    await engine.set_plan("7", {})
    await engine.set_plan("8", {})

    await engine.end_walk("7")

    assert await stage.deadline("p:8") == 0


async def test_a_walk_that_was_never_begun(engine: Engine, stage: Stage) -> None:
    async with stage.nothing_written():
        await engine.end_walk("9")


async def test_a_process_that_dies_in_the_middle_leaves_it_to_the_next(engine: Engine, stage: Stage) -> None:
    """The due entry leaves only with the work: what calls on the plan is asked again until it has ended the walk."""
    asked = []

    async def dies(version: str) -> None:
        asked.append(version)

    engine.on_plan = dies
    await engine.set_plan("7", {})
    for _ in range(2):
        (entry,) = (await engine.read_due()).entries
        await engine.run_due(*entry)
    assert asked == ["7", "7"]

    engine.on_plan = None
    await engine.run_due("p:7", stage.clock.now_ms)
    assert (await engine.read_due()).entries == []


async def test_fifty_at_once_end_one_walk(engine: Engine, stage: Stage) -> None:
    await engine.set_plan("7", {})
    await asyncio.gather(*(engine.end_walk("7") for _ in range(50)))
    assert await stage.deadline("p:7") is None
