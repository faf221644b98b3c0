"""The main stories on a real Asterisk, set up by the files of docs/asterisk.md and nothing else; telephones are ours.

`.ci/asterisk` finds one. Sounds are short tones; all else lasts as long as it lasts.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.asterisk_real import CARRIER, PHONE, RealAsterisk, free, real_asterisk
from tests.support.asterisk_stage import ADA, GRETA, LI, OPEN, House, connected, house_of, served
from tests.support.sip_phone import sip_phone
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(not os.environ.get("VIPLINE_ASTERISK"), reason="VIPLINE_ASTERISK names no Asterisk"),
]


@pytest.fixture
async def asterisk() -> AsyncIterator[RealAsterisk]:
    async with real_asterisk() as found:
        yield found


@pytest.fixture
async def house(tmp_path: Path, database: str, asterisk: RealAsterisk) -> AsyncIterator[House]:
    async with house_of(tmp_path, database, asterisk) as found:
        yield found


async def test_a_call_from_the_greeting_to_the_end_by_the_caller(house: House) -> None:
    await house.is_ready()
    caller, call_id = await house.comes()
    await caller.until("up")
    await caller.hears()
    agent = await house.rung()
    await house.takes(agent)
    await house.call_is(call_id, state="connected", agent_id="agent-7")
    await house.hear_each_other(caller, agent)
    caller.hang_up()
    await agent.until("ended")
    await house.call_is(call_id, state="ended", outcome="answered")
    await house.asterisk.empty()


async def test_the_agent_hangs_up_first(house: House) -> None:
    caller, agent, call_id = await house.talk()
    agent.hang_up()
    await house.agent_is("wrapping", "ready")
    await caller.until("ended")  # after a goodbye
    await house.call_is(call_id, state="ended", outcome="answered")
    await house.asterisk.empty()


@pytest.mark.parametrize("behaves", ["busy", "decline", "ring"])
async def test_an_agent_who_does_not_come_is_left_and_tried_again(house: House, behaves: str) -> None:
    """The caller keeps her place; what the telephone said is known."""
    house.phone.behaves = behaves
    await house.is_ready()
    caller, call_id = await house.comes()
    first = await house.rung()
    await wait_until(lambda: first.over, 20)
    house.phone.behaves = "answer"
    said = {"busy": "was busy", "decline": "declined", "ring": "did not answer"}[behaves]

    async def known() -> bool:
        found = await house.ask("GET", f"/v1/calls/{call_id}")
        return any(one["event"] == "call.returned" and said in one["why"] for one in found["timeline"])

    await wait_until(known, 20)
    await house.is_ready()
    await house.takes(await house.rung(2))
    await house.call_is(call_id, state="connected")
    caller.hang_up()
    await house.asterisk.empty()


async def test_a_caller_goes_while_it_rings(house: House) -> None:
    house.phone.behaves = "ring"
    await house.is_ready()
    caller, call_id = await house.comes()
    agent = await house.rung()
    await caller.until("up")
    caller.hang_up()
    await agent.until("ended")
    await house.call_is(call_id, state="ended", outcome="short_abandoned")
    await house.agent_is("ready")
    await house.asterisk.empty()


async def test_a_caller_goes_during_the_whisper(house: House) -> None:
    await house.is_ready()
    caller, call_id = await house.comes()
    agent = await house.rung()
    await agent.hears()
    caller.hang_up()
    await agent.until("ended")
    await house.call_is(call_id, state="ended")
    await house.asterisk.empty()


async def test_whoever_waits_hears_music_and_is_fetched_from_it(house: House) -> None:
    caller, call_id = await house.comes()
    await house.call_is(call_id, state="waiting")
    await wait_until(lambda: "Started music" in house.asterisk.log.read_text(), 20)
    await caller.hears()
    await house.is_ready()
    await house.takes(await house.rung())
    await house.call_is(call_id, state="connected")
    caller.hang_up()
    await house.asterisk.empty()


async def test_a_key_by_info_counts_too(house: House) -> None:
    await house.is_ready()
    caller, call_id = await house.comes()
    agent = await house.rung()
    await agent.until("up")
    await agent.hears()
    agent.inform("1")
    await house.call_is(call_id, state="connected")
    caller.hang_up()
    await house.asterisk.empty()


async def test_a_private_call_and_a_phone_that_is_off(house: House) -> None:
    """Nobody is offered, and everybody comes back."""
    await house.is_ready()
    await house.asterisk.cli("channel originate PJSIP/100 application Wait 60")
    await house.agent_is("break", reason="phone-busy")
    (await house.rung()).hang_up()
    await house.agent_is("ready")
    await house.phone.unregister()
    await house.agent_is("break", reason="phone-away")
    await house.phone.register()
    await house.agent_is("ready")
    await house.asterisk.empty()


async def test_without_us_the_dialplan_goes_on(tmp_path: Path, asterisk: RealAsterisk) -> None:
    async with (
        sip_phone("carrier", CARRIER, asterisk.sip) as carrier,
        sip_phone("100", PHONE, asterisk.sip, "change-me-too") as phone,
    ):
        await phone.register()
        caller = await carrier.call(OPEN.lstrip("+"), ADA)
        await wait_until(lambda: bool(phone.came), 30)
        await caller.until("up")
        caller.hang_up()
        await asterisk.empty()


async def test_asterisk_is_killed_in_the_middle_of_a_talk(house: House) -> None:
    caller, agent, call_id = await house.talk()
    await house.asterisk.end(signal.SIGKILL)
    await house.asterisk.start()
    await house.call_is(call_id, state="ended")
    await house.agent_is("wrapping", "ready")
    await house.phone.register()
    caller, agent, call_id = await house.talk()
    await house.hear_each_other(caller, agent)
    agent.hang_up()
    await house.asterisk.empty()


async def test_we_are_killed_while_one_talks_and_one_waits(
    tmp_path: Path, database: str, asterisk: RealAsterisk
) -> None:
    async with house_of(tmp_path, database, asterisk) as house:
        caller, agent, call_id = await house.talk()
        waiting, waiting_id = await house.comes()
        await house.call_is(waiting_id, state="waiting")
        await waiting.hears()
        await house.service.end(signal.SIGKILL)
        await house.hear_each_other(caller, agent)
        async with served(tmp_path, database, asterisk) as again:
            house.service = again
            await connected(asterisk)
            await house.hear_each_other(caller, agent)
            await waiting.hears()
            agent.hang_up()
            await house.call_is(call_id, state="ended", outcome="answered")
            await house.is_ready()
            await house.takes(await house.rung(2))
            await house.call_is(waiting_id, state="connected")
            waiting.hang_up()
            await house.call_is(waiting_id, state="ended", outcome="answered")
            await asterisk.empty()


async def test_commands_over_the_websocket(tmp_path: Path, database: str, asterisk: RealAsterisk) -> None:
    async with house_of(tmp_path, database, asterisk, rest="websocket") as house:
        caller, agent, call_id = await house.talk()
        await house.hear_each_other(caller, agent)
        caller.hang_up()
        await house.call_is(call_id, state="ended", outcome="answered")
        await asterisk.empty()


async def test_it_connects_to_us(tmp_path: Path, database: str) -> None:
    """The second way; after a gap, too."""
    port = free(socket.SOCK_STREAM)
    async with (
        real_asterisk(f"ws://127.0.0.1:{port}") as asterisk,
        house_of(tmp_path, database, asterisk, "--listen", f"127.0.0.1:{port}") as house,
    ):
        caller, agent, call_id = await house.talk()
        await house.hear_each_other(caller, agent)
        agent.hang_up()
        await house.call_is(call_id, state="ended", outcome="answered")
        await asterisk.empty()


async def test_an_agent_behind_the_dialplan(house: House) -> None:
    """`Local/100@agents`: its other half is nobody's, and keys come through."""
    await house.ask("PUT", "/v1/agents/agent-7", GRETA | {"endpoint": "Local/100@agents"})
    caller, agent, call_id = await house.talk()
    await house.hear_each_other(caller, agent)
    caller.hang_up()
    await agent.until("ended")
    await house.call_is(call_id, state="ended", outcome="answered")
    await house.asterisk.empty()


async def test_who_is_asked_answers_by_key(house: House) -> None:
    """Her own agent talks to somebody: she is asked, and may choose to be called back."""
    caller, agent, _ = await house.talk()
    asked, asked_id = await house.comes(LI)
    await asked.until("up")
    await asked.hears()
    await asked.press("3")
    await house.call_is(asked_id, state="ended", outcome="callback")
    await asked.until("ended")
    caller.hang_up()
    await agent.until("ended")
    await house.rung(2)  # she is called back as soon as her agent is free: the agent first
