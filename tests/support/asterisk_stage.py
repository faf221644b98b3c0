"""A service on a real Asterisk, with a carrier and an agent's telephone: what stories of a real line are told with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.asterisk_real import CARRIER, PHONE, RealAsterisk
from tests.support.process import Process, running
from tests.support.service import DATABASE, write_config
from tests.support.sip_phone import Call, SipPhone, sip_phone
from tests.support.waiting import wait_until

ADA, LI, OPEN = "+12025550110", "+12025550111", "+12025550199"
PASSED = f"<sip:{ADA};verstat=TN-Validation-Passed-A@carrier.example>"
GRETA = {"name": "Greta Holm", "groups": {"vip": 1, "general": 2}, "skills": ["loans"], "endpoint": "PJSIP/100"}


@dataclass
class House:
    """A service, its Asterisk, a carrier and an agent's telephone."""

    service: Process
    asterisk: RealAsterisk
    carrier: SipPhone
    phone: SipPhone

    async def ask(self, method: str, path: str, body: Any = None, want: int = 200) -> Any:
        status, told = await self.service.ask(method, path, body)
        assert status == want, told
        return told

    async def is_ready(self, agent_id: str = "agent-7") -> None:
        await self.ask("PUT", f"/v1/agents/{agent_id}/state", {"state": "ready"})

    async def agent_is(self, *states: str, agent_id: str = "agent-7", **more: str) -> None:
        async def holds() -> bool:
            found = await self.ask("GET", f"/v1/agents/{agent_id}")
            return found["state"] in states and all(found.get(name) == value for name, value in more.items())

        await wait_until(holds, 20)

    async def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ask("GET", "/v1/calls"))["items"]
        return found

    async def call_is(self, call_id: str, **expected: str) -> None:
        async def holds() -> bool:
            found = await self.ask("GET", f"/v1/calls/{call_id}")
            return all(found.get(name) == value for name, value in expected.items())

        try:
            await wait_until(holds, 20)
        except AssertionError:
            print(await self.ask("GET", f"/v1/calls/{call_id}"))
            raise

    async def comes(self, number: str = ADA) -> tuple[Call, str]:
        """Somebody calls and is heard; the call's id."""
        before = {call["call_id"] for call in await self.calls()}
        caller = await self.carrier.call(OPEN.lstrip("+"), number, P_Asserted_Identity=PASSED.replace(ADA, number))
        found: list[str] = []

        async def known() -> bool:
            found[:] = [call["call_id"] for call in await self.calls() if call["call_id"] not in before]
            return bool(found)

        await wait_until(known, 20)
        return caller, found[0]

    async def rung(self, number: int = 1) -> Call:
        await wait_until(lambda: len(self.phone.came) >= number, 20)
        return self.phone.came[number - 1]

    async def talk(self) -> tuple[Call, Call, str]:
        before = len(self.phone.came)
        await self.is_ready()
        caller, call_id = await self.comes()
        agent = await self.rung(before + 1)
        await self.takes(agent)
        await self.call_is(call_id, state="connected", agent_id="agent-7")
        return caller, agent, call_id

    async def takes(self, agent: Call) -> None:
        await agent.until("up")
        await agent.hears()
        await agent.press("1")

    async def hear_each_other(self, one: Call, other: Call) -> None:
        for speaker, listener in ((one, other), (other, one)):
            speaker.media.loud = True
            await listener.hears()
            speaker.media.loud = False


def _plan(asterisk: RealAsterisk, **settings: Any) -> Any:
    def change(plan: dict[str, Any]) -> None:
        plan["telephony"] = {"ari": asterisk.section(**settings)}
        plan["timing"] |= {"offer": "6s", "wrap_up": "1s", "cooling": "1s"}
        plan["question"]["default"] = "transfer"

    return change


@asynccontextmanager
async def served(
    folder: Path, database: str, asterisk: RealAsterisk, *flags: str, **settings: Any
) -> AsyncIterator[Process]:
    config = write_config(folder / "config", _plan(asterisk, **settings))
    data = folder / "data"
    token = {"VIPLINE_ADMIN_TOKEN": "a-token-of-the-test-and-long-enough"}
    async with running(
        data, config, "--redis", f"{database}?db={DATABASE}", *flags, ARI_PASSWORD="change-me", **token
    ) as service:
        service.token = token["VIPLINE_ADMIN_TOKEN"]
        draining = asyncio.create_task(_drain(service, folder / "service.log"))
        try:
            yield service
        finally:
            draining.cancel()
            await asyncio.gather(draining, return_exceptions=True)
            print((folder / "service.log").read_text()[-6_000:])


async def _drain(service: Process, log: Path) -> None:
    """What it logs; a full pipe would stop it."""
    assert service.child.stderr is not None
    with log.open("ab", buffering=0) as file:
        while said := await service.child.stderr.readline():
            if b'"event": "request"' not in said:
                file.write(said)


@asynccontextmanager
async def house_of(
    folder: Path, database: str, asterisk: RealAsterisk, *flags: str, **settings: Any
) -> AsyncIterator[House]:
    async with (
        served(folder, database, asterisk, *flags, **settings) as service,
        sip_phone("carrier", CARRIER, asterisk.sip) as carrier,
        sip_phone("100", PHONE, asterisk.sip, "change-me-too") as phone,
    ):
        await phone.register()
        house = House(service, asterisk, carrier, phone)
        await house.ask("PUT", "/v1/agents/agent-7", GRETA)
        await connected(asterisk)
        yield house


async def connected(asterisk: RealAsterisk) -> None:
    async def holds() -> bool:
        return "vipline" in await asterisk.cli("ari show apps")

    await wait_until(holds, 20)
