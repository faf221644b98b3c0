"""Agents whose phone is busy elsewhere are not offered, and come back by themselves; their own choice stays theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ivr.ari.pace import set_second
from loadtests.carriers.ari import FakeAsterisk, Person
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of
from tests.support.waiting import wait_until

ADA, GRETA, PHONE = "+12025550110", "sip:7@pbx", "PJSIP/7"


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    set_second(1 / SPEED)
    yield
    set_second(1.0)


@pytest.fixture
async def house(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> AsyncIterator[House]:
    fake = FakeAsterisk(PASSWORD, speed=SPEED, reference=descriptions(request), sounds=tmp_path / "sounds")
    async with house_of(database, tmp_path, fake) as found:
        await wait_until(lambda: f"deviceState:{PHONE}" in found.fake.watched)
        yield found


async def test_on_a_private_call_nobody_is_offered(house: House) -> None:
    house.fake.people[GRETA] = Person(presses={"take the call": "1"})
    await house.api.ready("agent-7")
    house.fake.phones.put(PHONE, "INUSE")
    await house.agent_is("agent-7", "break", reason="phone-busy")
    call = house.call(ADA)
    await call.until("queue:")
    assert not [leg for leg in house.fake.legs.values() if leg.to_number == GRETA]
    house.fake.phones.put(PHONE, "NOT_INUSE")
    await call.until(f"bridged: {GRETA}")


async def test_while_a_private_call_rings_nobody_is_offered(house: House) -> None:
    house.fake.people[GRETA] = Person(presses={"take the call": "1"})
    await house.api.ready("agent-7")
    house.fake.phones.put(PHONE, "RINGING")
    await house.agent_is("agent-7", "break", reason="phone-busy")
    call = house.call(ADA)
    await call.until("queue:")
    house.fake.phones.put(PHONE, "NOT_INUSE")
    await call.until(f"bridged: {GRETA}")


async def test_a_phone_that_is_off_is_not_rung(house: House) -> None:
    await house.api.ready("agent-7")
    house.fake.phones.put(PHONE, "UNAVAILABLE")
    await house.agent_is("agent-7", "break", reason="phone-away")
    house.fake.phones.put(PHONE, "NOT_INUSE")
    await house.agent_is("agent-7", "ready")


async def test_whoever_chose_a_break_is_not_called_back_from_it(house: House) -> None:
    await house.api.ready("agent-7")
    house.fake.phones.put(PHONE, "INUSE")
    await house.agent_is("agent-7", "break", reason="phone-busy")
    chosen = {"state": "offline"}
    assert (await house.api.put("/v1/agents/agent-7/state", chosen)).status == 200
    house.fake.phones.put(PHONE, "NOT_INUSE")
    await wait_until(lambda: not _flagged(house))
    await house.agent_is("agent-7", "offline")


async def test_our_own_calls_are_no_private_ones(house: House) -> None:
    """Their phone rings, talks and is hung up by us: they wrap up as always."""
    house.fake.people[GRETA] = Person(presses={"take the call": "1"})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.agent_is("agent-7", "talking")
    await house.fake.hang_up(house.fake.leg_to(GRETA))
    await house.agent_is("agent-7", "wrapping")
    await house.api.ready("agent-7")
    await house.agent_is("agent-7", "ready")


async def test_a_phone_that_became_busy_in_a_gap_is_seen(house: House) -> None:
    await house.api.ready("agent-7")
    house.fake.wires.refuses = True
    await house.fake.wires.drop()
    house.fake.phones.take(PHONE, "1800000000.1", "INUSE")
    house.fake.wires.refuses = False
    await house.agent_is("agent-7", "break", reason="phone-busy")
    house.fake.phones.release(PHONE, "1800000000.1")
    await house.agent_is("agent-7", "ready")


def _flagged(house: House) -> dict[str, str]:
    presence = house.adapter._exchanges("main")["pbx1"].on_device.__self__  # type: ignore[attr-defined]
    found: dict[str, str] = presence._flagged
    return found
