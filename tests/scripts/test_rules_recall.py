"""A caller who calls again: the place in line is the customer's, not the telephone line's."""

from __future__ import annotations

import pytest

from router.store.engine import Engine
from tests.support.stage import MINUTE, SECOND, START, Stage, owner, queue

# ---------------------------------------------------------------------- the old call has ended


async def test_a_caller_cut_off_gets_the_place_back(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), identity="li")
    await stage.later(MINUTE)
    await stage.call("c2", queue("vip"))
    await engine.abandon_call("c1")
    await stage.later(4 * MINUTE)
    await stage.events()

    await stage.call("c3", queue("vip"), identity="li", head_start_ms=SECOND)

    row = await stage.row("c3")
    assert row.facts.accepted_ms == START
    assert row.rank is not None
    assert row.rank // 1000 == START - SECOND
    assert await stage.line("vip") == ["c3", "c2"]
    assert await stage.outcome("c1") == "recalled"
    assert await stage.told() == ["call.recalled", "call.accepted"]
    assert await stage.deadline("c:c3") == 30 * MINUTE, "the longest wait begins anew"


@pytest.mark.parametrize("state", ["choosing", "offered"])
async def test_cut_off_while_choosing_or_offered_counts_too(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state="talking" if state == "choosing" else "ready")
    await stage.call("c1", owner("ann"), queue("other"), identity="li")
    assert (await stage.row("c1")).state == state
    await stage.later(SECOND)
    await engine.abandon_call("c1")

    await stage.call("c2", queue("other"), identity="li")

    assert (await stage.row("c2")).facts.accepted_ms == START
    assert await stage.outcome("c1") == "recalled"


async def test_five_minutes_and_no_longer(engine: Engine, stage: Stage) -> None:
    for who in ("li", "wu"):
        await stage.call(f"{who}-1", queue("vip"), identity=who)
        await engine.abandon_call(f"{who}-1")
    await stage.later(engine.timing.recall_ms)
    await stage.call("li-2", queue("vip"), identity="li")
    await stage.later(1)
    await stage.call("wu-2", queue("vip"), identity="wu")

    assert await stage.line("vip") == ["li-2", "wu-2"]
    assert (await stage.row("li-2")).facts.accepted_ms == START
    assert (await stage.row("wu-2")).facts.accepted_ms == stage.clock.now_ms
    assert (await stage.outcome("li-1"), await stage.outcome("wu-1")) == ("recalled", "short_abandoned")


@pytest.mark.parametrize("ending", ["answered", "withdrawn", "overflowed_out", "rejected"])
async def test_other_endings_leave_no_place(engine: Engine, stage: Stage, ending: str) -> None:
    if ending == "answered":
        await stage.agent("ann")
        await stage.connected("c1", queue("vip"), identity="li")
        await engine.abandon_call("c1")
    else:
        steps = [] if ending == "rejected" else [queue("vip")]
        await stage.call("c1", *steps, identity="li", max_wait_ms=SECOND)
        if ending == "withdrawn":
            await engine.withdraw_call("c1")
    await stage.later(SECOND)
    assert await stage.outcome("c1") == ending

    await stage.call("c2", queue("general"), identity="li")

    assert (await stage.row("c2")).facts.accepted_ms == START + SECOND
    assert await stage.outcome("c1") == ending


async def test_another_caller_inherits_nothing(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), identity="li")
    await engine.abandon_call("c1")
    await stage.later(SECOND)
    await stage.call("c2", queue("vip"), identity="wu")
    await stage.call("c3", queue("vip"))

    assert (await stage.row("c2")).facts.accepted_ms == START + SECOND
    assert (await stage.row("c3")).facts.accepted_ms == START + SECOND


