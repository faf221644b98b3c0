"""The desk and an agent who picked up late: who listens to who is coming does not ignore the offer."""

from __future__ import annotations

from tests.support.desk_stage import ADA, change_plan, line, offer_of, row_of
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
