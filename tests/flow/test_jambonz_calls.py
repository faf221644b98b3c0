"""The whole house on jambonz: the service as it runs, and the stand-in between it, its callers and its agents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import pytest

from loadtests.carriers.jambonz import Person
from loadtests.carriers.jambonz.asking import about
from router.callbacks import callback_id_of
from tests.support.jambonz_stage import House, house_of
from tests.support.waiting import wait_until

ADA, LI, PRIYA = "+12025550110", "+12025550111", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_of(database, tmp_path) as found:
        yield found


def takes_calls(**more: Any) -> Person:
    return Person(presses={"take the call": "1"}, **more)


async def test_a_vip_is_greeted_connected_and_the_agent_wraps_up(house: House) -> None:
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until("Ms Ada Marlow")
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected", agent_id="agent-7")
    agent = house.fake.leg_to(GRETA)
    await agent.until(f"bridged: {ADA}")
    assert any("diamond customer Ms Ada Marlow" in words for words in agent.story)
    await house.fake.hang_up(agent)
    await house.until(call.sid, state="ended", outcome="answered")
    await call.until("ended")
    assert any("Thank you for calling" in words for words in call.story)
    await house.agent_is("agent-7", "wrapping")


async def test_the_caller_hangs_up_in_the_talk_and_the_agent_is_let_go(house: House) -> None:
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.fake.hang_up(call)
    await house.until(call.sid, state="ended", outcome="answered")
    await house.fake.leg_to(GRETA).until("ended")


async def test_the_owner_is_busy_and_the_caller_waits_for_her(house: House) -> None:
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    first = house.call(ADA)
    await first.until(f"bridged: {GRETA}")
    second = house.call(LI, Person(presses={"2 to wait": "2"}))
    await second.until("is with another customer")
    await second.until("queue:")
    await house.until(second.sid, state="waiting", step="owner")
    await house.fake.hang_up(first)
    await house.until(first.sid, outcome="answered")
    await house.api.ready("agent-7")
    await second.until(f"bridged: {GRETA}")
    await house.until(second.sid, state="connected", agent_id="agent-7")


async def test_the_agent_completes_in_the_application(house: House) -> None:
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected")
    offer = (await house.look(call.sid))["offer"]["offer_id"]
    done = await house.api.post(f"/v1/calls/{call.sid}/complete", {"offer_id": offer})
    assert done.status == 200, done.text
    await house.fake.leg_to(GRETA).until("ended")
    await call.until("ended")
    assert any("Thank you for calling" in words for words in call.story)


@pytest.mark.parametrize("picks", ["no_answer", "busy", "declines", "device"])
async def test_an_agent_who_does_not_take_the_leg_is_passed_over(house: House, picks: Any) -> None:
    house.fake.people[GRETA] = Person(picks=picks)
    house.fake.people[CHEN] = takes_calls()
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.until(call.sid, state="connected", agent_id="agent-3")
    assert house.fake.leg_to(GRETA).ended


async def test_an_agent_who_hears_the_whisper_and_does_not_accept_is_passed_over(house: House) -> None:
    house.fake.people[GRETA] = Person(presses={"take the call": "5"})
    house.fake.people[CHEN] = takes_calls()
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.fake.leg_to(GRETA).until("ended")


async def test_the_caller_leaves_while_the_agent_is_rung(house: House) -> None:
    house.fake.people[GRETA] = Person(after_s=500)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until("queue:")
    await house.fake.until_leg_to(GRETA)
    await house.fake.hang_up(call)
    await house.fake.leg_to(GRETA).until("ended")
    await house.agent_is("agent-7", "ready")


async def test_a_call_back_is_booked_by_key_and_dialled_when_the_turn_comes(house: House) -> None:
    house.fake.people[CHEN] = takes_calls()
    house.fake.people[PRIYA] = Person()
    call = house.call(PRIYA, Person(presses={"called back": "1"}))
    await call.until("call you back")
    await call.until("ended")
    await house.until(call.sid, outcome="callback")
    await house.api.ready("agent-3")
    back_id = callback_id_of(call.sid)
    back = await house.fake.until_leg_to(PRIYA, timeout_s=15)
    await back.until("calling you back")
    await back.until(f"bridged: {CHEN}")
    await house.until(back_id, state="connected")
    await house.fake.hang_up(back)
    await house.until(back_id, state="ended", outcome="answered")
    assert len([leg for leg in house.fake.legs.values() if leg.to_number == PRIYA]) == 1


async def test_nobody_comes_and_the_caller_is_told_so(database: str, tmp_path: Path) -> None:
    def short(plan: dict[str, Any]) -> None:
        plan["max_wait"] = "1s"

    async with house_of(database, tmp_path, short) as house:
        call = house.call(PRIYA)
        await call.until("nobody could take your call")
        await call.until("ended")
        await house.until(call.sid, outcome="overflowed_out")


async def test_an_update_without_effect_leaves_the_caller_in_line(database: str, tmp_path: Path) -> None:
    """Accepted is not done: the bridge's deadline gives the agent's leg up, the next one is found."""

    def hasty(plan: dict[str, Any]) -> None:
        plan["timing"]["bridge"] = "1s"

    async with house_of(database, tmp_path, hasty) as house:
        house.fake.people[GRETA] = takes_calls()
        house.fake.people[CHEN] = takes_calls()
        await house.api.ready("agent-7", "agent-3")
        house.fake.ignored_updates = 1
        call = house.call(ADA)
        await house.fake.until_leg_to(CHEN)
        await call.until(f"bridged: {CHEN}")
        await house.fake.leg_to(GRETA).until("ended")
        assert not any("bridged" in words for words in house.fake.leg_to(GRETA).story)
        await house.until(call.sid, state="connected", agent_id="agent-3")


async def test_everything_twice_late_and_lost_is_one_call(house: House) -> None:
    """Documents asked for twice, status hooks twice and out of order, an answer to a dial that never came."""
    faults = house.fake.faults
    faults.documents_twice, faults.reports_twice, faults.reports_late_s = 1.0, 1.0, 5.0
    faults.next_rest("create", "lost")
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.fake.hang_up(call)
    await house.until(call.sid, state="ended", outcome="answered")
    assert len([leg for leg in house.fake.legs.values() if leg.to_number == GRETA]) == 1
    await wait_until(lambda: house.fake.leg_to(GRETA).ended)


async def test_a_called_back_customer_who_is_not_brought_leaves_no_agent_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine takes a picked-up callback for a talk and has no deadline for it: the adapter has. She waits on."""
    monkeypatch.setattr("ivr.flow.agent.JOIN_MS", 500)
    house.fake.people[CHEN] = takes_calls()
    house.fake.people[PRIYA] = Person()
    call = house.call(PRIYA, Person(presses={"called back": "1"}))
    await call.until("ended")
    await house.api.ready("agent-3")
    back = await house.fake.until_leg_to(PRIYA, timeout_s=15)
    await back.until("calling you back")
    house.fake.ignored_updates = 1
    agent = house.fake.leg_to(CHEN)
    await agent.until("room:")
    await agent.until("ended")
    await house.until(callback_id_of(call.sid), state="waiting")
    assert not back.ended


