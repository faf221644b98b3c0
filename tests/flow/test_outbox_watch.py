"""Legs that are gone although nobody told us: they are looked for, and only where it is quiet."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from router.telephony.watch import Watch
from tests.support.desk_stage import ADA, PRIYA, connected, line, row_of
from tests.support.fake_gateway import FakeGateway
from tests.support.service import Api


@dataclass
class Telling(FakeGateway):
    """`up`: what is said of a leg; of all others, that it is there."""

    up: dict[str, bool | None] = field(default_factory=dict)
    looked: list[str] = field(default_factory=list)

    async def is_up(self, site: str, leg: str) -> bool | None:
        self.looked.append(leg)
        return self.up.get(leg, True)


@pytest.fixture
def gateway() -> Telling:
    return Telling()


@pytest.fixture
def watch(api: Api, gateway: Telling) -> Watch:
    return Watch(api.site, {"fake": gateway})


@pytest.mark.parametrize("leg", ["n1", "sid-of-the-agent"])
async def test_a_talk_whose_end_was_not_heard_of_is_over(api: Api, gateway: Telling, watch: Watch, leg: str) -> None:
    offer = await connected(api, line(api))
    await api.site.channel.call("HSET", api.site.keys.own("o:n1"), f"leg:{offer}", "sid-of-the-agent")
    await watch.look()
    await watch.look()
    assert gateway.looked == ["n1", "sid-of-the-agent"]
    assert (await row_of(api, "n1")).letter == "c"
    gateway.up[leg] = False
    await watch.look()
    assert (await row_of(api, "n1")).outcome == "answered"
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "wrapping"
    await api.site.local.flush()
    assert 'vipline_outbox_ends_missed_total{site="main"} 1' in (await api.get("/metrics")).text


async def test_who_does_not_know_ends_nothing(api: Api, gateway: Telling, watch: Watch) -> None:
    await connected(api, line(api))
    gateway.up["n1"] = None
    for _ in range(3):
        await watch.look()
    assert (await row_of(api, "n1")).letter == "c"


async def test_a_waiting_caller_is_looked_for_only_when_nothing_is_heard(
    api: Api, gateway: Telling, watch: Watch
) -> None:
    call = line(api)
    await call.calls(PRIYA)
    await call.enters_room()
    gateway.up["n1"] = False
    await watch.look()
    await call.presses(None)
    await watch.look()
    assert gateway.looked == []
    await watch.look()
    assert (await row_of(api, "n1")).letter == "e"


async def test_calls_that_others_carry_are_left_alone(api: Api, gateway: Telling, watch: Watch) -> None:
    await api.call("theirs", ADA)
    await line(api).calls(PRIYA)
    elsewhere = Watch(api.site, {"fake": FakeGateway()})
    for one in (watch, watch, elsewhere, elsewhere):
        await one.look()
    assert gateway.looked == ["n1"]
