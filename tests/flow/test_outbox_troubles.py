"""A provider is slow, refuses or loses an answer, and processes die: a ring is placed once all the same."""

from __future__ import annotations

import asyncio

import pytest

from ivr.vocabulary import CallEnded
from tests.support.desk_stage import ADA, row_of
from tests.support.fake_gateway import FakeGateway, Trouble
from tests.support.outbox_stage import caller, outbox, ringing, settled, until
from tests.support.service import Api


@pytest.mark.parametrize(
    ("troubles", "looked"),
    [
        (["busy", "busy"], 0),
        (["placed, answer lost"], 1),
        (["never placed, answer lost"], 1),
        (["never placed, answer lost", "busy", "placed, answer lost"], 3),
    ],
)
async def test_a_ring_is_placed_once(api: Api, gateway: FakeGateway, troubles: list[Trouble], looked: int) -> None:
    gateway.troubles = list(troubles)
    await ringing(api, gateway)
    await settled(api)
    assert len(gateway.placed) == 1  # the fake refuses a second
    assert len(gateway.found) == looked
    assert (await row_of(api, "n1")).letter == "o"


async def test_what_the_provider_refuses_counts_as_a_failed_leg(api: Api, gateway: FakeGateway) -> None:
    gateway.troubles = ["refused"]
    await ringing(api, gateway)
    await settled(api)
    assert (await row_of(api, "n1")).letter == "w"
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "cooling"


@pytest.mark.parametrize("placed", [True, False])
async def test_a_process_dies_between_claim_and_answer(api: Api, placed: bool) -> None:
    """The next one looks before it dials."""
    first, second = FakeGateway(), FakeGateway()
    first.hold = asyncio.Event()
    async with outbox(api, first, claim_ms=200):
        back_offer = await ringing(api, first)
    if placed:
        second.placed = {back_offer[1]: "sid-of-the-first"}
    async with outbox(api, second, claim_ms=200):
        await settled(api)
        assert second.found == [back_offer[1]]
        assert len(second.originates()) == (0 if placed else 1)
        leg = await api.site.channel.call("HGET", f"{api.site.keys.root}:o:n1", f"leg:{back_offer[1]}")
        assert leg == (b"sid-of-the-first" if placed else b"sid-0")


async def test_a_dead_process_had_dialled_for_a_caller_who_is_gone(api: Api) -> None:
    first, second = FakeGateway(), FakeGateway()
    first.hold = asyncio.Event()
    async with outbox(api, first, claim_ms=200):
        call, offer = await ringing(api, first)
    await call.reports(CallEnded())
    second.placed = {offer: "sid-of-the-first"}
    async with outbox(api, second, claim_ms=200):
        await until(lambda: second.stopped())
        await settled(api)
    assert second.originates() == []
    assert second.stopped() == [offer]
    assert second.legs == ["sid-of-the-first"]


async def test_two_processes_ring_once(api: Api) -> None:
    gateways = FakeGateway(), FakeGateway()
    async with outbox(api, gateways[0]), outbox(api, gateways[1]):
        await api.ready("agent-7")
        for number in range(5):
            await caller(api, f"n{number}").calls(ADA)
        await until(lambda: any(gateway.originates() for gateway in gateways))
        await settled(api)
    assert sum(len(gateway.originates()) for gateway in gateways) == 1
