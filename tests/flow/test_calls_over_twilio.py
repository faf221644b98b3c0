"""The whole house on the line: the service as it runs, and Twilio's stand-in between it, its callers and its agents."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from config.settings import Settings
from ivr.twilio.addresses import OVERRIDES
from loadtests.carriers.twilio import FakeTwilio, Leg, Person
from router.api.server import Runner
from router.app import create_app
from router.callbacks import callback_id_of
from tests.support.service import DATABASE, SECRET, Api, write_config
from tests.support.twilio_stage import TOKEN, descriptions
from tests.support.waiting import wait_until

OPEN = "+12025550199"
ADA, LI, PRIYA = "+12025550110", "+12025550111", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"
VERIFIED = {"StirVerstat": "TN-Validation-Passed-A"}


@dataclass
class House:
    api: Api
    fake: FakeTwilio

    def call(self, number: str, person: Person | None = None) -> Leg:
        return self.fake.call(number, OPEN, person, **VERIFIED)

    async def look(self, call_id: str) -> Any:
        return await self.api.look(call_id)

    async def until(self, call_id: str, **expected: Any) -> None:
        async def holds() -> bool:
            found = await self.api.look(call_id)
            return all(found.get(name) == value for name, value in expected.items())

        await wait_until(holds, timeout=15)

    async def agent_is(self, agent_id: str, state: str) -> None:
        async def holds() -> bool:
            return bool((await self.api.get(f"/v1/agents/{agent_id}")).json["state"] == state)

        await wait_until(holds, timeout=15)


@asynccontextmanager
async def house_of(
    database: str, folder: Path, fake: FakeTwilio, change: Callable[[dict[str, Any]], None] | None = None
) -> AsyncIterator[House]:
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def there(plan: dict[str, Any]) -> None:
        plan["telephony"]["twilio"]["api"] = fake.base
        if change is not None:
            change(plan)

    async with fake.running():
        config = write_config(folder / "config", there)
        chosen = Settings(
            listen="127.0.0.1:0", data=config, config=config, redis=f"{database}?db={DATABASE}", public_url=base
        )
        app = create_app(chosen, SECRET)
        runner = Runner(app, shutdown_timeout=5)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        fake.number(OPEN, f"{base}/hooks/twilio/main/voice{OVERRIDES}", f"{base}/hooks/twilio/main/status")
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield House(Api(session, base, SECRET, app), fake)
        await fake.fall_silent()
        await runner.cleanup()


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeTwilio:
    found = FakeTwilio(TOKEN, reference=descriptions(request))
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", found.account)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    return found


@pytest.fixture
async def house(database: str, tmp_path: Path, fake: FakeTwilio) -> AsyncIterator[House]:
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


async def test_an_agent_who_does_not_answer_leaves_no_leg_ringing(house: House) -> None:
    house.fake.people[GRETA] = Person(picks="no_answer")
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
    await wait_until(lambda: any(leg.to_number == GRETA for leg in house.fake.legs.values()))
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
    await wait_until(lambda: any(leg.to_number == PRIYA for leg in house.fake.legs.values()), timeout=15)
    back = house.fake.leg_to(PRIYA)
    await back.until("calling you back")
    await back.until(f"bridged: {CHEN}")
    await house.until(back_id, state="connected")
    await house.fake.hang_up(back)
    await house.until(back_id, state="ended", outcome="answered")
    assert len([leg for leg in house.fake.legs.values() if leg.to_number == PRIYA]) == 1


async def test_nobody_comes_and_the_caller_is_told_so(database: str, tmp_path: Path, fake: FakeTwilio) -> None:
    def short(plan: dict[str, Any]) -> None:
        plan["max_wait"] = "1s"

    async with house_of(database, tmp_path, fake, short) as house:
        call = house.call(PRIYA)
        await call.until("nobody could take your call")
        await call.until("ended")
        await house.until(call.sid, outcome="overflowed_out")
