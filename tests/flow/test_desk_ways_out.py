"""Nobody can be had: every caller who is sent away hears why, and goes to the number or machine there is."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.vocabulary import Dial, Hangup, LegFailed, PromptFinished
from router.callbacks import callback_id_of
from tests.support.desk_stage import (
    NOBODY,
    OFFICE,
    PRIYA,
    change_plan,
    closes,
    fill,
    line,
    row_of,
    until_ended,
    waits_too_long,
)
from tests.support.service import Api

OTHER = "+12025550133"


async def test_closed_says_so_and_ends(api: Api) -> None:
    await closes(api, message="We open on Monday.")
    call = line(api)
    await call.calls(NOBODY, to=OFFICE)
    assert "We are closed at the moment. We open on Monday." in call.said
    assert call.one(Hangup)


async def test_closed_leads_to_another_number(api: Api) -> None:
    await closes(api, exit=f"number:{OTHER}")
    call = line(api)
    await call.calls(NOBODY, to=OFFICE)
    dial = call.dials()
    assert dial.number == OTHER
    await call.hear("over", dial.over.step, PromptFinished())
    assert call.one(Hangup)


async def test_nobody_could_take_the_call_in_time(api: Api) -> None:
    await change_plan(api, max_wait=1_000)
    call = line(api)
    await call.calls(PRIYA)
    room = call.room()
    await until_ended(api)
    await call.hear("exit", "1-0", PromptFinished())
    assert "We are sorry that nobody could take your call in time." in call.said
    await call.leaves_room(room, "redirected")
    assert call.script == ()


@pytest.mark.parametrize(
    ("way", "words"), [("number", "connecting you to another number"), ("voicemail", "leave a message after the tone")]
)
async def test_another_number_or_a_machine(api: Api, way: str, words: str) -> None:
    call = await waits_too_long(api, exit=f"{way}:{OTHER}")
    dial = call.dials()
    assert dial.number == OTHER
    assert words in call.said
    await call.hear("over", dial.over.step, PromptFinished())
    assert call.one(Hangup)


async def test_where_the_other_number_is_busy_one_may_be_called_back(api: Api) -> None:
    call = await waits_too_long(api, exit=f"number:{OTHER}")
    await call.hear("over", call.dials().over.step, LegFailed("busy"))
    assert "nobody could take your call in time. Press 1 to be called back" in call.said
    await call.presses("7")
    assert "did not understand" in call.said
    assert "Press 1 to be called back" in call.said
    await call.presses("1")
    assert "call you back" in call.said
    assert (await row_of(api, callback_id_of("n1"))).meta["phone"] == PRIYA


@pytest.mark.parametrize("plan", [{"voice": {"callback_key": None}}, {}], ids=["no key", "no number"])
async def test_where_the_other_number_is_busy_and_no_callback_can_be_had(api: Api, plan: dict[str, Any]) -> None:
    await closes(api, exit=f"number:{OTHER}", message="We open on Monday.")
    await change_plan(api, **plan)
    call = line(api)
    await call.calls(PRIYA if plan else None, to=OFFICE)
    await call.hear("over", call.dials().over.step, LegFailed("no_answer"))
    assert "something went wrong" in call.said
    assert "We open on Monday." in call.said
    assert call.one(Hangup)
    assert not call.one(Dial)


async def test_a_full_site_is_said_politely(api: Api) -> None:
    fill(api)
    call = line(api)
    await call.calls(PRIYA)
    assert "All our lines are taken" in call.said


@pytest.mark.parametrize("way", ["message", "callback", f"number:{OTHER}", f"voicemail:{OTHER}"])
async def test_a_full_site_has_a_way_out_too(api: Api, way: str) -> None:
    await change_plan(api, exit=way, exit_message="Try later.")
    fill(api)
    call = line(api)
    await call.calls(PRIYA)
    assert "All our lines are taken at the moment. Try later." in call.said
    if ":" in way:
        await call.hear("over", call.dials().over.step, PromptFinished())
    else:
        assert not call.one(Dial)
    assert call.one(Hangup)


async def test_a_full_site_whose_other_number_is_busy_says_the_plans_words(api: Api) -> None:
    await change_plan(api, exit=f"number:{OTHER}", exit_message="Try later.")
    fill(api)
    call = line(api)
    await call.calls(PRIYA)
    await call.hear("over", call.dials().over.step, LegFailed("busy"))
    assert "something went wrong" in call.said
    assert "Try later." in call.said
    assert call.one(Hangup)
