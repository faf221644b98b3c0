"""take_step: a carrier's request is answered once, whatever is sent again or comes late."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import StepGone, StepRepeated
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Stage


@pytest.fixture(autouse=True)
def documents_stay(stage: Stage) -> None:
    """They expire by themselves, after a day or with the timeline of their call."""
    stage.left_as_is = True


@answers("OK")
async def test_steps_are_counted(engine: Engine, stage: Stage) -> None:
    for number in (1, 2, 3):
        await engine.take_step("c1", f"hold:{number}")

    key = stage.keys.documents("c1")
    assert await stage.channel.call("HMGET", key, "n", "at") == [b"4", b"hold"]
    assert 86_000_000 < await stage.channel.call("PTTL", key) <= 86_400_000


async def test_what_goes_soon_is_not_kept_by_a_late_request(engine: Engine, stage: Stage) -> None:
    await engine.take_step("c1", "hold:1")
    key = stage.keys.documents("c1")
    await stage.channel.call("PEXPIRE", key, 60_000)

    await engine.take_step("c1", "left/1")

    assert 0 < await stage.channel.call("PTTL", key) <= 60_000


@answers("REPEAT")
async def test_a_carriers_retry(engine: Engine, stage: Stage) -> None:
    await engine.take_step("c1", "hold:1")

    await stage.refused(StepRepeated, engine.take_step("c1", "hold:1"))
    await engine.take_step("c1", "key:2")
    await stage.refused(StepRepeated, engine.take_step("c1", "hold:1"))


@answers("LATE")
async def test_a_step_that_never_was_and_one_that_is_over(engine: Engine, stage: Stage) -> None:
    await engine.take_step("c1", "hold:1")

    await stage.refused(StepGone, engine.take_step("c1", "hold:7"))
    await stage.refused(StepGone, engine.take_step("c1", "key:1"))


async def test_what_is_asked_for_once_counts_no_step(engine: Engine, stage: Stage) -> None:
    await engine.take_step("c1", "hold:1")

    await engine.take_step("c1", "left/1")
    await stage.refused(StepRepeated, engine.take_step("c1", "left/1"))

    assert await stage.channel.call("HMGET", stage.keys.documents("c1"), "n", "at") == [b"2", b"left"]


async def test_another_leg_does_not_move_the_caller(engine: Engine, stage: Stage) -> None:
    await engine.take_step("c1", "hold:1")

    await engine.take_step("c1", "whisper@1-0")

    assert await stage.channel.call("HGET", stage.keys.documents("c1"), "at") == b"hold"


async def test_fifty_retries_at_once_take_one_step(engine: Engine, stage: Stage) -> None:
    results = await asyncio.gather(*(engine.take_step("c1", "hold:1") for _ in range(50)), return_exceptions=True)

    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, StepRepeated) for result in results) == 49
