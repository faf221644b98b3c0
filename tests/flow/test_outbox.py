"""The outbox: what the engine decides reaches the provider once, and in order."""

from __future__ import annotations

import asyncio

from ivr.vocabulary import CallEnded, LegAnswered, LegFailed
from tests.support.desk_stage import ADA, LI, PRIYA, busy_owner, change_plan, offer_of, row_of
from tests.support.fake_gateway import FakeGateway
from tests.support.outbox_stage import caller, outbox, ringing, settled, until
from tests.support.service import Api
from tests.support.waiting import wait_until


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
