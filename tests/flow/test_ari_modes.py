"""Both ways to be connected with an Asterisk, both ways to give it commands, and who is let in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ivr.ari.pace import set_second
from loadtests.carriers.ari import FakeAsterisk, Person
from tests.support.ari_stage import PASSWORD, SPEED, House, descriptions, house_of
from tests.support.waiting import wait_until

ADA, GRETA = "+12025550110", "sip:7@pbx"
PLAIN_CALL = 9
"""Commands that a plain call may cost."""


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    set_second(1 / SPEED)
    yield
    set_second(1.0)


def fake_of(request: pytest.FixtureRequest, folder: Path, **more: Any) -> FakeAsterisk:
    return FakeAsterisk(PASSWORD, speed=SPEED, reference=descriptions(request), sounds=folder / "sounds", **more)


async def a_call(house: House) -> None:
    house.fake.people[GRETA] = Person(presses={"take the call": "1"})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected", agent_id="agent-7")
    await house.fake.hang_up(call)
    await house.fake.leg_to(GRETA).until("ended")
    await house.until(call.sid, state="ended", outcome="answered")


async def test_it_connects_to_us(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> None:
    """Events and commands over the one WebSocket that Asterisk has opened."""
    async with house_of(database, tmp_path, fake_of(request, tmp_path, connects_to="service")) as house:
        await a_call(house)


async def test_it_connects_to_us_again_after_a_gap(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    async with house_of(database, tmp_path, fake_of(request, tmp_path, connects_to="service")) as house:
        await house.fake.wires.drop()
        await wait_until(lambda: house.fake.connections == 2)
        await house.connected()
        await a_call(house)


async def test_we_connect_and_give_commands_over_the_websocket(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    def over_websocket(plan: dict[str, Any]) -> None:
        plan["telephony"]["ari"]["asterisks"]["pbx1"]["rest"] = "websocket"

    async with house_of(database, tmp_path, fake_of(request, tmp_path), change=over_websocket) as house:
        await a_call(house)


async def test_a_plain_call_costs_few_commands(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> None:
    """The second one: the first makes the bridge that both use."""

    def unwatched(plan: dict[str, Any]) -> None:
        plan["telephony"]["ari"]["devices"] = False

    async with house_of(database, tmp_path, fake_of(request, tmp_path), change=unwatched) as house:
        await a_call(house)
        await house.api.ready("agent-7")
        house.fake.people[GRETA] = Person()
        before = house.fake.rest.counts.copy()
        call = house.call(ADA)
        agent = await house.fake.until_leg_to(GRETA, 2)
        await agent.until("take the call")
        await call.until("queue:")
        await wait_until(lambda: agent.playback is None)
        agent.press("1")
        await call.until("bridged")
        await house.fake.hang_up(call)
        await agent.until("ended")
        spent = house.fake.rest.counts - before
        assert spent.total() <= PLAIN_CALL, spent


@pytest.mark.parametrize(("user", "password"), [("vipline", "wrong"), ("somebody", PASSWORD), ("", "")])
async def test_a_stranger_is_not_let_in(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, user: str, password: str
) -> None:
    async with house_of(database, tmp_path, fake_of(request, tmp_path, connects_to="service")) as house:
        headers = {"Authorization": aiohttp.encode_basic_auth(user, password)} if user else {}
        async with aiohttp.ClientSession() as session:
            for name in ("pbx1", "pbx9"):
                url = f"{house.api.base}/hooks/ari/main/{name}"
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(url, headers=headers)
                assert refused.value.status == 401
        assert house.adapter.counts["login"] == 2
        await a_call(house)


async def test_only_one_connection_of_an_asterisk_counts(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    async with house_of(database, tmp_path, fake_of(request, tmp_path, connects_to="service")) as house:
        headers = {"Authorization": aiohttp.encode_basic_auth("vipline", PASSWORD)}
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{house.api.base}/hooks/ari/main/pbx1", headers=headers)
        assert refused.value.status == 503
        await a_call(house)


async def test_a_password_is_changed_without_a_restart(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    """The next one is there before Asterisk uses it; then the old one goes."""

    def two(plan: dict[str, Any]) -> None:
        settings = plan["telephony"]["ari"]["asterisks"]["pbx1"]
        settings["password"] = [settings["password"], {"file": str(tmp_path / "next")}]

    async with house_of(database, tmp_path, fake_of(request, tmp_path), change=two) as house:
        (tmp_path / "next").write_text("another-password")
        house.fake.password = "another-password"
        await house.fake.wires.drop()
        await wait_until(lambda: house.fake.connections == 2)
        await house.connected()
        await a_call(house)
