"""amend_call: what is added to a call's cold fields overwrites nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from router.domain.errors import UnknownCall
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Stage, queue


async def meta(stage: Stage, call_id: str = "c1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await stage.channel.call("GET", stage.keys.meta(call_id)))
    return found


@answers("OK")
async def test_many_add_at_once(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), meta='{"to":"+12025550100"}')

    await asyncio.gather(*(engine.amend_call("c1", {f"n{number}": f'"{number}",}}'}) for number in range(50)))

    assert await meta(stage) == {"to": "+12025550100"} | {f"n{number}": f'"{number}",}}' for number in range(50)}


async def test_the_newer_value_counts_and_a_repeat_adds_nothing(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"))
    await engine.amend_call("c1", {"notes": "one"})
    await stage.repeated(lambda: engine.amend_call("c1", {"notes": "二"}))
    assert await meta(stage) == {"notes": "二"}


async def test_what_will_be_forgotten_still_is(engine: Engine, stage: Stage, ended_call: str) -> None:
    await engine.amend_call(ended_call, {"notes": "late"})
    assert await stage.channel.call("PTTL", stage.keys.meta(ended_call)) > 0


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    async with stage.nothing_written():
        with pytest.raises(UnknownCall):
            await engine.amend_call("ghost", {"notes": "x"})
