"""The outbox: what the engine decides reaches the provider once, in order, whatever dies or is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ivr.desk import Desk
from ivr.vocabulary import CallEnded, Hangup, LegAnswered, LegFailed, PromptFinished
from router.app_keys import SERVICE
from router.callbacks import callback_id_of
from router.telephony.dispatch import Outbox
from router.telephony.term import GROUP
from tests.support.desk_stage import ADA, LI, PRIYA, Line, busy_owner, change_plan, offer_of, row_of
from tests.support.fake_gateway import FakeGateway, Trouble
from tests.support.service import Api
from tests.support.waiting import wait_until


@asynccontextmanager
async def outbox(api: Api, gateway: FakeGateway, **options: Any) -> AsyncIterator[Outbox]:
    """Running until the end of the block, as in a process of its own."""
    connection = api.app[SERVICE].store.blocking(api.site.name)
    timing = {"lease_ms": 1_000, "claim_ms": 2_000, "pause_s": 0.01}
    found = Outbox(api.site, {"fake": gateway}, connection, **(timing | options))
    task = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        while not task.done():  # redis-py can lose a cancellation while it connects
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
        await connection.close()


@pytest.fixture
async def gateway(api: Api) -> AsyncIterator[FakeGateway]:
    fake = FakeGateway()
    async with outbox(api, fake):
        yield fake


def caller(api: Api, call_id: str = "n1") -> Line:
    return Line(Desk(api.site), call_id)


async def settled(api: Api) -> None:
    """Every entry has been acknowledged."""
    keys = api.site.keys

    async def quiet() -> bool:
        groups = await api.site.channel.call("XINFO", "GROUPS", keys.events)
        newest = await api.site.channel.call("XREVRANGE", keys.events, "+", "-", "COUNT", 1)
        for group in groups:
            facts = dict(group.items()) if isinstance(group, dict) else dict(zip(group[::2], group[1::2], strict=True))
            if facts[b"name"] == GROUP.encode():
                return bool(facts[b"pending"] == 0 and facts[b"last-delivered-id"] == newest[0][0])
        return False

    await wait_until(quiet)


async def until(condition: Callable[[], object]) -> None:
    await wait_until(lambda: bool(condition()))


async def ringing(api: Api, gateway: FakeGateway, number: str = ADA) -> tuple[Line, str]:
    await api.ready("agent-7")
    call = caller(api)
    await call.calls(number)
    offer = await offer_of(api, "n1")
    await until(lambda: gateway.originates())
    return call, offer


async def test_an_offer_rings_the_agents_endpoint(api: Api, gateway: FakeGateway) -> None:
    _, offer = await ringing(api, gateway)
    (ring,) = gateway.originates()
    assert (ring.leg_id, ring.target, ring.caller_id) == (offer, "sip:7@pbx", "+12025550199")
    assert (ring.answered.page, ring.answered.step) == ("whisper", offer)
    assert ring.ring_timeout_ms == 20_000


async def test_whether_the_caller_stands_in_the_room_is_told(api: Api, gateway: FakeGateway) -> None:
    """An agent may be quicker; then the provider has to see to a room."""
    await ringing(api, gateway)
    assert not gateway.originates()[0].awaited
    call = caller(api, "n2")
    await call.calls(PRIYA)
    await call.enters_room()
    await api.ready("agent-3")
    await until(lambda: len(gateway.originates()) == 2)
    assert gateway.originates()[1].awaited


async def test_a_call_carried_elsewhere_is_left_alone(api: Api, gateway: FakeGateway) -> None:
    await api.ready("agent-7")
    assert (await api.call("theirs", ADA))["state"] == "offered"
    await settled(api)
    assert gateway.asked == []


async def test_the_caller_hangs_up_and_nothing_rings_on(api: Api, gateway: FakeGateway) -> None:
    call, offer = await ringing(api, gateway)
    await settled(api)
    await call.reports(CallEnded())
    await until(lambda: gateway.stopped())
    assert gateway.stopped() == [offer]
    assert gateway.legs[-1] == "sid-0"


async def test_the_caller_hangs_up_before_it_is_sent(api: Api) -> None:
    gateway = FakeGateway()
    await api.ready("agent-7")
    call = caller(api)
    await call.calls(ADA)
    await call.reports(CallEnded())
    async with outbox(api, gateway):
        await settled(api)
    assert gateway.asked == []


async def test_the_caller_hangs_up_while_it_is_sent(api: Api, gateway: FakeGateway) -> None:
    gateway.hold = asyncio.Event()
    call, offer = await ringing(api, gateway)
    await call.reports(CallEnded())
    gateway.hold.set()
    await until(lambda: gateway.stopped())
    await settled(api)
    assert gateway.stopped() == [offer]
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "ready"


async def test_another_agent_rings_after_a_no(api: Api, gateway: FakeGateway) -> None:
    call, offer = await ringing(api, gateway)
    await api.ready("agent-3")
    await call.reports(LegFailed("busy"), "agent", offer)
    await until(lambda: len(gateway.originates()) == 2)
    assert [ring.target for ring in gateway.originates()] == ["sip:7@pbx", "sip:3@pbx"]
    await settled(api)
    assert gateway.stopped() == []  # the leg had ended by itself


async def test_an_offer_that_ran_out_stops_ringing(api: Api) -> None:
    await change_plan(api, timing={"offer": 1_000})
    gateway = FakeGateway()
    async with outbox(api, gateway):
        _, offer = await ringing(api, gateway)
        await until(lambda: gateway.stopped())
        assert gateway.stopped() == [offer]


async def test_accepted_in_the_application_joins_leg_and_caller(api: Api, gateway: FakeGateway) -> None:
    call, offer = await ringing(api, gateway)
    agent = caller(api)
    await agent.picks_up(offer)
    await api.site.engine.accept_offer("n1", "agent-7", offer)
    await until(lambda: gateway.interrupts("join") and gateway.interrupts("connect"))
    (join,), (room,) = gateway.interrupts("join"), gateway.interrupts("connect")
    assert (join.leg_id, join.route.step) == (offer, offer + "f")
    assert room.leg_id == "n1"  # the greeting still played
    await agent.hear("join", join.route.step, LegAnswered(), "agent")
    await call.enters_room()  # by itself, and too late: it is being sent there
    await agent.stands_by(offer)
    assert not agent.joins()
    await call.hear(room.route.page, room.route.step, LegAnswered())
    await call.enters_room()
    await agent.stands_by(offer)
    assert agent.joins()


async def test_accepted_by_key_nobody_is_interrupted_in_the_room(api: Api, gateway: FakeGateway) -> None:
    call, offer = await ringing(api, gateway)
    await call.enters_room()
    agent = caller(api)
    await agent.picks_up(offer)
    await agent.takes(offer)
    await settled(api)
    assert len(gateway.asked) == 1


async def test_the_owner_is_ready_while_the_caller_is_asked(api: Api, gateway: FakeGateway) -> None:
    await busy_owner(api)
    call = caller(api)
    await call.calls(LI)
    await api.post("/v1/calls/other/complete", {"offer_id": await offer_of(api, "other")})
    await api.ready("agent-7")
    await until(lambda: gateway.interrupts("connect"))
    (taken,) = gateway.interrupts("connect")
    assert taken.leg_id == "n1"
    await call.hear("connect", taken.route.step, LegAnswered())
    assert call.room()


async def test_the_longest_wait_is_over(api: Api, gateway: FakeGateway) -> None:
    await change_plan(api, max_wait=1_000)
    call = caller(api)
    await call.calls(PRIYA)
    await call.enters_room()
    await until(lambda: gateway.interrupts("exit"))
    (out,) = gateway.interrupts("exit")
    await call.hear("exit", out.route.step, LegAnswered())
    assert "in time" in call.said


async def test_the_second_question_reaches_the_caller_in_the_room(api: Api, gateway: FakeGateway) -> None:
    await change_plan(api, ladders={"personal": [
        {"step": "owner", "to": "owner", "when_busy": "ask", "when_away": "next", "wait": 500},
        {"then": "vip"},
    ]})  # fmt: skip
    await change_plan(api, timing={"owner_wait": 500})
    await busy_owner(api)
    call = caller(api)
    await call.calls(LI)
    await call.presses("2")
    await call.enters_room()
    await until(lambda: gateway.interrupts("again"))
    (asked,) = gateway.interrupts("again")
    await call.hear("again", asked.route.step, LegAnswered())
    assert "Press 1" in call.said


async def test_an_agent_without_a_telephone_is_passed_over(api: Api, gateway: FakeGateway) -> None:
    agent = (await api.get("/v1/agents/agent-7")).json
    body = {key: agent[key] for key in ("name", "groups", "skills")}
    assert (await api.put("/v1/agents/agent-7", body)).status == 200
    await api.ready("agent-7")
    call = caller(api)
    await call.calls(ADA)

    async def cooling() -> bool:
        return bool((await api.get("/v1/agents/agent-7")).json["state"] == "cooling")

    await wait_until(cooling)
    assert (await row_of(api, "n1")).letter == "w"
    assert gateway.asked == []


# ---------------------------------------------------------------- callbacks


async def dialling(api: Api, gateway: FakeGateway) -> tuple[Line, str]:
    """n1's callback: agent-7 has taken it, its customer is to be dialled."""
    call = caller(api)
    await call.calls(PRIYA)
    await call.enters_room()
    await call.presses("1")
    back = caller(api, callback_id_of("n1"))
    await api.ready("agent-4")
    await until(lambda: gateway.originates())
    offer = await offer_of(api, back.call_id)
    agent = caller(api, back.call_id)
    await agent.picks_up(offer)
    await agent.takes(offer)
    await agent.stands_by(offer)
    return back, offer


