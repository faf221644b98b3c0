"""A carrier on a bad day: nothing happens twice, nobody is lost."""

from __future__ import annotations

import pytest

from loadtests.carriers.faults import RestFault
from loadtests.carriers.phones import Person
from tests.stories.house import ADA, CHEN, GRETA, LI, PRIYA, House


async def test_every_document_and_report_comes_twice_and_late(house: House) -> None:
    faults = house.carrier.faults
    faults.documents_twice = faults.reports_twice = 1.0
    faults.reports_late_s = 20.0
    house.agent(GRETA, talks_s=5)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await call.until("ended")
    await house.until(call.sid, state="ended", outcome="answered")
    assert len(house.legs_to(GRETA)) == 1
    assert len([words for words in call.story if "Ms Ada Marlow" in words]) == 1
    await house.agent_is("agent-7", "wrapping")


async def test_a_busy_day_on_which_everything_comes_twice_and_late(house: House) -> None:
    """Busy, then another agent, with reports out of order."""
    faults = house.carrier.faults
    faults.documents_twice = faults.reports_twice = 0.5
    faults.reports_late_s = 10.0
    house.agent(GRETA, picks="busy")
    house.agent(CHEN, talks_s=10)
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.until(call.sid, state="ended", outcome="answered")
    assert len(house.legs_to(CHEN)) == 1


async def test_reports_never_come(house: House) -> None:
    """Deadlines and documents tell enough."""
    await house.change(timing={"offer": 1_000, "cooling": 60_000})
    house.carrier.faults.reports_dropped = 1.0
    house.agent(GRETA, picks="busy")
    house.agent(CHEN, after_s=0.2, talks_s=5)
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await call.until("ended")
    await house.until(call.sid, state="ended", outcome="answered")
    await house.agent_is("agent-3", "wrapping")


@pytest.mark.parametrize("fate", ["lost", "silent", "busy", "broken"])
async def test_an_agent_is_rung_once_whatever_became_of_the_answer(house: House, fate: RestFault) -> None:
    house.carrier.faults.next_rest(house.stage.places, fate)
    house.agent(GRETA)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected")
    assert len(house.legs_to(GRETA)) == 1


@pytest.mark.needs("dtmf_in_hold")
async def test_a_callback_is_dialled_once_although_the_answer_is_lost(house: House) -> None:
    house.agent(CHEN)
    call = house.call(PRIYA, Person(presses={"called back": "1"}))
    await call.until("ended")
    house.carrier.people[PRIYA] = Person()
    house.carrier.faults.next_rest(house.stage.places, "slow", "lost")
    await house.api.ready("agent-3")
    back = await house.carrier.until_leg_to(PRIYA)
    await back.until(f"bridged: {CHEN}")
    assert len(house.legs_to(PRIYA)) == 1


async def test_the_provider_is_down_for_a_while(house: House) -> None:
    """The caller waits and is not lost, no agent is stuck, and when it is back they talk."""
    await house.change(timing={"offer": 2_000, "cooling": 500})
    for _ in range(3):
        house.carrier.faults.next_rest(house.stage.places, "busy")
    house.agent(GRETA, after_s=0.2)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}", timeout_s=25)
    await house.until(call.sid, state="connected", agent_id="agent-7")


@pytest.mark.needs("replay", "forge")
async def test_hostile_and_replayed_requests_change_nothing(house: House) -> None:
    first, _ = await house.talking()
    second = house.call(LI, Person(presses={"2 to wait": "2"}))
    await second.until("queue:")
    await house.until(second.sid, state="waiting", step="owner")
    calls = (first.sid, second.sid)
    before = [await house.api.look(call_id) for call_id in calls]
    assert house.stage.replay is not None
    assert house.stage.forge is not None
    assert await house.stage.replay() > 5
    assert set(await house.stage.forge()) == {403}
    after = [await house.api.look(call_id) for call_id in calls]
    for old, new in zip(before, after, strict=True):
        kept = ("state", "step", "lanes", "agent_id", "offer", "accepted_at", "outcome")
        assert {name: old.get(name) for name in kept} == {name: new.get(name) for name in kept}
        assert len(old["timeline"]) == len(new["timeline"])
    await house.agent_is("agent-7", "talking")
