"""Nobody can be had: what a caller who is sent away may do, on every carrier."""

from __future__ import annotations

import pytest

from loadtests.carriers.phones import Person
from router.callbacks import callback_id_of
from tests.stories.house import CHEN, NOBODY, OFFICE, PRIYA, House

OTHER = "+12025550133"


@pytest.mark.needs("interrupt")
async def test_who_waited_too_long_is_called_back_when_somebody_is_there(house: House) -> None:
    await house.change(max_wait=1_000, exit="callback", voice={"callback_key": "5"})
    house.agent(CHEN)
    house.carrier.people[PRIYA] = Person()
    call = house.call(PRIYA, Person(presses={"called back when it is your turn": "5"}))
    await call.until("nobody could take your call")
    await call.until("call you back")
    await call.until("ended")
    await house.until(call.sid, outcome="callback")
    await house.api.ready("agent-3")
    back = await house.carrier.until_leg_to(PRIYA)
    await back.until(f"bridged: {CHEN}")
    await house.until(callback_id_of(call.sid), state="connected")


async def test_a_closed_line_takes_a_callback(house: House) -> None:
    await house.change(hours={"office": {"open": {"daily": []}, "exit": "callback", "message": "We open on Monday."}})
    call = house.call(PRIYA, Person(presses={"called back when it is your turn": "1"}), to=OFFICE)
    await call.until("We open on Monday.")
    await call.until("call you back")
    await call.until("ended")
    await house.until(callback_id_of(call.sid), state="waiting")


async def test_who_presses_nothing_is_bidden_farewell(house: House) -> None:
    await house.change(hours={"office": {"open": {"daily": []}, "exit": "callback"}})
    call = house.call(PRIYA, Person(), to=OFFICE)
    await call.until("called back when it is your turn")
    await call.until("Thank you for calling")
    await call.until("ended")
    await house.until(call.sid, outcome="rejected")


async def test_a_mailbox_takes_a_message(house: House) -> None:
    await house.change(max_wait=1_000, exit=f"voicemail:{OTHER}")
    house.carrier.people[OTHER] = Person(talks_s=5)
    call = house.call(NOBODY)
    await call.until("leave a message after the tone")
    await call.until(f"bridged: {OTHER}")
    await call.until("ended")


async def test_a_queue_that_closes_tells_those_who_wait_in_it(house: House) -> None:
    call = house.call(NOBODY)
    await call.until("queue:")
    await house.api.put("/v1/queues/general", {"open": False, "message": "There is a fire drill."})
    await call.until("There is a fire drill.")
    await call.until("ended")
    await house.until(call.sid, outcome="overflowed_out")
