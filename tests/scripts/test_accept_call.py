"""accept_call: a call is here and its time is fixed; whose it is and where it goes is found out later."""

from __future__ import annotations

import asyncio

from router.domain.errors import SiteFull
from router.store.call_transitions import Routed
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, START, Stage, queue


@answers("OK")
async def test_a_call_is_greeted_from_the_moment_it_comes(engine: Engine, stage: Stage) -> None:
    greeted = await engine.accept_call("c1", max_wait_ms=MINUTE, meta='{"to": "hotline"}', tier="gold")

    assert greeted == Routed(True, "g")
    row = await stage.row("c1")
    assert row.state == "greeting"
    assert (row.facts.accepted_ms, row.facts.kind, row.facts.tier) == (START, "a", "gold")
    assert row.facts.max_ms == START + MINUTE
    assert row.meta == {"to": "hotline"}
    assert await stage.deadline("c:c1") == MINUTE
    assert await stage.told() == ["call.greeting"]


@answers("SEEN")
async def test_a_carriers_retry_changes_nothing(engine: Engine, stage: Stage, greeted_call: str) -> None:
    await stage.later(SECOND)

    async with stage.nothing_written():
        assert await engine.accept_call(greeted_call, max_wait_ms=5 * MINUTE, meta="[]") == Routed(False, "g")


async def test_a_retry_comes_after_everything(engine: Engine, stage: Stage, waiting_call: str, ended_call: str) -> None:
    async with stage.nothing_written():
        assert await engine.accept_call(waiting_call, max_wait_ms=MINUTE) == Routed(False, "w")
        assert await engine.accept_call(ended_call, max_wait_ms=MINUTE) == Routed(False, "e")


@answers("FULL")
async def test_a_full_site_takes_no_new_call(stage: Stage, greeted_call: str) -> None:
    full = stage.another(hard_limit=1)

    await stage.refused(SiteFull, full.accept_call("c1", max_wait_ms=MINUTE))
    assert await full.accept_call(greeted_call, max_wait_ms=MINUTE) == Routed(False, "g")


async def test_the_limit_counts_entries(stage: Stage, greeted_call: str) -> None:
    assert (await stage.another(hard_limit=2).accept_call("c1", max_wait_ms=MINUTE)).created
    await stage.refused(SiteFull, stage.another(hard_limit=2).accept_call("c2", max_wait_ms=MINUTE))


async def test_a_greeting_that_never_ends_fails(stage: Stage, greeted_call: str) -> None:
    await stage.later(MINUTE - 1)
    assert await stage.state(greeted_call) == "g"

    await stage.later(1)
    assert await stage.outcome(greeted_call) == "failed"


async def test_the_time_of_the_greeting_counts(engine: Engine, stage: Stage, greeted_call: str) -> None:
    """g1 was greeted first but routed last: she stands before the one who came while she was asked."""
    await stage.later(20 * SECOND)
    await stage.call("c1", queue("vip"))
    await stage.call(greeted_call, queue("vip"), kind="adapter")

    assert (await stage.row(greeted_call)).facts.accepted_ms == START
    assert await stage.line("vip") == ["g1", "c1"]


async def test_fifty_webhooks_for_one_call_make_one_call(engine: Engine, stage: Stage) -> None:
    replies = await asyncio.gather(*(engine.accept_call("c1", max_wait_ms=MINUTE) for _ in range(50)))

    assert sum(reply.created for reply in replies) == 1
    assert {reply.letter for reply in replies} == {"g"}
    assert await stage.told() == ["call.greeting"]
