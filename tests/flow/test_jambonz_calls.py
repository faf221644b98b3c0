"""Calls on jambonz: updates that do nothing, requests that come again, rooms. The rest is told in tests/stories."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

import pytest

from loadtests.carriers.jambonz import Person
from loadtests.carriers.jambonz.asking import about
from router.callbacks import callback_id_of
from tests.support.jambonz_stage import House, house_of
from tests.support.service import serving
from tests.support.waiting import wait_until

ADA, PRIYA = "+12025550110", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_of(database, tmp_path) as found:
        yield found


def takes_calls(**more: Any) -> Person:
    return Person(presses={"take the call": "1"}, **more)


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
    following = next_of_round(house)
    status, _, body = await house.fake.asking.post(urldefrag(following)[0], json.dumps(about(call)).encode())
    assert (status, body) == (204, b"")
    await house.until(call.sid, state="connected")
    await house.fake.hang_up(house.fake.leg_to(GRETA))
    await call.until("Thank you for calling")


def next_of_round(house: House) -> str:
    """Where the caller's last round of music leads when it is over."""
    held = [one for one in house.fake.asking.log if "/hold/" in one.url or "/key/" in one.url]
    where: str = [verb for verb in json.loads(held[-1].body) if "actionHook" in verb][-1]["actionHook"]
    return where


async def test_nor_when_another_process_is_told_of_it(house: House, database: str, tmp_path: Path) -> None:
    house.fake.people[GRETA] = takes_calls()
    call = house.call(ADA)
    await call.until("queue:")
    await house.api.ready("agent-7")
    await call.until(f"bridged: {GRETA}")
    async with serving(database, tmp_path / "config") as other:
        path = urlsplit(next_of_round(house)).path
        for _ in ("the first try", "the carrier's second"):
            status, _, body = await house.fake.asking.post(other.base + path, json.dumps(about(call)).encode())
            assert (status, body) == (204, b"")
    await house.until(call.sid, state="connected")


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