async def test_a_place_is_given_back_once(engine: Engine, stage: Stage) -> None:
    """c2 took it and was answered; c3 is a new matter."""
    await stage.call("c1", queue("vip"), identity="li")
    await engine.abandon_call("c1")
    await stage.later(SECOND)
    await stage.agent("ann")
    await stage.connected("c2", queue("vip"), identity="li")
    await engine.complete_call("c2")

    await stage.call("c3", queue("vip"), identity="li")

    assert (await stage.row("c3")).facts.accepted_ms == START + SECOND


async def test_a_place_lives_through_many_lost_lines(engine: Engine, stage: Stage) -> None:
    for n in range(4):
        await stage.call(f"c{n}", queue("vip"), identity="li")
        await stage.later(MINUTE)
        await engine.abandon_call(f"c{n}")
        await stage.later(MINUTE)
    await stage.call("c4", queue("vip"), identity="li")

    assert (await stage.row("c4")).facts.accepted_ms == START
    assert [await stage.outcome(f"c{n}") for n in range(4)] == ["recalled"] * 4


# ---------------------------------------------------------------------- the dead leg still stands


async def test_the_place_passes_when_the_dead_leg_ends(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), identity="li", head_start_ms=SECOND)
    await stage.later(MINUTE)
    await stage.call("c2", queue("vip"))
    await stage.call("c3", queue("vip", "general"), identity="li", head_start_ms=2 * SECOND)
    await stage.later(30 * SECOND)
    assert await stage.line("vip") == ["c1", "c3", "c2"]
    await stage.events()

    await engine.abandon_call("c1")

    row = await stage.row("c3")
    assert row.facts.accepted_ms == START
    assert row.rank is not None
    assert row.rank // 1000 == START - 2 * SECOND, "its own head start stays"
    assert await stage.line("vip") == ["c3", "c2"]
    assert await stage.outcome("c1") == "recalled"
    assert await stage.told() == ["call.recalled", "call.ended"]


async def test_only_within_a_minute_of_the_new_call(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), identity="li")
    await stage.later(MINUTE)
    await stage.call("c2", queue("vip"), identity="li")
    await stage.later(MINUTE + 1)

    await engine.abandon_call("c1")

    assert (await stage.row("c2")).facts.accepted_ms == START + MINUTE
    assert await stage.outcome("c1") == "abandoned"


async def test_an_heir_who_is_being_asked_is_ranked_anew(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.call("c1", queue("other"), identity="li")
    await stage.later(SECOND)
    await stage.call("c2", owner("ann", "wait"))
    await stage.call("c3", owner("ann"), queue("other"), identity="li")
    assert await stage.line("@ann") == ["c2", "c3"]

    await engine.abandon_call("c1")

    assert await stage.state("c3") == "q"
    assert await stage.line("@ann") == ["c3", "c2"]


async def test_an_heir_who_talks_already_needs_no_place(engine: Engine, stage: Stage) -> None:
    await stage.call("c1", queue("vip"), identity="li")
    await stage.later(SECOND)
    await stage.agent("gus", "general")
    await stage.connected("c2", queue("general"), identity="li")

    await engine.abandon_call("c1")

    assert (await stage.row("c2")).facts.accepted_ms == START + SECOND


async def test_places_pass_down_a_chain(engine: Engine, stage: Stage) -> None:
    for n in range(3):
        await stage.call(f"c{n}", queue("vip"), identity="li")
        await stage.later(SECOND)
    await engine.abandon_call("c0")
    await engine.abandon_call("c1")

    assert (await stage.row("c2")).facts.accepted_ms == START


async def test_a_dead_leg_being_rung_passes_its_place_and_frees_the_agent(engine: Engine, stage: Stage) -> None:
    """The agent who was rung for the dead leg is offered the very same customer on the new one."""
    await stage.agent("ann")
    await stage.offered("c1", queue("vip"), identity="li")
    await stage.later(SECOND)
    await stage.call("c2", queue("vip"), identity="li")
    assert await stage.state("c2") == "w"

    await engine.abandon_call("c1")

    assert await stage.agent_of("c2") == "ann"
    assert (await stage.row("c2")).facts.accepted_ms == START
