"""Gaps: the connection drops, another process takes over, an Asterisk is lost. What is left is adopted or ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from ivr.ari.pace import set_second
from loadtests.carriers.ari import FakeAsterisk, Person
from router.callbacks import callback_id_of
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of, serving, told_apart
from tests.support.service import listening
from tests.support.waiting import wait_until

ADA, LI, PRIYA = "+12025550110", "+12025550111", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    """Our seconds last as long as the far end's."""
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


def takes_calls(**more: Any) -> Person:
    return Person(presses={"take the call": "1"}, **more)


async def talking(house: House) -> tuple[Any, Any]:
    house.fake.people[GRETA] = takes_calls()
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected", agent_id="agent-7")
    return call, house.fake.leg_to(GRETA)


async def gap(house: House, *happenings: Any) -> None:
    """The connection is cut, things happen that nobody hears, and it comes back."""
    house.fake.wires.refuses = True
    await house.fake.wires.drop()
    await wait_until(lambda: not house.adapter.is_ready("main"))
    for happening in happenings:
        await happening
    house.fake.wires.refuses = False
    await house.connected()


async def test_a_talk_goes_on_through_a_gap(house: House) -> None:
    call, agent = await talking(house)
    await gap(house)
    assert agent.partner is call
    await house.fake.hang_up(agent)
    await call.until("Thank you for calling")
    await house.until(call.sid, state="ended", outcome="answered")
    await house.agent_is("agent-7", "wrapping")


async def test_a_talk_with_a_number_outside_goes_on_through_a_gap(
    database: str, tmp_path: Path, fake: FakeAsterisk
) -> None:
    def closed(plan: dict[str, Any]) -> None:
        plan["hours"]["office"] = {"open": {"daily": []}, "exit": "number:+12025550133"}

    async with house_of(database, tmp_path, fake, change=closed) as house:
        call = fake.call(PRIYA, "+12025550100")
        await call.until("bridged: +12025550133")
        outside = fake.leg_to("+12025550133")
        await gap(house)
        assert outside.partner is call
        await fake.hang_up(outside)
        await call.until("ended")


async def test_a_waiting_caller_is_held_again(house: House) -> None:
    call = house.call(PRIYA)
    await call.until("queue:")
    before = len(call.story)
    await gap(house)
    await wait_until(lambda: any("queue:" in words for words in call.story[before:]))
    house.fake.people[CHEN] = takes_calls()
    await house.api.ready("agent-3")
    await call.until(f"bridged: {CHEN}")


async def test_who_hung_up_in_the_gap_has_left(house: House) -> None:
    call = house.call(PRIYA)
    await call.until("queue:")
    await gap(house, house.fake.hang_up(call))
    await house.until(call.sid, state="ended", outcome="short_abandoned")


async def test_an_agent_who_hung_up_in_the_gap_has_ended_the_talk(house: House) -> None:
    call, agent = await talking(house)
    await gap(house, house.fake.hang_up(agent))
    await house.until(call.sid, state="ended", outcome="answered")
    await call.until("ended")
    await house.agent_is("agent-7", "wrapping")


async def test_an_agent_who_answers_in_the_gap_hears_who_comes(house: House) -> None:
    house.fake.people[GRETA] = takes_calls(after_s=10)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    leg = await house.fake.until_leg_to(GRETA)
    await leg.until("ringing")
    await gap(house, leg.until("answered"))
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected", agent_id="agent-7")


async def test_the_dialplan_s_half_of_a_local_channel_is_no_leg(house: House) -> None:
    """Asterisk lists it and tells of it: it is not taken up, not hung up, and nothing to be counted."""
    local = "Local/107@agents"
    house.fake.people[local] = takes_calls()
    house.fake.aliases[local] = local
    agent = (await house.api.get("/v1/agents/agent-7")).json
    profile = {key: agent[key] for key in ("name", "groups", "skills")} | {"endpoint": local}
    assert (await house.api.put("/v1/agents/agent-7", profile)).status == 200
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {local}")
    await house.until(call.sid, state="connected", agent_id="agent-7")
    await gap(house)
    exchange = house.adapter._exchanges("main")["pbx1"]
    assert len(exchange.legs) == 2
    assert len(house.fake.channels) == 3
    await house.fake.hang_up(house.fake.leg_to(local))
    await house.until(call.sid, state="ended", outcome="answered")
    await wait_until(lambda: not exchange.legs)
    assert house.adapter.counts["foreign"] == 0


async def test_a_caller_who_came_in_the_gap_is_greeted(house: House) -> None:
    calls = []

    async def come() -> None:
        calls.append(house.call(ADA))
        await wait_until(lambda: calls[0].args is not None)

    await gap(house, come())
    await calls[0].until("Ms Ada Marlow")


async def test_an_asterisk_that_starts_anew_has_no_calls(house: House) -> None:
    """All its channels and bridges are gone at once: nobody waits, nobody talks, no agent is stuck."""
    call, _ = await talking(house)
    waiting = house.call(PRIYA)
    await waiting.until("queue:")

    async def anew() -> None:
        house.fake.channels.clear()
        house.fake.bridges.clear()

    await gap(house, anew())
    await house.until(call.sid, state="ended")
    await house.until(waiting.sid, state="ended")
    await house.agent_is("agent-7", "wrapping")


