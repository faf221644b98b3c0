"""Which numbers are called back, and how often: an offer is heard only where it can be kept."""

from __future__ import annotations

import pytest

from ivr.vocabulary import Hangup
from router.callbacks import callback_id_of
from tests.support.desk_stage import (
    ADA,
    NOBODY,
    OFFICE,
    OPEN_LINE,
    busy_owner,
    change_plan,
    in_room,
    line,
    row_of,
    waits_too_long,
)
from tests.support.service import Api

CALLBACK = callback_id_of("n1")
PREMIUM = "+19002345678"
HAVANA, HANGZHOU, TORONTO = "+5352345678", "+8657188888888", "+14165550123"


async def test_whose_number_cannot_be_called_hears_no_such_offer(api: Api) -> None:
    call = await waits_too_long(api, None, exit="callback")
    assert "called back" not in call.said
    assert call.one(Hangup)


@pytest.mark.parametrize(
    "number",
    [OFFICE, OPEN_LINE, PREMIUM, "+449001234567", "+870773111632"],
    ids=["our own", "the one dialled", "premium", "abroad", "satellite"],
)
async def test_who_would_cost_us_dearly_is_not_called_back(api: Api, number: str) -> None:
    call = await in_room(api, number)
    assert "called back" not in call.said


@pytest.mark.parametrize(
    ("number", "countries", "offered"),
    [
        (HAVANA, [], False),
        (HANGZHOU, [], False),
        (HANGZHOU, ["US", "CN"], True),
        (NOBODY, [], True),
        (NOBODY, ["CN"], False),
        (TORONTO, [], False),
        (TORONTO, ["CA"], True),
    ],
)
async def test_strangers_are_called_back_in_the_plans_countries(
    api: Api, number: str, countries: list[str], offered: bool
) -> None:
    await change_plan(api, callback={"countries": countries})
    call = await in_room(api, number)
    assert ("called back" in call.said) == offered


async def test_a_customer_is_called_back_wherever_the_number_is(api: Api) -> None:
    await api.put("/v1/customers/c-901", {"name": "Mei", "phones": [HANGZHOU], "tier": "gold"})
    call = await in_room(api, HANGZHOU)
    assert "called back" in call.said


async def test_the_question_does_not_offer_what_cannot_be_had(api: Api) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(ADA)
    assert "called back" in call.said
    premium = line(api, "n2")
    await api.put("/v1/customers/c-900", {"name": "Nina", "phones": [PREMIUM], "tier": "gold", "owner": "agent-7"})
    await premium.calls(PREMIUM)
    assert "called back" not in premium.said
    assert "2 to wait" in premium.said
    await premium.presses("3")
    assert (await row_of(api, "n2")).letter == "q"
    assert premium.answers_at().page == "question"


async def is_dialled_in_vain(api: Api) -> None:
    await api.ready("agent-1")
    due = await api.look(CALLBACK)
    await api.accept(due)
    await api.site.engine.fail_leg(CALLBACK, due["offer"]["offer_id"], "no_answer")
    await api.put("/v1/agents/agent-1/state", {"state": "offline"})


async def test_a_number_is_called_back_so_often_a_day(api: Api) -> None:
    await change_plan(api, callback={"per_day": 1})
    for call_id in ("n1", "n2"):
        call = await in_room(api, NOBODY, call_id, trust="none")
        await call.presses("1")
        if call_id == "n1":
            await is_dialled_in_vain(api)
    assert "cannot call your number back again today" in call.said
