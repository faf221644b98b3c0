"""register_lane: a lane exists from its first call."""

from __future__ import annotations

import asyncio

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import Stage, ladder, queue


@answers("OK")
async def test_a_new_lane_finds_the_profiles_that_serve_it(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip:2", "loans")
    await stage.agent("bob", "vip:1")

    await engine.know_lanes([queue("vip+loans"), queue("vip")])

    assert await engine.lanes() == ["vip", "vip+loans"]
    assert (await stage.offered("c1", queue("vip+loans"))).agent_id == "ann"
    assert (await stage.offered("c2", queue("vip"))).agent_id == "bob"


async def test_registering_twice_is_registering_once(stage: Stage) -> None:
    """Each process registers a lane when it first sees it."""
    await stage.repeated(lambda: stage.another().know_lanes([queue("vip+a")]))
    assert await stage.told() == []


async def test_an_agents_own_lane_needs_none(engine: Engine, stage: Stage) -> None:
    await engine.know_lanes([queue("@ann")])
    assert await engine.lanes() == []


async def test_a_lane_of_a_closed_group_is_served_when_it_opens(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip", "loans")
    await stage.agent("gus", "general", state="talking")
    await engine.close_group("vip")
    await stage.call("c1", queue("vip+loans"), queue("general"))
    assert (await stage.row("c1")).step.name == "general"

    await engine.open_group("vip")

    assert await stage.agent_of("c1") == "ann"


async def test_after_the_server_was_emptied_lanes_are_registered_anew(engine: Engine, stage: Stage) -> None:
    """A process remembers what it registered; a server that lost its scripts may have lost the lanes as well."""
    await stage.call("c0", queue("vip"))
    for key in await stage.dump():
        await stage.channel.call("DEL", stage.keys.own(key))
    await stage.channel.call("SCRIPT", "FLUSH")
    await stage.agent("ann")

    way = ladder(queue("vip"))
    assert (await engine.route_call("c1", way, plan_version="")).agent_id == "ann"


async def test_fifty_processes_at_once(stage: Stage) -> None:
    await stage.agent("ann", "vip", "a", "b", "c")
    lanes = ["vip", "vip+a", "vip+b", "vip+c", "vip+a+b"]
    await asyncio.gather(*(stage.another().know_lanes([queue(lanes[n % 5])]) for n in range(50)))

    assert await stage.engine.lanes() == sorted(lanes)
    for n, lane in enumerate(lanes):
        assert (await stage.offered(f"c{n}", queue(lane))).agent_id == "ann"
        await stage.engine.abandon_call(f"c{n}")
