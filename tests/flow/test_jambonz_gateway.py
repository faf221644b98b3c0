"""Our actions over jambonz's REST API, on a real socket: what was accepted, refused, lost, or is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.jambonz.gateway import target_of
from ivr.vocabulary import Interrupt, Originate, Route, Terminate
from loadtests.carriers.jambonz import JambonzLeg, Person
from tests.support.jambonz_stage import CALLER, MAIN, Stage, stage
from tests.support.waiting import wait_until

CALL, OFFER, GRETA = "0e0681b0-d49f-4fb8-b973-b5a3c6758de1", "1795295062606-1", "sip:7@pbx"


@pytest.fixture
async def jambonz(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as found:
        found.jambonz.people[GRETA] = Person(after_s=2_000)
        yield found


def ring(leg_id: str = OFFER, target: str = GRETA) -> Originate:
    answered, status = Route("whisper", CALL, leg_id), Route("status-agent", CALL, leg_id)
    return Originate(leg_id, "agent", target, MAIN, answered, status, 20_000)


async def place(jambonz: Stage) -> JambonzLeg:
    done = await jambonz.adapter.gateway.perform("main", ring(), None)
    assert done.leg is not None
    assert not done.gone
    return jambonz.jambonz.legs[done.leg]


async def test_an_agent_is_called(jambonz: Stage) -> None:
    leg = await place(jambonz)
    (_, body), *_ = jambonz.jambonz.requests
    assert body["tag"] == {"call": CALL, "leg": OFFER}
    assert body["to"] == {"type": "sip", "sipUri": GRETA}
    assert body["timeout"] == 20
    assert body["call_hook"]["method"] == "POST"
    assert f"/whisper/{CALL}/{OFFER}" in body["call_hook"]["url"]
    await leg.until("ringing")


def test_whom_an_endpoint_means() -> None:
    assert target_of("sips:7@pbx") == {"type": "sip", "sipUri": "sips:7@pbx"}
    assert target_of("user:greta@realm.example") == {"type": "user", "name": "greta@realm.example"}
    assert target_of("+12025550111") == {"type": "phone", "number": "+12025550111"}


async def test_a_ringing_leg_and_a_talking_one_are_ended_alike(jambonz: Stage) -> None:
    ringing = await place(jambonz)
    assert await jambonz.adapter.gateway.perform("main", Terminate(OFFER), ringing.sid) == Done(ringing.sid)
    await ringing.until("ended: no-answer")
    caller = jambonz.jambonz.call(CALLER, MAIN)
    await caller.until("answered")
    await jambonz.adapter.gateway.perform("main", Terminate(caller.sid), None)
    await caller.until("ended: completed")


async def test_a_leg_that_is_gone_is_no_error(jambonz: Stage) -> None:
    leg = await place(jambonz)
    await jambonz.jambonz.hang_up(leg)
    for action in (Terminate(OFFER), Interrupt(OFFER, Route("join", CALL, OFFER))):
        assert (await jambonz.adapter.gateway.perform("main", action, leg.sid)).gone
    never_placed = await jambonz.adapter.gateway.perform("main", Terminate(OFFER), None)
    assert never_placed.gone


async def test_an_interrupt_is_accepted_before_it_has_any_effect(jambonz: Stage) -> None:
    caller = jambonz.jambonz.call(CALLER, MAIN)
    await caller.until("say:")
    connect = Interrupt(caller.sid, Route("connect", caller.sid, OFFER))
    jambonz.jambonz.ignored_updates = 1
    assert await jambonz.adapter.gateway.perform("main", connect, None) == Done(caller.sid)
    assert await jambonz.adapter.gateway.perform("main", connect, None) == Done(caller.sid)
    await caller.until("redirected:")
    await caller.until("queue:")
    assert jambonz.desk.pages().count("connect") == 1


async def test_a_lost_answer_is_looked_for(jambonz: Stage) -> None:
    jambonz.jambonz.faults.next_rest("create", "lost")
    with pytest.raises(GatewayUnknown):
        await jambonz.adapter.gateway.perform("main", ring(), None)
    found = await jambonz.adapter.gateway.find("main", ring(), 0)
    assert found in jambonz.jambonz.legs
    assert await jambonz.adapter.gateway.find("main", ring("1795295062606-2"), 0) is None


async def test_a_leg_is_found_by_whom_it_rings_where_lists_show_no_tag(jambonz: Stage) -> None:
    leg = await place(jambonz)
    leg.tag = None
    assert await jambonz.adapter.gateway.find("main", ring(), 0) == leg.sid
    assert await jambonz.adapter.gateway.find("main", ring(target="sip:3@pbx"), 0) is None
    await jambonz.jambonz.hang_up(leg)
    assert await jambonz.adapter.gateway.find("main", ring(), 0) is None


async def test_what_may_be_tried_again_and_what_may_not(jambonz: Stage) -> None:
    gateway, faults = jambonz.adapter.gateway, jambonz.jambonz.faults
    faults.next_rest("create", "busy", "broken")
    with pytest.raises(GatewayBusy):
        await gateway.perform("main", ring(), None)
    with pytest.raises(GatewayUnknown):
        await gateway.perform("main", ring(), None)
    faults.next_rest("list", "broken")
    with pytest.raises(GatewayBusy):
        await gateway.find("main", ring(), 0)
    jambonz.jambonz.key = "another key"
    with pytest.raises(GatewayRefused):
        await gateway.perform("main", ring(), None)


async def test_nobody_can_be_called_without_a_key(jambonz: Stage) -> None:
    assert jambonz.adapter.can_dial("main")
    (jambonz.folder / "api_key").write_text("")
    await wait_until(lambda: not jambonz.adapter.can_dial("main"))
    with pytest.raises(GatewayRefused):
        await jambonz.adapter.gateway.perform("main", ring(), None)
