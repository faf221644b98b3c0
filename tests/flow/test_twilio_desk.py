"""The adapter with the desk behind it: real engine, real documents, Twilio's stand-in on the line."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import web

from config.telephony import Twilio as Section
from ivr.desk import Desk
from ivr.twilio.addresses import OVERRIDES
from ivr.twilio.provider import Twilio
from ivr.vocabulary import Originate, Route
from loadtests.carriers.twilio import FakeTwilio, Leg, Person
from tests.support.service import Api
from tests.support.twilio_stage import CALLER, TOKEN, descriptions
from tests.support.waiting import wait_until

AGENT = "sip:3@pbx"
OPEN = "+12025550199"
"""Not in the sample plan, so it has no hours."""


@dataclass
class House:
    api: Api
    fake: FakeTwilio
    twilio: Twilio


@pytest.fixture
async def house(api: Api, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    fake = FakeTwilio(TOKEN, reference=descriptions(request))
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", fake.account)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with fake.running():
        twilio = Twilio(base)
        there = api.site.plan.telephony.model_copy(update={"twilio": _section(fake.base)})
        twilio.serve("main", Desk(api.site), lambda: api.site.plan.model_copy(update={"telephony": there}))
        app = web.Application()
        app.add_routes(twilio.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        fake.number(OPEN, f"{base}/hooks/twilio/main/voice{OVERRIDES}", f"{base}/hooks/twilio/main/status")
        yield House(api, fake, twilio)
        await fake.fall_silent()
        await twilio.close()
        await runner.cleanup()


def _section(api: str) -> Section:
    secrets = {"account_sid": {"env": "TWILIO_ACCOUNT_SID"}, "auth_token": {"env": "TWILIO_AUTH_TOKEN"}}
    return Section.model_validate({"api": api, **secrets})


async def test_a_caller_is_greeted_and_held_while_nobody_is_on_duty(house: House):
    house.fake.faults.documents_twice = 1.0
    call = house.fake.call(CALLER, OPEN)
    await call.until("queue: w-" + call.sid)
    await call.until("say:", times=3)
    assert (await house.api.look(call.sid))["state"] == "waiting"
    await house.fake.hang_up(call)
    await wait_until(lambda: _ended(house, call.sid))


async def test_a_caller_who_leaves_at_once_is_remembered_as_that(house: House):
    call = house.fake.call(CALLER, OPEN, Person(hangs_up_at=" "))
    await call.until("ended")
    await wait_until(lambda: _ended(house, call.sid))


async def _ended(house: House, call_id: str) -> bool:
    return bool((await house.api.look(call_id))["state"] == "ended")


async def test_a_caller_is_connected_and_the_talk_is_counted(house: House):
    house.fake.faults.documents_twice = 1.0
    house.fake.people[AGENT] = Person(presses={"take the call": "1"})
    call = house.fake.call(CALLER, OPEN)
    await call.until("queue:")
    await _connect(house, call)
    assert (await house.api.look(call.sid))["state"] == "connected"
    await house.fake.hang_up(house.fake.leg_to(AGENT))
    await wait_until(lambda: _ended(house, call.sid))
    assert (await house.api.look(call.sid))["outcome"] == "answered"


async def _connect(house: House, call: Leg) -> None:
    """What the outbox does: the agent who is offered the call is called."""
    await house.api.ready("agent-3")
    await wait_until(lambda: _has_offer(house, call.sid))
    offer = (await house.api.look(call.sid))["offer"]["offer_id"]
    whisper, status = Route("whisper", call.sid, offer), Route("status", call.sid, offer)
    ring = Originate(offer, "agent", AGENT, OPEN, whisper, status, 20_000)
    await house.twilio.gateway.perform("main", ring, None)
    await call.until(f"bridged: {AGENT}")


async def _has_offer(house: House, call_id: str) -> bool:
    return (await house.api.look(call_id)).get("offer") is not None


async def test_a_whole_call_played_again_changes_nothing_and_says_the_same(house: House):
    house.fake.people[AGENT] = Person(presses={"take the call": "1"})
    call = house.fake.call(CALLER, OPEN)
    await call.until("queue:")
    await _connect(house, call)
    await house.fake.hang_up(house.fake.leg_to(AGENT))
    await call.until("ended")
    await wait_until(lambda: _ended(house, call.sid))
    await house.fake.fall_silent()
    before = await house.api.look(call.sid)
    for asked in list(house.fake.asking.log):
        status, _, body = await house.fake.asking.post(asked.url, asked.form, "again", 5.0)
        assert (status, body) == (asked.status, asked.body), asked.url
    assert await house.api.look(call.sid) == before
