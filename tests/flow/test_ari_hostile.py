"""A peer that sends rubbish, floods, stalls or claims what is another's: counted, and no other call is affected."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ivr.ari import asterisk
from ivr.ari.link import A_SECOND, AT_ONCE
from ivr.ari.pace import set_second
from loadtests.carriers.ari import FakeAsterisk, Person
from loadtests.carriers.ari.legs import now
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of, told_apart
from tests.support.waiting import wait_until

ADA, LI, NOBODY, OPEN = "+12025550110", "+12025550111", "+12025550177", "+12025550199"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    set_second(1 / SPEED)
    yield
    set_second(1.0)


@dataclass
class Two:
    """`good` goes on as if nothing had happened, whatever `bad` does."""

    house: House
    good: FakeAsterisk
    bad: FakeAsterisk

    @property
    def counts(self) -> Any:
        return self.house.adapter.counts

    def says(self, *messages: Any) -> None:
        for message in messages:
            self.bad.send(message if isinstance(message, str) else json.dumps(message))

    async def others_talk(self) -> None:
        """A call over the good one, from the greeting to the talk."""
        self.good.people[GRETA] = Person(presses={"take the call": "1"})
        await self.house.api.ready("agent-7")
        call = self.good.call(ADA, OPEN, verstat="TN-Validation-Passed-A")
        await call.until(f"bridged: {GRETA}")
        await self.house.until(call.sid, state="connected", agent_id="agent-7")


@pytest.fixture
async def two(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> AsyncIterator[Two]:
    sounds = tmp_path / "sounds"
    good = FakeAsterisk(PASSWORD, speed=SPEED, reference=descriptions(request), sounds=sounds)
    bad = FakeAsterisk(PASSWORD, name="pbx2", speed=SPEED, sounds=sounds)
    told_apart(bad)
    async with bad.running(), house_of(database, tmp_path, good, bad) as house:
        yield Two(house, good, bad)


RUBBISH = ["", "{", "[]", "null", '"StasisStart"', "\x00", '{"type": 7}', "[" * 50_000, '{"type": "StasisStart"}']
RUBBISH += ['{"type": "ChannelDtmfReceived", "digit": "x", "channel": {"id": "1"}}']
RUBBISH += ['{"type": "ChannelDestroyed", "channel": {"id": ""}}', '{"type": "PlaybackFinished", "playback": []}']


async def test_rubbish_is_counted_and_nothing_else(two: Two) -> None:
    two.says(*RUBBISH, '{"type": "NobodyKnowsThis", "channel": 7}')
    await wait_until(lambda: two.counts["rubbish"] == len(RUBBISH))
    await two.others_talk()
    assert two.bad.connections == 1
    refused = f'vipline_hooks_refused_total{{cause="ari: rubbish",site="main"}} {len(RUBBISH)}.0'

    async def told() -> bool:
        return refused in (await two.house.api.get("/metrics")).text

    await wait_until(told)


async def test_who_sends_nothing_but_rubbish_is_cut_off_and_may_come_again(two: Two) -> None:
    two.says(*(["no"] * 200))
    await wait_until(lambda: two.counts["cut"] == 1)
    await wait_until(lambda: two.bad.connections == 2)
    await two.others_talk()


async def test_an_enormous_message_ends_the_connection(two: Two) -> None:
    two.says('{"type": "' + "x" * 1_000_000 + '"}')
    await wait_until(lambda: two.bad.connections == 2)
    await two.others_talk()


async def test_a_flood_is_read_slowly_and_keeps_nobody_waiting(two: Two) -> None:
    """More than is read in a second; the others' call is as quick as ever, the rest stays with the sender."""
    flood = json.dumps({"type": "ChannelDtmfReceived", "digit": "1", "duration_ms": 1, "channel": {"id": "nobody"}})
    two.says(*([flood] * int(AT_ONCE + 3 * A_SECOND)))
    started = time.monotonic()
    await two.others_talk()
    assert time.monotonic() - started < 20
    await wait_until(lambda: two.counts["slowed"] > 0, 30)
    assert two.counts["foreign"] > 0


