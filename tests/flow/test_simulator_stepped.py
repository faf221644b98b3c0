"""The whole service on a clock that stands still: minutes of calls in no time, and twice the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from config.settings import Settings
from ivr.simulator.adapter import Simulator
from ivr.simulator.clock import SteppedClock
from ivr.simulator.exchange import Exchange
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.simulator import SimulatedCarrier
from router.api.server import Runner
from router.app import create_app
from router.process import port_of
from tests.support.service import DATABASE, SECRET, Api, flush, write_config
from tests.support.stepped import Stepper

OPEN = "+12025550199"
ADA, LI, PRIYA = "+12025550110", "+12025550111", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"
MORNING_MS = 1_790_000_000_000
TAKES = {"take the call": "1"}


@dataclass
class Still:
    api: Api
    carrier: SimulatedCarrier
    stepper: Stepper

    def call(self, number: str, person: Person | None = None) -> Leg:
        return self.carrier.call(number, OPEN, person)


@asynccontextmanager
async def still_house(database: str, folder: Path) -> AsyncIterator[Still]:
    def there(plan: dict[str, Any]) -> None:
        plan["telephony"] = {"simulator": {}}

    clock = SteppedClock(MORNING_MS)
    carrier = SimulatedCarrier(exchange=Exchange(clock, tag="t"))
    config = write_config(folder, there)
    chosen = Settings(listen="127.0.0.1:0", data=config, config=config, redis=f"{database}?db={DATABASE}")
    app = create_app(chosen, SECRET, adapters=[Simulator(carrier.exchange)], clock=clock)
    runner = Runner(app, shutdown_timeout=5)
    async with carrier.running():
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            api = Api(session, f"http://127.0.0.1:{port_of(runner)}", SECRET, app)
            yield Still(api, carrier, Stepper(carrier.exchange, clock, api.site))
        await carrier.fall_silent()
        await runner.cleanup()


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[Still]:
    async with still_house(database, tmp_path) as found:
        yield found


async def test_nobody_comes_for_half_an_hour_and_it_takes_no_time(house: Still) -> None:
    call = house.call(PRIYA)
    await house.stepper.run(29 * 60)
    assert (await house.api.look(call.sid))["state"] == "waiting"
    assert (await house.api.look(call.sid))["waited_ms"] == pytest.approx(29 * 60_000, abs=2_000)
    await house.stepper.run(2 * 60)
    assert (await house.api.look(call.sid))["outcome"] == "overflowed_out"
    assert any("nobody could take your call" in words for words in call.story)
    assert call.ended


async def test_an_offer_that_is_ignored_comes_back_to_the_second(house: Still) -> None:
    house.carrier.people[GRETA] = Person(picks="no_answer")
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await house.stepper.run(19.9)
    assert (await house.api.look(call.sid))["state"] == "offered"
    await house.stepper.run(0.2)
    assert (await house.api.look(call.sid))["state"] == "waiting"
    await house.stepper.run(2)
    assert house.carrier.leg_to(GRETA).ended


async def an_hour(house: Still) -> dict[str, list[str]]:
    """Two VIPs of one agent, one who waits for her, a callback, and an agent who is slow."""
    house.carrier.people |= {GRETA: Person(presses=TAKES), CHEN: Person(presses=TAKES, after_s=9), PRIYA: Person()}
    await house.api.ready("agent-7")
    house.call(ADA, Person(talks_s=200))
    await house.stepper.run(30)
    house.call(LI, Person(presses={"2 to wait": "2"}, talks_s=60))
    house.call(PRIYA, Person(presses={"called back": "1"}))
    await house.stepper.run(300)
    await house.api.ready("agent-3")
    await house.stepper.run(600)
    return {leg.sid: leg.story for leg in house.carrier.legs.values()}


async def test_the_same_hour_is_the_same_to_the_letter(database: str, tmp_path: Path) -> None:
    stories = []
    for name in ("one", "other"):
        async with still_house(database, tmp_path / name) as house:
            stories.append(await an_hour(house))
        flush(database)
    first, second = stories
    assert list(first) == list(second)
    for sid, story in first.items():
        assert story == second[sid]
    assert sum(any(words.startswith("bridged") for words in story) for story in first.values()) == 6
