"""The outbox and a callback: the agent first, then the customer, and nobody is left ringing."""

from __future__ import annotations

from ivr.vocabulary import Hangup, LegAnswered, LegFailed, PromptFinished
from tests.support.desk_stage import PRIYA, Line, offer_of, row_of
from tests.support.fake_gateway import FakeGateway
from tests.support.outbox_stage import booked, caller, settled, until
from tests.support.service import Api


async def dialling(api: Api, gateway: FakeGateway) -> tuple[Line, str]:
    """n1's callback: agent-4 has taken it, its customer is to be dialled."""
    back = await booked(api)
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
    back = await booked(api)
    await api.ready("agent-4")
    offer = await offer_of(api, back.call_id)
    await until(lambda: gateway.originates())
    await api.accept(await api.look(back.call_id))
    await until(lambda: gateway.originates("callback"))
    await back.reports(LegFailed("no_answer"), "callback", offer + "c")
    await until(lambda: offer in gateway.stopped())
