"""The desk and an agent who picked up late: who listens to who is coming does not ignore the offer."""

from __future__ import annotations

from router.callbacks import callback_id_of
from tests.support.desk_stage import ADA, change_plan, in_room, line, offer_of, row_of
from tests.support.service import Api
from tests.support.waiting import wait_until


async def test_who_picked_up_is_waited_for_while_the_words_are_said(api: Api) -> None:
    await change_plan(api, timing={"offer": 2_000})
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    keys = api.site.keys

    async def until() -> float:
        return float(await api.site.channel.call("ZSCORE", keys.deadlines, "a:agent-7"))

    began = await until() - 2_000

    async def rang() -> bool:
        return api.site.now_ms() - began > 500

    await wait_until(rang)
    await agent.picks_up(offer)

    assert await until() > began + 2_500
    await agent.picks_up(offer)  # its repeat
    assert (await row_of(api, "n1")).letter == "o"
    await agent.takes(offer)
    assert (await row_of(api, "n1")).letter == "b"


async def test_who_took_a_callback_in_the_application_hears_what_the_silence_is(api: Api) -> None:
    call = await in_room(api)
    await call.presses("1")
    back = callback_id_of("n1")
    await api.ready("agent-4")
    offer = await offer_of(api, back)
    assert (await api.post(f"/v1/offers/{offer}/accept")).status == 200

    agent = line(api, back)
    await agent.picks_up(offer)

    assert agent.said == "One moment please, the customer is being called."
    await agent.stands_by(offer)
    assert agent.said == ""


async def test_who_is_being_connected_is_not_told_to_wait_for_a_colleague(api: Api) -> None:
    await api.ready("agent-7")
    call = line(api)
    await call.calls(ADA)
    assert "I am connecting you to Greta Holm." in call.said
    await call.enters_room()
    assert call.said == "You are being connected now."
