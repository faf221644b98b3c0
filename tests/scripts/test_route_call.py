"""route_call: a call enters its ladder: offered, asked, or waiting in line. (Which step and whom: the rules_ files.)"""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import PlanMoved, SiteFull
from router.store.call_transitions import Routed
from router.store.engine import Engine
from router.store.script_loader import load_all
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, START, Lease, Stage, ladder, owner, queue


@answers("OK")
async def test_a_call_finds_a_ready_agent(stage: Stage, ready_agent: str) -> None:
    await stage.events()

    routed = await stage.call("c1", queue("vip"), tier="gold", meta='{"from": "x"}', why="gold, no owner")

    assert (routed.created, routed.letter, routed.agent_id) == (True, "o", "ann")
    accepted, offered = await stage.events()
    assert (accepted.type, offered.type) == ("call.accepted", "call.offered")
    assert accepted.text("why") == "gold, no owner"
    assert offered.entry_id == routed.offer_id
    assert (offered.fields["agent"], offered.fields["lane"]) == ("ann", "vip")
    row = await stage.row("c1")
    assert (row.facts.tier, row.facts.kind, row.meta) == ("gold", "j", {"from": "x"})
    assert await stage.deadline("a:ann") == stage.engine.timing.offer_ms
    assert await stage.line("vip") == []


async def test_a_call_waits_where_nobody_is_ready(stage: Stage) -> None:
    routed = await stage.call("c1", queue("vip"), max_wait_ms=MINUTE)

    assert routed == Routed(True, "w")
    assert await stage.line("vip") == ["c1"]
    assert await stage.deadline("c:c1") == MINUTE
    assert await stage.told() == ["call.accepted"]


