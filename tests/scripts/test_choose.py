"""choose: the caller answers the owner-busy question, and what becomes of a question that nobody answers."""

from __future__ import annotations

import asyncio

from router.domain.errors import ChoiceGone, StepGone, StepRepeated, UnknownCall
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import MINUTE, SECOND, Lease, Stage, owner, queue


@answers("OK")
async def test_transfer_takes_the_caller_on_and_keeps_the_owners_lane(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", state="talking")
    await stage.call("c1", owner("ann"), queue("vip", wait_ms=10 * SECOND), queue("general"))
    await stage.events()

    assert await engine.choose("c1", "transfer") == "w"

    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("vip", ("@ann", "vip"))
    assert await stage.line("@ann") == ["c1"]
    assert await stage.deadline("c:c1") == 10 * SECOND
    choice, widened = await stage.events()
    assert (choice.type, choice.fields["choice"], choice.fields["by"]) == ("call.choice", "transfer", "caller")
    assert widened.type == "call.widened"


async def test_transfer_finds_a_ready_agent_at_once(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await stage.agent("vic")

    assert await engine.choose("c1", "transfer") == "o"
    assert await stage.agent_of("c1") == "vic"


async def test_one_who_waits_is_asked_once_more_and_then_taken_on(
    engine: Engine, stage: Stage, choosing_call: str
) -> None:
    assert await engine.choose("c1", "wait") == "w"
    row = await stage.row("c1")
    assert (row.step.name, row.lanes) == ("owner", ("@ann",))
    assert await stage.deadline("c:c1") == engine.timing.owner_wait_ms

    await stage.events()
    await stage.later(engine.timing.owner_wait_ms)
    assert await stage.state("c1") == "q"
    (asked,) = await stage.events()
    assert (asked.type, asked.fields["asked"]) == ("call.owner_busy", "2")
    assert asked.fields["seen"].startswith("@ann=t,")
    assert await stage.deadline("c:c1") == engine.timing.question_ms

    assert await engine.choose("c1", "wait") == "w"
    await stage.later(engine.timing.owner_wait_ms)
    row = await stage.row("c1")
    assert (row.letter, row.lanes) == ("w", ("@ann", "vip", "general"))


async def test_no_answer_means_the_plans_default(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "own", state="talking")
    await stage.agent("vic", state="talking")
    await stage.call("impatient", owner("ann", default="transfer"), queue("vip"))
    await stage.call("patient", owner("ann", default="wait"), queue("vip"))
    await stage.later(engine.timing.question_ms - 1)
    assert [await stage.state(c) for c in ("impatient", "patient")] == ["q", "q"]
    await stage.events()

    await stage.later(1)

    assert (await stage.row("impatient")).step.name == "vip"
    row = await stage.row("patient")
    assert (row.letter, row.step.name) == ("w", "owner")
    assert await stage.deadline("c:patient") == engine.timing.owner_wait_ms
    choices = {e.fields["call"]: e.fields for e in await stage.events() if e.type == "call.choice"}
    assert {call: (f["choice"], f["by"]) for call, f in choices.items()} == {
        "impatient": ("transfer", "timeout"),
        "patient": ("wait", "timeout"),
    }


async def test_the_second_question_unanswered_is_the_default_too(
    engine: Engine, stage: Stage, choosing_call: str
) -> None:
    await engine.choose("c1", "wait")
    await stage.later(engine.timing.owner_wait_ms + engine.timing.question_ms)

    assert (await stage.row("c1")).step.name == "general"


async def test_the_longest_wait_ends_the_waiting(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.call("c1", owner("ann"), queue("vip"), max_wait_ms=5 * MINUTE)
    await engine.choose("c1", "wait")

    await stage.later(5 * MINUTE)

    assert await stage.outcome("c1") == "overflowed_out"


@answers("CHOICE_GONE")
async def test_the_owner_was_faster(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await engine.complete_call("ann-call")
    await engine.end_wrap_up("ann")
    assert await stage.agent_of("c1") == "ann"

    await stage.refused(ChoiceGone, engine.choose("c1", "wait"))
    await stage.refused(ChoiceGone, engine.choose("c1", "transfer"))


async def test_the_same_answer_again_is_the_same_answer(engine: Engine, stage: Stage, choosing_call: str) -> None:
    """Its reply was lost. Another answer comes too late."""
    await engine.choose("c1", "wait")

    assert await stage.repeated(lambda: engine.choose("c1", "wait")) == "w"
    await stage.refused(ChoiceGone, engine.choose("c1", "transfer"))


async def test_an_old_answer_does_not_answer_the_next_question(
    engine: Engine, stage: Stage, choosing_call: str
) -> None:
    await engine.choose("c1", "wait")
    await stage.later(engine.timing.owner_wait_ms)
    await stage.later(engine.timing.question_ms)

    await stage.refused(ChoiceGone, engine.choose("c1", "wait"))


async def test_nobody_asked(
    engine: Engine, stage: Stage, greeted_call: str, offered_call: Lease, ended_call: str
) -> None:
    for call_id in (greeted_call, "c1", ended_call):
        await stage.refused(ChoiceGone, engine.choose(call_id, "transfer"))


@answers("UNKNOWN")
async def test_nobody_knows_the_call(engine: Engine, stage: Stage) -> None:
    await stage.refused(UnknownCall, engine.choose("ghost", "wait"))


async def test_a_choice_when_the_new_plan_left_nothing_to_choose(
    engine: Engine, stage: Stage, choosing_call: str
) -> None:
    """The steps after the owner's are gone: the caller stays where the place is."""
    await engine.reladder_call("c1", [], enter_now=False, at_step="owner", plan_version="")

    assert await engine.choose("c1", "transfer") == "w"

    assert await stage.line("@ann") == ["c1"]
    assert await stage.deadline("c:c1") == 30 * MINUTE


async def test_a_question_that_runs_out_then(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await engine.reladder_call("c1", [], enter_now=False, at_step="owner", plan_version="")

    await stage.later(engine.timing.question_ms)

    assert await stage.state("c1") == "w"


async def test_fifty_presses_at_once_choose_once(engine: Engine, stage: Stage, choosing_call: str) -> None:
    await stage.events()
    presses = [engine.choose("c1", choice) for choice in ("transfer", "wait") * 25]

    results = await asyncio.gather(*presses, return_exceptions=True)

    assert sum(result == "w" for result in results) == 25
    assert sum(isinstance(result, ChoiceGone) for result in results) == 25
    assert (await stage.told()).count("call.choice") == 1


@answers("REPEAT")
async def test_a_carriers_retry_chooses_nothing(engine: Engine, stage: Stage, choosing_call: str) -> None:
    stage.left_as_is = True
    assert await engine.choose("c1", "wait", "question:2") == "w"

    await stage.refused(StepRepeated, engine.choose("c1", "wait", "question:2"))


@answers("LATE")
async def test_an_old_key_does_not_answer_a_new_question(engine: Engine, stage: Stage, choosing_call: str) -> None:
    stage.left_as_is = True
    await engine.take_step("c1", "hold:3")

    await stage.refused(StepGone, engine.choose("c1", "wait", "question:2"))
    assert await engine.choose("c1", "wait", "question:4") == "w"


async def test_who_is_spoken_to_hears_the_question_twice_before_time_is_up(engine: Engine, stage: Stage) -> None:
    """Some fifteen seconds of words, and a silence, each time; what the platform says itself lasts what it lasts."""
    stage.left_as_is = True
    await stage.agent("ann", "own", state="talking")
    await stage.call("c1", owner("ann"), queue("vip"), kind="adapter")
    assert await stage.deadline("c:c1") == 3 * engine.timing.question_ms

    await stage.later(engine.timing.question_ms + 6 * SECOND)
    assert await engine.choose("c1", "") == "q"
    await stage.later(engine.timing.question_ms + 6 * SECOND)
    assert await engine.choose("c1", "wait") == "w"

    await stage.later(engine.timing.owner_wait_ms)
    assert await stage.deadline("c:c1") == 3 * engine.timing.question_ms