async def test_a_callback_is_dialled_once_when_the_agent_has_taken_it(api: Api, gateway: FakeGateway) -> None:
    back, _ = await dialling(api, gateway)
    await until(lambda: gateway.originates("callback"))
    (dial,) = gateway.originates("callback")
    assert (dial.target, dial.answered.page, dial.ring_timeout_ms) == (PRIYA, "callback", 60_000)
    await back.hear("callback", dial.answered.step, LegAnswered(), "callback")
    assert "calling you back" in back.said
    assert back.room()
    assert (await row_of(api, back.call_id)).letter == "c"
    await settled(api)
    assert len(gateway.originates("callback")) == 1


async def test_a_customer_who_does_not_answer_frees_the_agent_who_is_told(api: Api, gateway: FakeGateway) -> None:
    back, offer = await dialling(api, gateway)
    await until(lambda: gateway.originates("callback"))
    await back.reports(LegFailed("no_answer"), "callback", offer + "c")
    assert (await row_of(api, back.call_id)).outcome == "failed"
    assert (await api.get("/v1/agents/agent-4")).json["state"] == "ready"
    await settled(api)
    assert offer not in gateway.stopped()  # it asks again within a second
    agent = caller(api, back.call_id)
    await agent.hear("join", offer, PromptFinished(), "agent")
    assert agent.said == "The customer could not be reached."
    assert agent.one(Hangup)


async def test_a_callback_taken_in_the_application_leaves_no_telephone_ringing(api: Api, gateway: FakeGateway) -> None:
    call = caller(api)
    await call.calls(PRIYA)
    await call.enters_room()
    await call.presses("1")
    back = caller(api, callback_id_of("n1"))
    await api.ready("agent-4")
    offer = await offer_of(api, back.call_id)
    await until(lambda: gateway.originates())
    await api.accept(await api.look(back.call_id))
    await until(lambda: gateway.originates("callback"))
    await back.reports(LegFailed("no_answer"), "callback", offer + "c")
    await until(lambda: offer in gateway.stopped())


# ---------------------------------------------------------------- troubles


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
