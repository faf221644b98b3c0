"""The process that leads everything freezes for longer than its leases, and wakes amid what it was doing."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.twilio.addresses import OVERRIDES
from loadtests.carriers.twilio import FakeTwilio, Person
from loadtests.verdict import Verdict
from router.domain.events import Event
from router.events.levels import BUCKET_MS
from router.store.channel import Channel
from router.store.embedded import EmbeddedServer
from router.store.keyspace import Keyspace
from tests.support.fleet import ServiceProcess, client, service
from tests.support.load import AGENTS, HEAD_STARTS, number_of
from tests.support.servers import free_port
from tests.support.tape import read_stream
from tests.support.waiting import wait_until

TOKEN = "a-token-of-the-test"
OPEN = "+12025550199"
SPEED = 20.0
EVERY_S = 0.15
KEYS = Keyspace("main")


class Lines:
    """Callers who come all the time, and agents who take what rings; all over Twilio's stand-in."""

    def __init__(self, fake: FakeTwilio) -> None:
        self._fake = fake
        self._calling: asyncio.Task[None]
        self.calls = 0
        for number in range(1, len(AGENTS) + 1):
            taking = Person(after_s=3.0, presses={"take the call": "1"}, talks_s=8.0)
            fake.people[f"sip:{number}@pbx"] = taking if number % 3 else Person(after_s=3.0)  # some press nothing

    async def more(self, calls: int) -> None:
        for _ in range(calls):
            self.calls += 1
            self._fake.call(number_of(self.calls), OPEN, Person(hangs_up_after_s=400.0))
            await asyncio.sleep(EVERY_S)

    async def over(self) -> None:
        await wait_until(lambda: all(leg.ended for leg in self._fake.legs.values()), 60)

    def rings(self) -> Counter[str]:
        """How often each offer's agent was rung: an offer has an address of its own."""
        return Counter(leg.status_url for leg in self._fake.legs.values() if leg.direction == "outbound-api")


@asynccontextmanager
async def pair(folder: Path, config: Path, redis: str) -> AsyncIterator[tuple[ServiceProcess, ServiceProcess]]:
    """The first leads, the second is the one whom carriers ask."""
    port = free_port()
    common: dict[str, Any] = {
        "program": "tests.support.impatient",
        "redis": redis,
        "public_url": f"http://127.0.0.1:{port}",
    }
    async with (
        service(folder / "leads", config, port=free_port(), **common) as first,
        service(folder / "asked", config, port=port, **common) as second,
    ):
        yield first, second


@pytest.mark.parametrize("frozen_s", [4.0, pytest.param(30.0, marks=pytest.mark.soak)])
async def test_it_does_no_harm(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, frozen_s: float
) -> None:
    fake = FakeTwilio(TOKEN, speed=SPEED)
    async with fake.running():
        plan = yaml.safe_load((config / "plan.yaml").read_text())
        account, secret = tmp_path / "account", tmp_path / "secret"
        account.write_text(fake.account)
        secret.write_text(TOKEN)
        plan["telephony"]["twilio"] |= {
            "api": fake.base,
            "account_sid": {"file": str(account)},
            "auth_token": {"file": str(secret)},
        }
        (config / "plan.yaml").write_text(yaml.safe_dump(plan))
        async with pair(tmp_path, config, fresh_server.url) as (leader, asked), client(asked) as api:
            hooks = f"{asked.base}/hooks/twilio/main"
            fake.number(OPEN, f"{hooks}/voice{OVERRIDES}", f"{hooks}/status")
            await api.ready(*AGENTS)
            lines = Lines(fake)
            await lines.more(12)
            led_by = await leads(fresh_server.url)
            leader.signal(signal.SIGSTOP)
            began = asyncio.get_running_loop().time()
            rung = len(lines.rings())
            await lines.more(12)
            await wait_until(lambda: len(lines.rings()) > rung + 3, 20)  # somebody else leads
            await asyncio.sleep(began + frozen_s - asyncio.get_running_loop().time())  # the freeze itself
            assert await leads(fresh_server.url) not in (None, led_by)
            leader.signal(signal.SIGCONT)
            await lines.more(12)
            await lines.over()
            await acknowledged(fresh_server.url)
            events = await read_stream(fresh_server.url)
            await fake.fall_silent()
            assert {offer: times for offer, times in lines.rings().items() if times > 1} == {}
            print(f"{lines.calls} calls, {lines.rings().total()} rings, {len(events)} entries")
            verdict = Verdict(HEAD_STARTS).read(events)
            assert verdict.close((), {}, ()) == []
            assert verdict.counts["call.accepted"] + verdict.counts["call.greeting"] >= lines.calls
            await as_told(fresh_server.url, events)


async def leads(url: str) -> bytes | None:
    """Whose turn it is to dial."""
    channel = await Channel.open(url)
    found: bytes | None = await channel.call("GET", KEYS.own("outbox:by"))
    await channel.close()
    return found


async def acknowledged(url: str) -> None:
    """Return when every reader has done with everything."""
    channel = await Channel.open(url)

    async def is_done() -> bool:
        newest = (await channel.call("XREVRANGE", KEYS.events, "+", "-", "COUNT", 1))[0][0]
        rows = [
            dict(zip(row[::2], row[1::2], strict=True)) for row in await channel.call("XINFO", "GROUPS", KEYS.events)
        ]
        return all(row[b"pending"] == 0 and row[b"last-delivered-id"] == newest for row in rows)

    await wait_until(is_done, 30)
    await channel.close()


async def as_told(url: str, events: list[Event]) -> None:
    """What readers have made of the stream is what it says: timelines whole and mortal, levels counted once."""
    channel = await Channel.open(url)
    told: dict[str, set[str]] = {}
    answered = 0
    for event in events:
        if event.type.startswith(("call.", "callback.")):
            for call_id in event.call_ids:
                told.setdefault(call_id, set()).add(f"{event.entry_id} {event.raw}")
        if (
            event.type == "call.connected"
            and event.facts
            and event.facts.talks == 0
            and "k" not in event.facts.kind[:1]
        ):
            answered += 1
    for call_id, rows in told.items():
        kept = await channel.call("LRANGE", KEYS.history(call_id), 0, -1)
        assert {row.decode() for row in kept} == rows
        assert 0 < await channel.call("PTTL", KEYS.history(call_id)) <= 3_600_000
    counted = 0
    for bucket in {event.at_ms // BUCKET_MS for event in events}:
        fields = await channel.call("HGETALL", KEYS.own(f"sl:{bucket}"))
        pairs = zip(fields[::2], fields[1::2], strict=True)
        counted += sum(int(value) for name, value in pairs if name.endswith(b";answered"))
    assert counted == answered > 0
    await channel.close()