async def test_the_owner_is_busy_and_the_caller_is_asked(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.events()

    assert (await stage.call("c1", owner("ann"), queue("vip"))).letter == "q"

    assert await stage.line("@ann") == ["c1"]
    assert await stage.deadline("c:c1") == engine.timing.question_ms
    assert await stage.told() == ["call.accepted", "call.owner_busy"]


@answers("SEEN")
async def test_a_retry_is_told_where_the_call_is(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    async with stage.nothing_written():
        assert await stage.call("c1", queue("vip"), head_start_ms=MINUTE) == Routed(False, "o")
    await engine.accept_offer("c1", "ann", offered_call.offer_id)
    await engine.complete_call("c1")
    async with stage.nothing_written():
        assert await stage.call("c1", queue("vip"), identity="li") == Routed(False, "e")


@answers("PLAN_MOVED")
async def test_a_ladder_of_yesterdays_plan_is_refused(engine: Engine, stage: Stage, greeted_call: str) -> None:
    await engine.set_plan("7", {})
    await engine.know_lanes([queue("vip")])

    await stage.refused(PlanMoved, stage.call("c1", queue("vip"), plan_version="6", identity="li"))
    given = dict.fromkeys(load_all()["route_call"].arguments, "1") | {"clock": "v", "plan_version": "6"}
    assert await engine._run("route_call", **given) == ["PLAN_MOVED", "7"], "it says which one holds"
    await stage.refused(PlanMoved, stage.call(greeted_call, queue("vip"), plan_version=""))
    assert (await stage.call("c1", queue("vip"), plan_version="7")).created


@answers("FULL")
async def test_a_full_site_routes_only_calls_it_has_accepted(stage: Stage, greeted_call: str) -> None:
    full = stage.another(hard_limit=1)
    way = ladder(queue("vip"))
    await full.know_lanes(way.steps)

    await stage.refused(SiteFull, full.route_call("c1", way, plan_version="", identity="li"))
    assert (await full.route_call(greeted_call, way, plan_version="")).letter == "w"
    assert not (await full.route_call(greeted_call, way, plan_version="")).created


async def test_a_closed_site_rejects_at_once(stage: Stage) -> None:
    assert (await stage.call("c1")).letter == "e"

    assert await stage.outcome("c1") == "rejected"
    assert await stage.told() == ["call.accepted", "call.ended"]


async def test_a_call_that_ends_at_once_is_remembered_with_all_that_was_known(engine: Engine, stage: Stage) -> None:
    await engine.close_group("vip")
    await stage.call("closed", queue("vip"), meta='{"why": "closed"}')
    await stage.call("rejected", meta='{"why": "rejected"}')

    assert [(await stage.row(c)).meta for c in ("closed", "rejected")] == [{"why": "closed"}, {"why": "rejected"}]


async def test_a_greeted_call_is_rejected_like_any_other(stage: Stage, greeted_call: str) -> None:
    await stage.call(greeted_call, kind="adapter")

    assert await stage.outcome(greeted_call) == "rejected"
    assert await stage.deadline(f"c:{greeted_call}") is None


async def test_a_rejected_call_takes_nothing_from_the_callers_others(stage: Stage, callback: str) -> None:
    """The site is closed for this one; the callback the customer was promised stands."""
    await stage.call("c2", identity="li")
    assert await stage.state(callback) == "w"

    await stage.call("c3", queue("vip"), identity="li")
    assert await stage.outcome(callback) == "superseded"


@pytest.mark.parametrize("head_start_ms", [0, 1, 30 * MINUTE])
async def test_the_head_start_is_in_the_rank(stage: Stage, head_start_ms: int) -> None:
    await stage.call("c1", queue("vip"), head_start_ms=head_start_ms)

    rank = (await stage.row("c1")).rank
    assert rank is not None
    assert rank // 1000 == START - head_start_ms
    assert rank < 2**53


async def test_a_gold_caller_passes_those_who_came_within_the_head_start(stage: Stage) -> None:
    await stage.call("early", queue("vip"))
    await stage.later(MINUTE)
    await stage.call("plain", queue("vip"))
    await stage.later(MINUTE)
    await stage.call("gold", queue("vip"), head_start_ms=90 * SECOND)
    await stage.call("late", queue("vip"))

    assert await stage.line("vip") == ["early", "gold", "plain", "late"]


async def test_calls_of_one_millisecond_keep_their_order(stage: Stage) -> None:
    names = [f"call-{n}" for n in (3, 1, 2, 9, 4)]
    for name in names:
        await stage.call(name, queue("vip"))

    assert await stage.line("vip") == names


async def test_a_lost_answer_after_a_restart_of_the_scripts(engine: Engine, stage: Stage) -> None:
    """The server forgot every script: the engine sends the text, once, and the call is routed."""
    await engine.connection.call("SCRIPT", "FLUSH")

    assert (await stage.call("c1", queue("vip"))).created
    assert await stage.told() == ["call.accepted"]


async def test_fifty_callers_and_twenty_agents_at_once(engine: Engine, stage: Stage) -> None:
    for n in range(20):
        await stage.agent(f"agent-{n:02}", state="offline")
    await engine.know_lanes([queue("vip")])
    calls = [stage.call(f"call-{n:02}", queue("vip")) for n in range(50)]
    comings = [engine.agent_ready(f"agent-{n:02}") for n in range(20)]
    mixed = [request for n, call in enumerate(calls) for request in ([call, comings[n]] if n < 20 else [call])]

    await asyncio.gather(*mixed)

    rows = [await stage.row(f"call-{n:02}") for n in range(50)]
    offered = [row for row in rows if row.letter == "o"]
    assert len(offered) == 20
    assert len({row.agent_id for row in offered}) == 20
    assert len(await stage.line("vip")) == 30


async def test_fifty_requests_for_one_call_make_one_call(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("bob")

    replies = await asyncio.gather(*(stage.call("c1", queue("vip")) for _ in range(50)))

    assert sum(reply.created for reply in replies) == 1
    assert (await stage.agent_row("bob")).state == "ready"
    assert (await stage.told()).count("call.offered") == 1
