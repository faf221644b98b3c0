"""Actions on an Asterisk: rung once however often it is asked, by any endpoint, where the caller is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ivr.ari.pace import set_second
from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.vocabulary import Interrupt, Originate, Route, Terminate
from loadtests.carriers.ari import FakeAsterisk, Person
from router.callbacks import callback_id_of
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of, told_apart
from tests.support.waiting import wait_until

PRIYA, OPEN = "+12025550116", "+12025550199"
CHEN, OFFER, CALL = "sip:3@pbx", "1700000000000-0", "pbx1:1.1"


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    set_second(1 / SPEED)
    yield
    set_second(1.0)


@pytest.fixture
def fake(request: pytest.FixtureRequest, tmp_path: Path) -> FakeAsterisk:
    return FakeAsterisk(PASSWORD, speed=SPEED, reference=descriptions(request), sounds=tmp_path / "sounds")


@pytest.fixture
async def house(database: str, tmp_path: Path, fake: FakeAsterisk) -> AsyncIterator[House]:
    async with house_of(database, tmp_path, fake) as found:
        yield found


def ring(target: str = "PJSIP/100") -> Originate:
    whisper, status = Route("whisper", CALL, OFFER), Route("status-agent", CALL, OFFER)
    return Originate(OFFER, "agent", target, "+12025550100", whisper, status, 20_000)


async def test_asked_twice_it_rings_once(house: House) -> None:
    """The second time Asterisk knows the id: a 409 is our own repeat."""
    gateway = house.adapter.gateway
    house.fake.people["PJSIP/100"] = Person(after_s=500)
    first = await gateway.perform("main", ring(), None)
    assert first == Done(f"vl.agent.{OFFER}.{CALL}")
    assert await gateway.perform("main", ring(), None) == first
    assert len(house.fake.legs) == 1
    assert await gateway.is_up("main", first.leg or "")
    assert await gateway.is_up("main", "nobody") is False
    assert await gateway.find("main", ring(), 0) == first.leg


async def test_what_is_not_known_is_looked_for(house: House) -> None:
    gateway = house.adapter.gateway
    house.fake.people["PJSIP/100"] = Person(after_s=500)
    house.fake.faults.next_rest("originate", "silent")
    with pytest.raises(GatewayUnknown):
        await gateway.perform("main", ring(), None)
    assert await gateway.find("main", ring(), 0) is None
    house.fake.faults.next_rest("originate", "lost")
    with pytest.raises(GatewayUnknown):
        await gateway.perform("main", ring(), None)
    assert await gateway.find("main", ring(), 0) == f"vl.agent.{OFFER}.{CALL}"


async def test_a_leg_that_was_placed_and_has_ended_is_found_too(house: House) -> None:
    gateway = house.adapter.gateway
    house.fake.people["PJSIP/100"] = Person(picks="busy", after_s=0)
    placed = await gateway.perform("main", ring(), None)
    await house.fake.leg_to("PJSIP/100").until("ended")
    await wait_until(lambda: not house.adapter._exchanges("main")["pbx1"].legs)
    assert await gateway.find("main", ring(), 0) == placed.leg


@pytest.mark.parametrize("target", ["client:x", "PJSIP/1&PJSIP/2", ""])
async def test_who_cannot_be_dialled_is_refused(house: House, target: str) -> None:
    with pytest.raises(GatewayRefused) as refused:
        await house.adapter.gateway.perform("main", ring(target), None)
    assert refused.value.cause == "device"


async def test_a_local_channel_is_dialled_as_it_is(house: House) -> None:
    house.fake.people["Local/100@agents"] = Person(after_s=500)
    house.fake.aliases["Local/100@agents"] = "Local/100@agents"
    await house.adapter.gateway.perform("main", ring("Local/100@agents"), None)
    assert house.fake.leg_to("Local/100@agents")


async def test_a_leg_that_is_gone_is_no_error(house: House) -> None:
    gateway = house.adapter.gateway
    assert await gateway.perform("main", Terminate(OFFER), None) == Done(None, gone=True)
    assert await gateway.perform("main", Interrupt(OFFER, Route("join", CALL, OFFER)), None) == Done(None, gone=True)


async def test_without_a_connection_it_is_tried_again_later(house: House) -> None:
    house.fake.wires.refuses = True
    await house.fake.wires.drop()
    await wait_until(lambda: not house.adapter.is_ready("main"))
    for action in (ring(), Terminate(OFFER)):
        with pytest.raises(GatewayBusy):
            await house.adapter.gateway.perform("main", action, None)
    assert await house.adapter.gateway.is_up("main", OFFER) is None


async def test_both_legs_of_a_callback_are_on_one_asterisk(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, fake: FakeAsterisk
) -> None:
    other = FakeAsterisk(
        PASSWORD, name="pbx2", speed=SPEED, reference=descriptions(request), sounds=tmp_path / "sounds"
    )
    told_apart(other)
    async with other.running(), house_of(database, tmp_path, fake, other) as house:
        both: tuple[FakeAsterisk, ...] = (fake, other)
        for one in both:
            one.people[CHEN] = Person(presses={"take the call": "1"})
            one.people[PRIYA] = Person()
        call = other.call(PRIYA, OPEN, Person(presses={"called back": "1"}), verstat="TN-Validation-Passed-A")
        await call.until("ended")
        await house.until(call.sid, outcome="callback")
        await house.api.ready("agent-3")
        await house.until(callback_id_of(call.sid), state="connected")
        placed: list[list[Any]] = [[leg for leg in one.legs.values() if not leg.inbound] for one in both]
        assert sorted(map(len, placed)) == [0, 2]


async def test_an_asterisk_that_is_added_to_the_plan_is_spoken_with(
    request: pytest.FixtureRequest, house: House, tmp_path: Path
) -> None:
    other = FakeAsterisk(
        PASSWORD, name="pbx2", speed=SPEED, reference=descriptions(request), sounds=tmp_path / "sounds"
    )
    async with other.running():
        plan = (await house.api.get("/v1/plan")).json["plan"]
        asterisks = plan["telephony"]["ari"]["asterisks"]
        asterisks["pbx2"] = asterisks["pbx1"] | {"url": other.base}
        assert (await house.api.put("/v1/plan", plan)).status == 200
        await wait_until(lambda: other.wires.connected)
        call = other.call(PRIYA, OPEN)
        await call.until("queue:")
        del asterisks["pbx2"]
        assert (await house.api.put("/v1/plan", plan)).status == 200
        await wait_until(lambda: not other.wires.connected)
        await other.fall_silent()
    assert house.fake.wires.connected
