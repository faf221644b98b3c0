"""A call that comes back: the old place, a look around, and no waiting for nobody."""

from __future__ import annotations

import pytest

from router.store.engine import Engine
from tests.support.stage import MINUTE, SECOND, Lease, Stage, owner, queue


async def give_back(stage: Stage, call_id: str, how: str) -> Lease:
    """The offer comes to nothing in one of the ways there are."""
    held = await stage.lease(call_id)
    engine = stage.engine
    if how == "declined":
        await engine.decline_offer(call_id, held.agent_id, held.offer_id)
    elif how == "expired":
        await stage.later(engine.timing.offer_ms)
    elif how in ("break", "offline"):
        await engine.agent_away(held.agent_id, how)
    elif how == "bridge":
        await engine.accept_offer(call_id, held.agent_id, held.offer_id)
        await stage.later(engine.timing.bridge_ms)
    else:
        await engine.fail_leg(call_id, held.offer_id, how)
    return held


WAYS = ["declined", "expired", "break", "offline", "bridge", "busy", "no_answer", "device", "network"]


@pytest.mark.parametrize("how", WAYS)
async def test_the_place_is_kept(stage: Stage, how: str) -> None:
    await stage.agent("ann")
    await stage.agent("bob", state="talking")
    await stage.offered("c1", queue("vip"), kind="adapter")
    rank = (await stage.row("c1")).rank
    await stage.call("c2", queue("vip"))

    await give_back(stage, "c1", how)

    row = await stage.row("c1")
    assert (row.letter, row.rank, row.avoids, row.agent_id) == ("w", rank, ("ann",), None)
    assert await stage.line("vip") == ["c1", "c2"]


@pytest.mark.parametrize("how", WAYS)
async def test_another_ready_agent_takes_it_in_the_same_script(stage: Stage, how: str) -> None:
    await stage.agent("ann", "vip:1 general")
    await stage.agent("bob", "vip:2")
    first = await stage.offered("c1", queue("vip"), kind="adapter")
    assert first.agent_id == "ann"

    await give_back(stage, "c1", how)

    assert await stage.agent_of("c1") == "bob"
    assert (await stage.agent_row("ann")).state == {"break": "break", "offline": "offline"}.get(how, "cooling")


@pytest.mark.parametrize("how", ["break", "offline"])
async def test_nobody_waits_where_the_last_agent_has_just_gone(stage: Stage, how: str) -> None:
    """ann was the only one of vip; bob of general is talking: the caller waits for bob, not for nobody."""
    await stage.agent("ann")
    await stage.agent("bob", "general", state="talking")
    await stage.offered("c1", queue("vip"), queue("general"))

    await give_back(stage, "c1", how)
    await stage.later(0)

    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("general", ("vip", "general"))


async def test_nobody_waits_where_the_last_agent_went_while_the_call_was_offered(engine: Engine, stage: Stage) -> None:
    """c1 is offered to its owner; meanwhile the last agent of its own step goes on a break."""
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", "vip", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.call("c1", owner("ann", "next"), queue("vip"), queue("general"))
    await engine.complete_call("ann-call")
    await engine.end_wrap_up("ann")
    assert await stage.agent_of("c1") == "ann"
    await engine.complete_call("vic-call")
    await engine.agent_ready("vic")
    await engine.agent_away("vic", "break")

    await give_back(stage, "c1", "declined")

    assert (await stage.row("c1")).step.name == "general"


