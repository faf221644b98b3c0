"""The whole house on the line, over Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ivr.ari import player
from loadtests.carriers.ari import FakeAsterisk, Person
from router.callbacks import callback_id_of
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of
from tests.support.waiting import wait_until

ADA, LI, PRIYA = "+12025550110", "+12025550111", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"


@pytest.fixture
def fake(request: pytest.FixtureRequest, tmp_path: Path) -> FakeAsterisk:
    return FakeAsterisk(PASSWORD, speed=SPEED, reference=descriptions(request), sounds=tmp_path / "sounds")


@pytest.fixture
async def house(database: str, tmp_path: Path, fake: FakeAsterisk) -> AsyncIterator[House]:
    async with house_of(database, tmp_path, fake) as found:
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
    assert any("diamond customer Ms Ada Marlow" in words for words in agent.story)
    await house.fake.hang_up(agent)
    await house.until(call.sid, state="ended", outcome="answered")
    await call.until("ended")
    await house.agent_is("agent-7", "wrapping")


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


@pytest.mark.parametrize("picks", ["no_answer", "busy", "declines", "device", "network"])
async def test_an_agent_who_does_not_come_leaves_no_leg_ringing(house: House, picks: Any) -> None:
    house.fake.people[GRETA] = Person(picks=picks)
    house.fake.people[CHEN] = takes_calls()
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.until(call.sid, state="connected", agent_id="agent-3")
    assert house.fake.leg_to(GRETA).ended


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
    back = await house.fake.until_leg_to(PRIYA)
    await back.until("calling you back")
    await back.until(f"bridged: {CHEN}")
    await house.until(back_id, state="connected")
    await house.fake.hang_up(back)
    await house.until(back_id, state="ended", outcome="answered")
    assert len([leg for leg in house.fake.legs.values() if leg.to_number == PRIYA]) == 1


async def test_nobody_comes_and_the_caller_is_told_so(database: str, tmp_path: Path, fake: FakeAsterisk) -> None:
    def short(plan: dict[str, Any]) -> None:
        plan["max_wait"] = "1s"

    async with house_of(database, tmp_path, fake, change=short) as house:
        call = house.call(PRIYA)
        await call.until("nobody could take your call")
        await call.until("ended")
        await house.until(call.sid, outcome="overflowed_out")


async def test_nothing_is_left_behind(house: House) -> None:
    """No leg, no bridge beyond the one kept for the next talk."""
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.fake.hang_up(call)
    await house.fake.leg_to(GRETA).until("ended")
    exchange = house.adapter._exchanges("main")["pbx1"]
    await wait_until(lambda: not exchange.legs and not house.fake.channels)
    assert [bridge.members for bridge in house.fake.bridges.values()] == [[]]


@pytest.mark.parametrize("what", ["answer", "play", "music", "join_bridge", "create_bridge"])
@pytest.mark.parametrize("fate", ["busy", "broken", "lost", "silent"])
async def test_a_command_asterisk_cannot_take_or_answer_just_now(house: House, what: str, fate: Any) -> None:
    """Nobody is left in silence, and the talk comes about."""
    house.fake.people[GRETA] = takes_calls()
    house.fake.people[CHEN] = takes_calls()
    house.fake.faults.next_rest(what, fate)
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until("Ms Ada Marlow")
    await call.until("bridged: ")
    await house.until(call.sid, state="connected")


async def test_an_asterisk_that_plays_nothing_any_more_is_left(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Better hung up than in silence for ever."""
    monkeypatch.setattr(player, "TRIES", (0.01,) * 5)
    for _ in range(20):
        house.fake.faults.next_rest("play", "broken")
    call = house.call(PRIYA)
    await call.until("ended")
    await house.until(call.sid, state="ended")
