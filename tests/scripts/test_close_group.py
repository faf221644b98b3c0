"""close_group: a supervisor closes a group at once: its lanes have no agents until it opens again."""

from __future__ import annotations

import asyncio

from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, Lease, Stage, owner, queue


@answers("OK")
async def test_waiting_callers_take_the_next_step(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip"), queue("general"))
    await stage.call("c2", queue("vip+loans"), queue("general"))
    await stage.events()

    await stage.call("c3", queue("general"))
    await engine.know_lanes([queue("vip+empty")])
    await stage.events()
    await engine.close_group("vip", by="sue", message="fire | drill")

    assert await engine.closed_groups() == ["vip"]
    assert await stage.deadline("l:vip") == 0
    assert await stage.deadline("l:general") is None
    assert await stage.deadline("l:vip+empty") is None
    (event,) = await stage.events()
    assert (event.type, event.fields["by"], event.text("message")) == ("group.closed", "sue", "fire | drill")
    await stage.later(0)
    assert (await stage.row("c1")).lanes == ("vip", "general")
    assert (await stage.row("c2")).lanes == ("vip+loans", "general")


async def test_who_has_no_next_step_takes_the_exit(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="talking")
    await stage.call("c1", queue("vip"))
    await stage.call("c2", queue("vip", "general"))

    await engine.close_group("vip")
    await stage.later(0)

    assert await stage.outcome("c1") == "overflowed_out"
    assert await stage.state("c2") == "w", "general is still open"
    await engine.close_group("general")
    await stage.later(0)
    assert await stage.outcome("c2") == "overflowed_out"


async def test_newcomers_pass_a_closed_group_by(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic")
    await stage.agent("gus", "general")
    await engine.close_group("vip")

    assert (await stage.call("c1", queue("vip"), queue("general"))).agent_id == "gus"
    assert (await stage.call("c2", queue("vip"))).letter == "e"
    assert await stage.outcome("c2") == "overflowed_out"
    assert (await stage.agent_row("vic")).state == "ready"


async def test_its_agents_still_serve_their_own_lanes_and_other_groups(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", "vip general")
    await stage.agent("ann", "vip general")
    await engine.close_group("vip")

    assert (await stage.call("c1", owner("ann"), queue("vip"))).agent_id == "ann"
    assert (await stage.call("c2", queue("vip"), queue("general"))).agent_id == "vic"


async def test_a_name_that_begins_alike_is_another_group(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", "vip vip2 vi")
    await engine.close_group("vip")

    assert (await stage.call("c1", queue("vip2"))).letter == "o"
    await engine.abandon_call("c1")
    assert (await stage.call("c2", queue("vi"))).letter == "o"


async def test_an_offer_already_made_stands(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await engine.close_group("vip")
    await stage.later(0)

    assert await engine.accept_offer("c1", "ann", offered_call.offer_id) == "c"


async def test_a_callback_stays(engine: Engine, stage: Stage, callback: str) -> None:
    await engine.close_group("vip")
    await engine.close_group("general")
    await stage.later(MINUTE)

    assert await stage.state(callback) == "w"


async def test_it_opens_by_itself_when_its_time_has_come(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic", state="offline")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", queue("vip"), queue("general"))
    await engine.close_group("vip", until_ms=stage.clock.now_ms + 10 * MINUTE)
    await engine.agent_ready("vic")
    await stage.later(10 * MINUTE - 1)
    assert await stage.state("c1") == "w"

    await stage.later(1)

    assert await stage.agent_of("c1") == "vic"
    assert await engine.closed_groups() == []


async def test_closing_twice_is_closing_once(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await stage.repeated(lambda: engine.close_group("vip", by="sue"))
    await stage.later(0)
    until = stage.clock.now_ms + MINUTE
    await stage.repeated(lambda: engine.close_group("vip", until_ms=until, by="sue"))


async def test_a_later_word_moves_the_time(engine: Engine, stage: Stage) -> None:
    await engine.close_group("vip", until_ms=stage.clock.now_ms + MINUTE)
    await engine.close_group("vip", until_ms=stage.clock.now_ms + 2 * MINUTE)
    await stage.later(MINUTE)
    assert await engine.closed_groups() == ["vip"]
    await engine.close_group("vip")
    await stage.later(60 * MINUTE)
    assert await engine.closed_groups() == ["vip"]


async def test_fifty_supervisors_at_once(engine: Engine, stage: Stage) -> None:
    await stage.agent("vic")
    closings = [engine.close_group("vip") for _ in range(25)]
    await asyncio.gather(*closings, *(engine.open_group("vip") for _ in range(25)))

    told = [kind for kind in await stage.told() if kind.startswith("group.")]
    assert told == ["group.closed", "group.opened"]
    assert (await stage.call("c1", queue("vip"))).letter == "o"


async def test_a_caller_of_another_open_line_keeps_waiting_there(engine: Engine, stage: Stage) -> None:
    """She had overflowed from vip to general; closing general leaves her at the vip desk, closing both does not."""
    await stage.agent("vic", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("silver", queue("vip", max_waiting=0), queue("general"))

    await engine.close_group("general")
    await stage.later(0)
    assert await stage.state("silver") == "w"
    assert "silver" in await stage.line("vip")

    await engine.close_group("vip")
    await stage.later(0)
    assert await stage.outcome("silver") == "overflowed_out"