async def test_an_agents_request_that_comes_again_does_not_tear_the_caller_out_of_the_talk(house: House) -> None:
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected")
    accepted = next(one for one in house.fake.asking.log if "/accept/" in one.url)
    for url in (accepted.url, accepted.url.replace("/accept/", "/join/")):
        status, _, _ = await house.fake.asking.post(url, accepted.raw, accepted.signature)
        assert status == 200
    await house.fake.hang_up(house.fake.leg_to(GRETA))
    await call.until("ended")
    brought = [body for what, body in house.fake.requests if what == "update" and "/bridged/" in str(body)]
    assert len(brought) == 1


async def test_a_round_of_music_that_ends_in_that_very_moment_does_not_undo_the_talk(house: House) -> None:
    """jambonz plays whichever document comes last: the end of a gather and the update may be answered at once."""
    house.fake.people[GRETA] = takes_calls()
    call = house.call(ADA)
    await call.until("queue:")
    await house.api.ready("agent-7")
    await call.until(f"bridged: {GRETA}")
    held = [one for one in house.fake.asking.log if "/hold/" in one.url or "/key/" in one.url]
    following = [verb for verb in json.loads(held[-1].body) if "actionHook" in verb][-1]["actionHook"]
    status, _, body = await house.fake.asking.post(urldefrag(following)[0], json.dumps(about(call)).encode())
    assert (status, body) == (204, b"")
    await house.until(call.sid, state="connected")
    await house.fake.hang_up(house.fake.leg_to(GRETA))
    await call.until("Thank you for calling")


async def test_a_caller_who_comes_to_a_room_whose_agent_has_gone_is_sent_back_to_the_line(house: House) -> None:
    call = house.call(PRIYA)
    await call.until("queue:")
    await house.until(call.sid, state="waiting")
    hold = next(one.url for one in house.fake.asking.log if "/hold/" in one.url)
    house.fake.update(call, {"call_hook": {"url": f"{hold.partition('/hold/')[0]}/bridged/{call.sid}/1795295062606-1"}})
    await call.until("redirected:")
    await call.until("queue:", times=2)
    assert any("/wait/" in one.url for one in house.fake.asking.log)
    await house.until(call.sid, state="waiting")
