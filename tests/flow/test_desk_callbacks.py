"""Nobody can be had: a caller may be called back, at the old place in line, and is told what comes of it."""

from __future__ import annotations

import pytest

from ivr.desk import callers
from ivr.vocabulary import CallEnded, Collect, Goto, Hangup, HoldTick, InputDigits, PromptFinished
from router.callbacks import callback_id_of
from tests.support.desk_stage import (
    ADA,
    NOBODY,
    OFFICE,
    PRIYA,
    change_plan,
    closes,
    in_room,
    line,
    row_of,
    until_ended,
    waits_too_long,
)
from tests.support.service import Api

CALLBACK = callback_id_of("n1")


async def test_who_waited_too_long_may_be_called_back_at_the_old_place(api: Api) -> None:
    call = await waits_too_long(api, exit="callback")
    assert "Press 1 to be called back" in call.said
    rank = (await row_of(api, "n1")).rank
    route = call.answers_at()

    booked = await call.presses("1")

    assert "call you back" in call.said
    assert call.one(Hangup)
    row = await row_of(api, CALLBACK)
    assert (row.letter, row.rank, row.meta["phone"]) == ("w", rank, PRIYA)
    assert (await row_of(api, "n1")).outcome == "callback"
    assert await call.hear("key", route.step, InputDigits("1")) == booked
    await call.reports(CallEnded())
    shown = await api.look("n1")
    assert shown["callback_id"] == CALLBACK
    assert (await api.get(f"/v1/callbacks/{CALLBACK}")).json["state"] == "waiting"


async def test_closed_hours_may_offer_a_callback(api: Api) -> None:
    await closes(api, exit="callback", message="We open on Monday.")
    call = line(api)
    await call.calls(ADA, to=OFFICE)
    assert "We are closed at the moment. We open on Monday. Press 1 to be called back" in call.said
    await call.presses("1")
    assert "call you back" in call.said
    row = await row_of(api, CALLBACK)
    assert row.letter == "w"
    assert row.lanes == ("@agent-7", "@agent-3", "vip", "general")
    await api.ready("agent-7")
    assert (await row_of(api, CALLBACK)).agent_id == "agent-7"


@pytest.mark.parametrize("key", ["7", None])
async def test_not_understood_it_is_offered_once_more_at_most(api: Api, key: str | None) -> None:
    call = await waits_too_long(api, exit="callback")
    await call.presses(key)
    if key:
        assert "did not understand" in call.said
        assert call.one(Collect)
        await call.presses(key)
    assert call.said == "Thank you for calling. Goodbye."
    assert call.one(Hangup)
    assert (await row_of(api, "n1")).outcome == "overflowed_out"


async def test_it_may_be_had_after_all(api: Api) -> None:
    call = await waits_too_long(api, exit="callback")
    await call.presses("7")
    await call.presses("1")
    assert (await row_of(api, CALLBACK)).letter == "w"


async def test_a_number_that_has_a_callback_hears_so_and_goes_on_waiting(api: Api) -> None:
    await change_plan(api, trust={"loses_vip_rights": ["failed", "none"]})
    for call_id in ("n1", "n2"):
        call = await in_room(api, NOBODY, call_id, trust="none")
        assert "called back" in call.said
        await call.presses("1")
    assert "A call back to your number is booked already." in call.said
    assert call.one(Goto)
    assert "press 1" not in call.said
    assert (await row_of(api, "n2")).letter == "w"
    assert len(await api.site.callbacks.since()) == 1


async def test_a_number_that_has_a_callback_hears_so_on_the_way_out(api: Api) -> None:
    await closes(api, exit="callback")
    for call_id in ("n1", "n2"):
        call = line(api, call_id)
        await call.calls(NOBODY, to=OFFICE, trust="none")
        await call.presses("1")
    assert "booked already" in call.said
    assert call.one(Hangup)
    assert len(await api.site.callbacks.since()) == 1


async def test_a_key_pressed_in_the_room_while_the_wait_ends_is_no_answer_to_the_offer(api: Api) -> None:
    """The caller heard music when the call ended: the offer is still to come."""
    await change_plan(api, max_wait=1_000, exit="callback")
    call = await in_room(api)
    heard = call.answers_at()
    await until_ended(api)
    await call.hear("key", heard.step, HoldTick())
    assert call.said == ""  # and is said once, where the caller is fetched to
    again = call.one(Goto)
    assert isinstance(again, Goto)
    await call.hear("exit", "1-0", PromptFinished())
    assert "Press 1 to be called back" in call.said


async def test_whom_nobody_fetches_out_of_the_room_is_told_in_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "FETCHED_MS", 0)
    call = await in_room(api)
    await api.post("/v1/calls/n1/withdraw", {})
    await call.presses(None)
    assert call.said == "Thank you for calling. Goodbye."
    assert call.one(Hangup)