async def test_nothing_more_is_done_once_somebody_else_speaks_for_us(
    database: str, tmp_path: Path, fake: FakeAsterisk
) -> None:
    """Not even, later, that the calls were lost: they are somebody else's."""

    def soon(plan: dict[str, Any]) -> None:
        plan["telephony"]["ari"]["lost"] = "1s"

    async with house_of(database, tmp_path, fake, change=soon) as house:
        call = house.call(PRIYA)
        await call.until("queue:")
        fake.send('{"type": "ApplicationReplaced"}')
        await wait_until(lambda: house.adapter.counts["taken_over"] == 1)
        before = fake.rest.counts.total()
        await asyncio.sleep(1.3)
        assert fake.rest.counts.total() == before
        assert (await house.api.look(call.sid))["state"] == "waiting"
        assert not call.ended


async def test_another_process_takes_over_a_talk_and_a_wait(database: str, tmp_path: Path, fake: FakeAsterisk) -> None:
    """Channels outlive the process that played to them."""
    told_apart(fake)
    async with fake.running():
        async with serving(database, tmp_path / "first", listening()[0], fake) as first:
            call, agent = await talking(first)
            waiting = first.call(PRIYA)
            await waiting.until("queue:")
        assert not fake.wires.connected
        assert agent.partner is call
        async with serving(database, tmp_path / "second", listening()[0], fake) as second:
            await second.connected()
            await fake.hang_up(agent)
            await call.until("Thank you for calling")
            await second.until(call.sid, state="ended", outcome="answered")
            fake.people[CHEN] = takes_calls()
            await second.api.ready("agent-3")
            await waiting.until(f"bridged: {CHEN}")
            await fake.fall_silent()


@pytest.mark.parametrize("connects_to", ["", "both"])
async def test_of_two_processes_one_speaks_with_asterisk_and_the_other_takes_over(
    database: str, tmp_path: Path, fake: FakeAsterisk, connects_to: str
) -> None:
    """When Asterisk connects to us it comes to any of them, and is sent away until it finds the one."""
    told_apart(fake)
    ports = (listening()[0], listening()[0])
    addresses = [f"http://127.0.0.1:{port.getsockname()[1]}/hooks/ari/main/{fake.name}" for port in ports]
    fake.connects_to = " ".join(addresses) if connects_to else ""
    async with fake.running(), AsyncExitStack() as leaving:
        first = await leaving.enter_async_context(serving(database, tmp_path / "both", ports[0], fake))
        async with serving(database, tmp_path / "both", ports[1], fake, leads=False) as second:
            call, agent = await talking(first)
            assert not second.adapter.is_ready("main")
            assert fake.connections == 1
            await leaving.aclose()
            await wait_until(lambda: second.adapter.is_ready("main"), timeout=15)
            assert agent.partner is call
            await fake.hang_up(agent)
            await call.until("Thank you for calling")
            await second.until(call.sid, state="ended", outcome="answered")
            await fake.fall_silent()


@pytest.mark.parametrize("goes", ["caller", "agent", "both"])
async def test_who_left_while_no_process_was_there_has_left(
    database: str, tmp_path: Path, fake: FakeAsterisk, goes: str
) -> None:
    told_apart(fake)
    async with fake.running():
        async with serving(database, tmp_path / "first", listening()[0], fake) as first:
            call, agent = await talking(first)
            back_id = await called_back(first)
        for leg in (call, agent):
            if goes in ("both", "caller" if leg is call else "agent"):
                await fake.hang_up(leg)
                await fake.hang_up(fake.leg_to(PRIYA if leg is call else CHEN))
        async with serving(database, tmp_path / "second", listening()[0], fake) as second:
            await second.until(call.sid, state="ended", outcome="answered")
            await second.until(back_id, state="ended", outcome="answered")
            await second.agent_is("agent-7", "wrapping")
            await second.agent_is("agent-3", "wrapping")
            await wait_until(lambda: not fake.channels)
            await fake.fall_silent()


async def called_back(house: House) -> str:
    """Priya talks to Chen, who called her back."""
    call = house.call(PRIYA, Person(presses={"called back": "1"}))
    await call.until("ended")
    await house.until(call.sid, outcome="callback")
    house.fake.people[CHEN] = takes_calls()
    await house.api.ready("agent-3")
    back_id = callback_id_of(call.sid)
    await house.until(back_id, state="connected")
    return back_id


async def test_a_lost_asterisk_loses_its_own_calls_and_no_others(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, fake: FakeAsterisk
) -> None:
    other = FakeAsterisk(
        PASSWORD, name="pbx2", speed=SPEED, reference=descriptions(request), sounds=tmp_path / "sounds"
    )
    told_apart(other)

    def soon(plan: dict[str, Any]) -> None:
        plan["telephony"]["ari"]["lost"] = "1s"

    async with other.running(), house_of(database, tmp_path, fake, other, change=soon) as house:
        call, _ = await talking(house)
        other.people[CHEN] = takes_calls()
        await house.api.ready("agent-3")
        there = other.call(LI, "+12025550199", Person(presses={"1 to speak": "1"}), verstat="TN-Validation-Passed-A")
        await there.until(f"bridged: {CHEN}")
        fake.wires.refuses = True
        await fake.wires.drop()
        await house.until(call.sid, state="ended")
        await house.agent_is("agent-7", "wrapping", "ready")
        assert (await house.api.look(there.sid))["state"] == "connected"
        assert other.leg_to(CHEN).partner is there
        await house.agent_is("agent-3", "talking")
