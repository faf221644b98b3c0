"""read_due: what has come due by the site's own clock, and when the next will."""

from __future__ import annotations

import asyncio

from router.store.engine import Due, Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, START, Stage, queue


@answers("OK")
async def test_nothing_is_due_but_the_next_is_known(engine: Engine, stage: Stage, waiting_call: str) -> None:
    assert await engine.read_due() == Due(START, [], START + 30 * MINUTE)


async def test_an_empty_site_has_no_next(engine: Engine, stage: Stage) -> None:
    assert await engine.read_due() == Due(START, [], None)


async def test_soonest_first_and_ties_by_member(engine: Engine, stage: Stage) -> None:
    await stage.call("b", queue("vip"), max_wait_ms=2 * SECOND)
    await stage.call("a", queue("vip"), max_wait_ms=2 * SECOND)
    await stage.call("z", queue("vip"), max_wait_ms=SECOND)
    await stage.call("later", queue("vip"))
    stage.clock.now_ms += 2 * SECOND

    due = await engine.read_due()

    assert due.entries == [("c:z", START + SECOND), ("c:a", START + 2 * SECOND), ("c:b", START + 2 * SECOND)]
    assert due.now_ms == START + 2 * SECOND


async def test_no_more_than_asked_for(engine: Engine, stage: Stage) -> None:
    for n in range(5):
        await stage.call(f"c{n}", queue("vip"), max_wait_ms=n)
    stage.clock.now_ms += SECOND

    assert [member for member, _ in (await engine.read_due(2)).entries] == ["c:c0", "c:c1"]


async def test_reading_takes_nothing_away(engine: Engine, stage: Stage) -> None:
    """A sweeper that dies between reading and acting loses nothing."""
    await stage.call("c1", queue("vip"), max_wait_ms=SECOND)
    stage.clock.now_ms += SECOND

    first = await stage.repeated(engine.read_due)
    assert first.entries == [("c:c1", START + SECOND)]


async def test_fifty_sweepers_read_the_same(engine: Engine, stage: Stage) -> None:
    for n in range(50):
        await stage.call(f"c{n:02}", queue("vip"), max_wait_ms=SECOND)
    stage.clock.now_ms += SECOND

    replies = await asyncio.gather(*(engine.read_due() for _ in range(50)))

    assert all(reply == replies[0] for reply in replies)
    assert len(replies[0].entries) == 50
