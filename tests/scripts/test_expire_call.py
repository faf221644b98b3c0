"""expire_call: a deadline of the call itself is due: its question, its step, or its whole wait."""

from __future__ import annotations

import asyncio

import pytest

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Stage, queue


@answers("OK")
async def test_the_next_step_is_entered_in_time(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip", wait_ms=10 * SECOND), queue("general"))
    await stage.events()

    await stage.later(10 * SECOND)

    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("general", ("vip", "general"))
    assert await stage.deadline("c:c1") == 30 * MINUTE - 10 * SECOND
    (event,) = await stage.events()
    assert (event.type, event.fields["entered"]) == ("call.widened", "general")


async def test_the_next_step_may_have_a_ready_agent(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general")
    await stage.call("c1", queue("vip", wait_ms=10 * SECOND), queue("general"))

    await stage.later(10 * SECOND)

    assert await stage.agent_of("c1") == "gus"
    assert await stage.line("vip") == []


async def test_the_longest_wait_is_the_exit(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.events()
    await stage.later(30 * MINUTE)

    assert await stage.outcome("c1") == "overflowed_out"
    assert await stage.line("vip") == []
    (event,) = await stage.events()
    assert (event.type, event.fields["cause"]) == ("call.ended", "max_wait")


async def test_a_callback_is_missed_after_a_day(engine: Engine, stage: Stage, callback: str) -> None:
    await stage.later(engine.timing.callback_ms - 1)
    assert await stage.state(callback) == "w"
    await stage.later(1)

    assert await stage.outcome(callback) == "missed"
    assert await stage.line("vip") == []


async def test_while_offered_nothing_happens_but_the_record_remembers(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic")
    await stage.agent("gus", "general", state="talking")
    await stage.offered("c1", queue("vip", wait_ms=5 * SECOND), queue("general"))
    await stage.events()

    await stage.later(5 * SECOND)
    assert (await stage.row("c1")).lanes == ("vip",)
    assert await stage.told() == []
    assert await stage.deadline("c:c1") is None

    await stage.later(engine.timing.offer_ms)
    assert (await stage.row("c1")).lanes == ("vip", "general")
    assert await stage.deadline("c:c1") is not None


@answers("NOT_DUE")
async def test_a_sweeper_that_read_an_old_deadline_does_nothing(
    engine: Engine, stage: Stage, waiting_call: str, ended_call: str
) -> None:
    for call_id in (waiting_call, ended_call, "ghost"):
        async with stage.nothing_written():
            await engine.run_due(f"c:{call_id}", stage.clock.now_ms + SECOND)


@pytest.mark.parametrize("kind", ["api", "adapter"])
async def test_a_deadline_that_a_taken_call_does_not_need(engine: Engine, stage: Stage, kind: str) -> None:
    """It is taken away, and nothing else happens."""
    await stage.agent("ann")
    held = await stage.connected("c1", queue("vip"), kind=kind)
    await stage.channel.call("ZADD", stage.keys.deadlines, stage.clock.now_ms - 1, "c:c1")

    await engine.run_due("c:c1", stage.clock.now_ms)

    assert await stage.deadline("c:c1") is None
    assert await stage.lease("c1") == held


async def test_fifty_sweepers_take_one_step(engine: Engine, stage: Stage) -> None:
    for name, group in (("vic", "vip"), ("bob", "b"), ("cy", "c")):
        await stage.agent(name, group, state="talking")
    await stage.call("c1", queue("vip", wait_ms=SECOND), queue("b", wait_ms=SECOND), queue("c"))
    await stage.events()
    due = stage.clock.now_ms + SECOND

    await asyncio.gather(*(engine.run_due("c:c1", due) for _ in range(50)))

    assert (await stage.row("c1")).lanes == ("vip", "b")
    assert await stage.told() == ["call.widened"]


async def test_fifty_callers_fall_due_in_one_flush(engine: Engine, stage: Stage) -> None:
    """Ten ready agents of the next step: ten are taken, forty stand there in their order."""
    await stage.agent("vic", state="talking")
    for n in range(10):
        await stage.agent(f"agent-{n}", "general")
    for n in range(50):
        await stage.call(f"call-{n:02}", queue("vip", wait_ms=SECOND), queue("general"))
    due = stage.clock.now_ms + SECOND

    await asyncio.gather(*(engine.run_due(f"c:call-{n:02}", due) for n in range(50)))

    assert len({await stage.agent_of(f"call-{n:02}") for n in range(10)}) == 10
    assert await stage.line("general") == [f"call-{n:02}" for n in range(10, 50)]