@pytest.mark.parametrize("how", WAYS)
async def test_a_step_that_is_served_and_not_over_is_stayed_in(stage: Stage, how: str) -> None:
    await stage.agent("ann")
    await stage.agent("bob", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.offered("c1", queue("vip", wait_ms=MINUTE), queue("general"), kind="adapter")

    await give_back(stage, "c1", how)

    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("vip", ("vip",))


async def test_the_next_step_must_be_served_itself(engine: Engine, stage: Stage) -> None:
    """Its old lane is served; the step it enters is not, so it goes on."""
    await stage.agent("ann")
    await stage.agent("bob", state="talking")
    await stage.agent("gus", "general", state="talking")
    await stage.offered("c1", queue("vip", wait_ms=SECOND), queue("nobody"), queue("general"), queue("last"))
    await stage.later(SECOND)

    await give_back(stage, "c1", "declined")

    assert (await stage.row("c1")).lanes == ("vip", "nobody", "general")


async def test_a_last_step_that_closed_meanwhile_is_the_exit(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.offered("c1", queue("vip"))
    await engine.close_group("vip")
    assert await stage.state("c1") == "o"

    await give_back(stage, "c1", "declined")

    assert await stage.outcome("c1") == "overflowed_out"


async def test_a_step_that_closed_meanwhile_is_left_for_the_next(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("gus", "general", state="talking")
    await stage.offered("c1", queue("vip"), queue("general"))
    await engine.close_group("vip")

    await give_back(stage, "c1", "declined")

    assert (await stage.row("c1")).step.name == "general"


async def test_an_owners_no_takes_the_caller_on_without_a_question(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.agent("vic", "other", state="talking")
    await stage.offered("c1", owner("ann"), queue("other"))
    await stage.events()

    await give_back(stage, "c1", "declined")

    row = await stage.row("c1")
    assert (row.letter, row.step.name, row.lanes) == ("w", "other", ("@ann", "other"))
    assert "call.owner_busy" not in await stage.told()
    await engine.agent_ready("ann")
    assert await stage.agent_of("c1") == "ann", "the owner's lane is kept"


async def test_one_who_chose_to_wait_waits_on(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await engine.choose("c1", "wait")
    await engine.complete_call("ann-call")
    await stage.later(engine.timing.wrap_up_ms)
    assert await stage.agent_of("c1") == "ann"

    await give_back(stage, "c1", "declined")

    row = await stage.row("c1")
    assert (row.letter, row.step.name) == ("w", "owner")
    assert await stage.deadline("c:c1") == engine.timing.owner_wait_ms - engine.timing.wrap_up_ms


async def test_somebody_elses_no_changes_nothing_for_the_owners_step(engine: Engine, stage: Stage) -> None:
    """A supervisor gave the asked caller to cy, who does not want it: the question is over, the step goes on."""
    await stage.agent("ann", state="talking")
    await stage.agent("cy", "other")
    await stage.call("c1", owner("ann"), queue("general"))
    await engine.assign_call("c1", "cy", by="sue")

    await give_back(stage, "c1", "declined")

    assert await stage.state("c1") == "w"
    await stage.later(engine.timing.question_ms)
    assert (await stage.row("c1")).lanes == ("@ann", "general")


async def test_a_wait_that_is_over_ends_when_the_offer_does(stage: Stage) -> None:
    for how in WAYS:
        name = f"agent-{how.replace('_', '-')}"
        await stage.agent(name, name)
        await stage.offered(f"call-{how}", queue(name), max_wait_ms=SECOND, kind="adapter")
        await stage.later(2 * SECOND)
        await give_back(stage, f"call-{how}", how)
        assert await stage.outcome(f"call-{how}") == "overflowed_out", how


# ---------------------------------------------------------------------- the agent's rest


@pytest.mark.parametrize("how", ["declined", "busy", "no_answer", "expired"])
async def test_each_miss_doubles_the_rest_up_to_five_minutes(engine: Engine, stage: Stage, how: str) -> None:
    await stage.agent("ann")
    await stage.call("c1", queue("vip"), max_wait_ms=600 * MINUTE)
    rests, told = [], []
    for _ in range(8):
        await stage.events()
        await give_back(stage, "c1", how)
        (cooling,) = [e for e in await stage.events() if e.type == "agent.cooling"]
        rests.append(int(cooling.fields["rest"]))
        told.append(cooling.fields.get("tell"))
        pause = await stage.deadline("a:ann")
        assert pause == rests[-1]
        await stage.later(pause)

    assert rests == [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]
    assert told == [None, None] + ["1"] * 6, "a supervisor is told from the third"
    assert await stage.agent_of("c1") == "ann", "no lock-out: ready again by herself, and offered"


@pytest.mark.parametrize("how", ["device", "network", "bridge"])
async def test_what_is_not_the_agents_fault_is_not_counted(engine: Engine, stage: Stage, how: str) -> None:
    await stage.agent("ann")
    await stage.call("c1", queue("vip"), kind="adapter")
    for _ in range(3):
        await give_back(stage, "c1", how)
        assert await stage.deadline("a:ann") == engine.timing.cooling_ms
        assert (await stage.agent_row("ann")).misses == 0
        await stage.later(engine.timing.cooling_ms)


async def test_the_agents_own_ready_forgives(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.call("c1", queue("vip"))
    for _ in range(3):
        await give_back(stage, "c1", "declined")
        assert await stage.deadline("a:ann") == engine.timing.cooling_ms
        await engine.agent_ready("ann")


async def test_a_break_while_rung_counts_as_a_decline(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    await stage.offered("c1", queue("vip"))
    await give_back(stage, "c1", "break")
    assert (await stage.agent_row("ann")).misses == 1
