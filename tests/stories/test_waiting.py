"""On hold, and called back."""

from __future__ import annotations

import pytest

from loadtests.carriers.phones import Person
from router.callbacks import callback_id_of
from tests.stories.house import CHEN, DARA, GRETA, LI, NOBODY, PRIYA, House
from tests.support.waiting import wait_until


async def test_the_place_in_line_is_told_again_and_again(house: House) -> None:
    first = house.call(NOBODY)
    await first.until("You are next in line.")
    second = house.call(PRIYA)
    await second.until("number 2 in line")
    await house.carrier.hang_up(first)
    await second.until("You are next in line.")
    assert not second.ended


async def test_who_waited_for_the_owner_gets_her(house: House) -> None:
    first, _ = await house.talking()
    second = house.call(LI, Person(presses={"2 to wait": "2"}))
    await second.until("queue:")
    await house.until(second.sid, state="waiting", step="owner")
    await house.carrier.hang_up(first)
    await house.until(first.sid, outcome="answered")
    await house.api.ready("agent-7")
    await second.until(f"bridged: {GRETA}")
    await house.until(second.sid, state="connected", agent_id="agent-7")


# ---------------------------------------------------------------- called back


async def booked(house: House) -> str:
    """Priya is to be called back; answers the callback's id."""
    call = house.call(PRIYA, Person(presses={"called back": "1"}))
    await call.until("call you back")
    await call.until("ended")
    await house.until(call.sid, outcome="callback")
    return callback_id_of(call.sid)


@pytest.mark.needs("dtmf_in_hold")
async def test_a_customer_is_called_back_once_when_her_turn_comes(house: House) -> None:
    house.agent(CHEN)
    house.carrier.people[PRIYA] = Person()
    back_id = await booked(house)
    await house.api.ready("agent-3")
    back = await house.carrier.until_leg_to(PRIYA)
    await back.until("calling you back")
    await back.until(f"bridged: {CHEN}")
    await house.until(back_id, state="connected")
    await house.carrier.hang_up(back)
    await house.until(back_id, state="ended", outcome="answered")
    assert len(house.legs_to(PRIYA)) == 1


@pytest.mark.needs("dtmf_in_hold")
async def test_the_customer_does_not_answer_and_the_agent_is_free(house: House) -> None:
    house.agent(CHEN)
    house.carrier.people[PRIYA] = Person(picks="busy")
    back_id = await booked(house)
    await house.api.ready("agent-3")
    await house.until(back_id, state="ended", outcome="failed")
    await house.carrier.leg_to(CHEN).until("ended")
    if house.stage.capabilities.whisper:
        heard = " ".join(house.carrier.leg_to(CHEN).story)
        words = ("A callback:", "the customer is being called", "The customer could not be reached")
        assert [heard.count(said) for said in words] == [1, 1, 1], heard
    await house.agent_is("agent-3", "ready")


@pytest.mark.needs("dtmf_in_hold")
async def test_the_agent_hangs_up_while_the_customer_is_dialled(house: House) -> None:
    """Back into the line at the old place; the customer's telephone does not ring for nobody."""
    house.agent(CHEN)
    house.carrier.people[PRIYA] = Person(after_s=500)
    back_id = await booked(house)
    await house.api.ready("agent-3")
    back = await house.rung(PRIYA)
    await house.carrier.hang_up(house.carrier.leg_to(CHEN))
    await back.until("ended")
    await house.until(back_id, state="waiting")


@pytest.mark.needs("dtmf_in_hold", "breaks")
async def test_the_agents_leg_breaks_and_the_customer_waits_on_the_line(house: House) -> None:
    house.agent(CHEN)
    house.agent(GRETA)
    house.carrier.people[PRIYA] = Person()
    back_id = await booked(house)
    await house.api.ready("agent-3")
    back = await house.carrier.until_leg_to(PRIYA)
    await back.until(f"bridged: {CHEN}")
    await house.until(back_id, state="connected")
    assert house.stage.breaks is not None
    await house.stage.breaks(house.carrier.leg_to(CHEN))
    await house.until(back_id, state="waiting")
    await wait_until(lambda: "queue:" in back.story[-1] or len([w for w in back.story if "queue:" in w]) > 1)
    house.agent(DARA)
    await house.api.ready("agent-4")
    await back.until(f"bridged: {DARA}")
    assert len(house.legs_to(PRIYA)) == 1


@pytest.mark.needs("dtmf_in_hold")
async def test_a_customer_who_calls_in_first_keeps_the_place(house: House) -> None:
    house.agent(CHEN)
    back_id = await booked(house)
    again = house.call(PRIYA)
    await again.until("queue:")
    await house.until(back_id, state="ended", outcome="superseded")
    await house.api.ready("agent-3")
    await again.until(f"bridged: {CHEN}")
    assert house.legs_to(PRIYA) == []


@pytest.mark.needs("dtmf_in_hold")
async def test_a_customer_who_calls_in_while_she_is_dialled(house: House) -> None:
    house.agent(CHEN)
    house.carrier.people[PRIYA] = Person(picks="busy", after_s=60)
    back_id = await booked(house)
    await house.api.ready("agent-3")
    await house.rung(PRIYA)
    again = house.call(PRIYA)
    await again.until("queue:")
    await house.until(back_id, state="ended", outcome="superseded")
    await again.until(f"bridged: {CHEN}")
    await house.until(again.sid, state="connected", agent_id="agent-3")
