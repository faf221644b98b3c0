"""view_call: all that a document is made of, in one read."""

from __future__ import annotations

import asyncio

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Lease, Stage, owner, profile, queue


@answers("OK")
async def test_it_agrees_with_the_record(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.call("c1", owner("ann"), queue("vip", wait_ms=10_000), queue("general"), meta='{"to": "+1 2"}')

    view = await engine.view_call("c1")

    assert view
    assert view.row == await engine.read_call("c1")
    assert (view.expected, view.page, view.ahead) == (None, "", 0)


async def test_the_place_in_line(engine: Engine, stage: Stage) -> None:
    for call_id in ("c1", "c2", "c3"):
        await stage.call(call_id, queue("vip"))
        stage.clock.now_ms += 1

    views = [await engine.view_call(call_id) for call_id in ("c1", "c2", "c3")]

    assert [view.ahead for view in views if view] == [0, 1, 2]


async def test_who_is_waited_for_and_who_has_the_call(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await engine.put_agent("ann", profile("general"), '{"name": "Chen Jie"}')
    view = await engine.view_call(choosing_call)
    assert view
    assert view.card == {"name": "Chen Jie"}

    await engine.put_agent("vic", profile("vip"), '{"name": "Vic Two"}')
    await engine.agent_ready("vic")
    await engine.choose(choosing_call, "transfer")
    view = await engine.view_call(choosing_call)
    assert view
    assert view.card == {"name": "Vic Two"}
    assert view.ahead is None


async def test_the_step_expected(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    stage.left_as_is = True
    await engine.take_step("c1", "hold:4")

    view = await engine.view_call("c1")

    assert view
    assert (view.expected, view.page) == (5, "hold")


async def test_an_ended_call(engine: Engine, stage: Stage, ended_call: str) -> None:
    view = await engine.view_call(ended_call)

    assert view
    assert view.row == await engine.read_call(ended_call)


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    async with stage.nothing_written():
        assert await engine.view_call("ghost") is None


async def test_fifty_at_once(engine: Engine, stage: Stage, waiting_call: str) -> None:
    views = await asyncio.gather(*(engine.view_call(waiting_call) for _ in range(50)))

    assert all(view == views[0] for view in views)