async def test_keys_of_a_flood_are_kept_up_to_a_number(two: Two) -> None:
    call = two.bad.call(NOBODY, OPEN)
    await call.until("queue:")
    key = {"type": "ChannelDtmfReceived", "digit": "7", "duration_ms": 1, "channel": call.shown()}
    two.says(*([key] * 5_000))
    leg = two.house.adapter._exchanges("main")["pbx2"].legs[call.channel_id]
    await wait_until(lambda: len(leg.keys) == leg.keys.maxlen)
    await two.others_talk()


async def test_a_peer_that_stalls_keeps_nobody_else_waiting(two: Two) -> None:
    stuck = two.bad.call(NOBODY, OPEN)
    await stuck.until("queue:")
    two.bad.wires.stalled.clear()
    two.bad.rest.delay_ms = 60_000
    await two.others_talk()
    two.bad.wires.stalled.set()
    two.bad.rest.delay_ms = 0


async def test_claims_on_another_asterisks_channel_are_ignored(two: Two) -> None:
    """One peer tells of the other's channels: that they ended, that keys were pressed, that they left their bridge."""
    two.good.people[GRETA] = Person(presses={"take the call": "1"})
    await two.house.api.ready("agent-7")
    call = two.good.call(ADA, OPEN, verstat="TN-Validation-Passed-A")
    await call.until(f"bridged: {GRETA}")
    await two.house.until(call.sid, state="connected")
    agent = two.good.leg_to(GRETA)
    (bridge,) = two.good.bridges.values()
    before = two.counts["foreign"]
    for leg in (call, agent):
        channel = leg.shown()
        two.says(
            {"type": "ChannelLeftBridge", "bridge": bridge.shown() | {"channels": []}, "channel": channel},
            {"type": "ChannelHangupRequest", "channel": channel},
            {"type": "StasisEnd", "channel": channel},
            {"type": "ChannelDestroyed", "cause": 16, "cause_txt": "", "channel": channel},
        )
    await wait_until(lambda: two.counts["foreign"] >= before + 6)
    await asyncio.sleep(0.2)
    assert (await two.house.api.look(call.sid))["state"] == "connected"
    assert agent.partner is call


async def test_who_poses_as_the_agent_of_an_offer_gets_no_caller(two: Two) -> None:
    """A channel that is not the one we asked for says, by its dialplan, that it is that agent's leg."""
    two.good.people[GRETA] = Person(after_s=500)
    await two.house.api.ready("agent-7")
    call = two.good.call(ADA, OPEN, verstat="TN-Validation-Passed-A")
    leg = await two.good.until_leg_to(GRETA)
    await leg.until("ringing")
    _, _, offer, call_id = leg.channel_id.split(".", 3)
    poser = two.good.call(LI, OPEN)
    await poser.until("answered")
    shown = poser.shown() | {"id": "1700000000.99"}
    before = two.counts["foreign"]
    two.good.emit("StasisStart", args=["agent", call_id, offer], channel=shown)
    await wait_until(lambda: two.counts["foreign"] == before + 1)
    assert (await two.house.api.look(call.sid))["state"] == "offered"


async def test_another_application_s_channel_is_not_touched(two: Two) -> None:
    stranger = two.bad.call(LI, OPEN)
    await stranger.until("queue:")
    commands = len(two.bad.rest.log)
    shown = stranger.shown() | {"id": "1800000000.1"}
    two.says({"type": "StasisStart", "application": "theirs", "timestamp": now(), "args": [], "channel": shown})
    await wait_until(lambda: two.counts["foreign"] == 1)
    assert not any("1800000000.1" in path for _, path in two.bad.rest.log[commands:])


async def test_who_accepts_and_says_nothing_is_tried_again(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asterisk, "CONNECT_S", 0.2)
    came = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    plan = (await two.house.api.get("/v1/plan")).json["plan"]
    asterisks = plan["telephony"]["ari"]["asterisks"]
    asterisks["pbx3"] = asterisks["pbx1"] | {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}
    assert (await two.house.api.put("/v1/plan", plan)).status == 200
    await wait_until(lambda: came >= 2)
    await two.others_talk()
    server.close()
