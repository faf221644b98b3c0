"""Calls over Asterisk: what it may refuse, and what must not be left on it. The rest is told in tests/stories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ivr.ari import player
from loadtests.carriers.ari import FakeAsterisk, Person
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of
from tests.support.waiting import wait_until

ADA, PRIYA = "+12025550110", "+12025550116"
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
