"""set_plan: a new version of the plan holds: ladders made with an older one are refused from now on."""

from __future__ import annotations

import asyncio

from router.domain.errors import PlanMoved
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Stage, queue


@answers("OK")
async def test_a_new_plan_holds_from_now_on(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.events()

    await stage.repeated(lambda: engine.set_plan("7", {"vip": 2, "none": 0}, by="sue"))

    (event,) = await stage.events()
    assert (event.type, event.fields["version"], event.fields["by"]) == ("plan.published", "7", "sue")
    assert await stage.deadline("p:7") == 0, "waiting calls are shown the new plan"
    await stage.refused(PlanMoved, stage.call("c2", queue("vip"), plan_version="6"))
    assert (await stage.call("c2", queue("vip"), plan_version="7")).created


async def test_waiting_calls_and_offers_stand(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    held = await stage.offered("c1", queue("vip"))
    await stage.call("c2", queue("vip"))
    before = await stage.row("c2")

    await engine.set_plan("7", {"vip": 5})

    assert await stage.row("c2") == before
    assert await engine.accept_offer("c1", "ann", held.offer_id) == "c"


async def test_the_walk_of_a_plan_nobody_carries_out_ends_by_itself(engine: Engine, stage: Stage) -> None:
    await engine.set_plan("7", {})
    await stage.later(0)
    assert await stage.deadline("p:7") is None


async def test_fifty_processes_publish_it_once(engine: Engine, stage: Stage) -> None:
    await asyncio.gather(*(stage.another().set_plan("7", {"vip": 1}) for _ in range(50)))
    assert await stage.told() == ["plan.published"]


async def test_plans_and_callers_at_once(engine: Engine, stage: Stage) -> None:
    """Every caller is routed by the plan that held in that moment, or told that it has moved."""
    await engine.know_lanes([queue("vip")])
    requests = []
    for n in range(25):
        requests += [engine.set_plan(f"{n}", {}), stage.call(f"c{n:02}", queue("vip"), plan_version=f"{n}")]
        requests += [stage.call(f"d{n:02}", queue("vip"), plan_version=f"{n - 1}")]

    results = await asyncio.gather(*requests, return_exceptions=True)

    assert sum(isinstance(result, PlanMoved) for result in results) == 25
    assert await stage.line("vip") == [f"c{n:02}" for n in range(25)]
