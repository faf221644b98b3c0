"""Nobody can be had: every caller who is sent away hears why, and what may be done now."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.desk import callers
from ivr.vocabulary import (
    BridgeUp,
    CallEnded,
    Collect,
    Dial,
    Goto,
    Hangup,
    HoldTick,
    InputDigits,
    LegFailed,
    PromptFinished,
    Say,
)
from router.callbacks import callback_id_of
from tests.support.desk_stage import (
    ADA,
    NOBODY,
    NOON,
    OFFICE,
    OPEN_LINE,
    PRIYA,
    Line,
    change_plan,
    line,
    offer_of,
    row_of,
)
from tests.support.service import Api
from tests.support.waiting import wait_until

OTHER = "+12025550133"
CALLBACK = callback_id_of("n1")


async def waits_too_long(api: Api, number: str | None = PRIYA, **plan: Any) -> Line:
    """A caller who is sent away out of the holding room."""
    await change_plan(api, max_wait=1_000, **plan)
    call = line(api)
    await call.calls(number)
    await call.enters_room()

    async def ended() -> bool:
        return (await row_of(api, "n1")).state == "ended"

    await wait_until(ended)
    await call.hear("exit", "1-0", PromptFinished())
    return call


async def closes(api: Api, **hours: Any) -> None:
    await change_plan(api, hours={"office": {"open": {"daily": []}, **hours}})


# ---------------------------------------------------------------- a callback


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


async def test_whose_number_cannot_be_called_hears_no_such_offer(api: Api) -> None:
    call = await waits_too_long(api, None, exit="callback")
    assert "called back" not in call.said
    assert call.one(Hangup)


@pytest.mark.parametrize(
    "number",
    [OFFICE, OPEN_LINE, "+19002345678", "+449001234567", "+870773111632"],
    ids=["our own", "the one dialled", "premium", "abroad", "satellite"],
)
async def test_who_would_cost_us_dearly_is_not_called_back(api: Api, number: str) -> None:
    call = line(api)
    await call.calls(number)
    await call.enters_room()
    assert "called back" not in call.said


async def test_a_number_that_has_a_callback_hears_so_and_goes_on_waiting(api: Api) -> None:
    await change_plan(api, trust={"loses_vip_rights": ["failed", "none"]})
    for call_id in ("n1", "n2"):
        call = line(api, call_id)
        await call.calls(NOBODY, trust="none")
        await call.enters_room()
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


async def is_dialled_in_vain(api: Api) -> None:
    await api.ready("agent-1")
    due = await api.look(CALLBACK)
    await api.accept(due)
    await api.site.engine.fail_leg(CALLBACK, due["offer"]["offer_id"], "no_answer")
    await api.put("/v1/agents/agent-1/state", {"state": "offline"})


async def test_a_number_is_called_back_so_often_a_day(api: Api) -> None:
    await change_plan(api, callback={"per_day": 1})
    for call_id in ("n1", "n2"):
        call = line(api, call_id)
        await call.calls(NOBODY, trust="none")
        await call.enters_room()
        await call.presses("1")
        if call_id == "n1":
            await is_dialled_in_vain(api)
    assert "cannot call your number back again today" in call.said


HAVANA, HANGZHOU, TORONTO = "+5352345678", "+8657188888888", "+14165550123"


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
    call = line(api)
    await call.calls(number)
    await call.enters_room()
    assert ("called back" in call.said) == offered


async def test_a_customer_is_called_back_wherever_the_number_is(api: Api) -> None:
    await api.put("/v1/customers/c-901", {"name": "Mei", "phones": [HANGZHOU], "tier": "gold"})
    call = line(api)
    await call.calls(HANGZHOU)
    await call.enters_room()
    assert "called back" in call.said


async def test_a_key_pressed_in_the_room_while_the_wait_ends_is_no_answer_to_the_offer(api: Api) -> None:
    """The caller heard music when the call ended: the offer is still to come."""
    await change_plan(api, max_wait=1_000, exit="callback")
    call = line(api)
    await call.calls(PRIYA)
    await call.enters_room()
    heard = call.answers_at()

    async def ended() -> bool:
        return (await row_of(api, "n1")).state == "ended"

    await wait_until(ended)
    await call.hear("key", heard.step, HoldTick())
    assert call.said == ""  # and is said once, where the caller is fetched to
    again = call.one(Goto)
    assert isinstance(again, Goto)
    await call.hear("exit", "1-0", PromptFinished())
    assert "Press 1 to be called back" in call.said


async def test_whom_nobody_fetches_out_of_the_room_is_told_in_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "FETCHED_MS", 0)
    call = line(api)
    await call.calls(PRIYA)
    await call.enters_room()
    await api.post("/v1/calls/n1/withdraw", {})
    await call.presses(None)
    assert call.said == "Thank you for calling. Goodbye."
    assert call.one(Hangup)


async def test_the_question_does_not_offer_what_cannot_be_had(api: Api) -> None:
    await api.ready("agent-7")
    await api.accept(await api.call("other", ADA))
    call = line(api)
    await call.calls(ADA)
    assert "called back" in call.said
    premium = line(api, "n2")
    number = "+19002345678"
    await api.put("/v1/customers/c-900", {"name": "Nina", "phones": [number], "tier": "gold", "owner": "agent-7"})
    await premium.calls(number)
    assert "called back" not in premium.said
    assert "2 to wait" in premium.said
    await premium.presses("3")
    assert (await row_of(api, "n2")).letter == "q"
    assert premium.answers_at().page == "question"


# ---------------------------------------------------------------- elsewhere


@pytest.mark.parametrize(
    ("way", "words"), [("number", "connecting you to another number"), ("voicemail", "leave a message after the tone")]
)
async def test_another_number_or_a_machine(api: Api, way: str, words: str) -> None:
    call = await waits_too_long(api, exit=f"{way}:{OTHER}")
    dial = call.one(Dial)
    assert isinstance(dial, Dial)
    assert dial.number == OTHER
    assert words in call.said
    await call.hear("over", dial.over.step, PromptFinished())
    assert call.one(Hangup)


async def test_where_the_other_number_is_busy_one_may_be_called_back(api: Api) -> None:
    call = await waits_too_long(api, exit=f"number:{OTHER}")
    dial = call.one(Dial)
    assert isinstance(dial, Dial)
    await call.hear("over", dial.over.step, LegFailed("busy"))
    assert "nobody could take your call in time. Press 1 to be called back" in call.said
    await call.presses("7")
    assert "did not understand" in call.said
    assert "Press 1 to be called back" in call.said
    await call.presses("1")
    assert "call you back" in call.said
    assert (await row_of(api, CALLBACK)).meta["phone"] == PRIYA


@pytest.mark.parametrize("plan", [{"voice": {"callback_key": None}}, {}], ids=["no key", "no number"])
async def test_where_the_other_number_is_busy_and_no_callback_can_be_had(api: Api, plan: dict[str, Any]) -> None:
    await closes(api, exit=f"number:{OTHER}", message="We open on Monday.")
    await change_plan(api, **plan)
    call = line(api)
    await call.calls(PRIYA if plan else None, to=OFFICE)
    dial = call.one(Dial)
    assert isinstance(dial, Dial)
    await call.hear("over", dial.over.step, LegFailed("no_answer"))
    assert "something went wrong" in call.said
    assert "We open on Monday." in call.said
    assert call.one(Hangup)
    assert not call.one(Dial)


async def test_a_full_site_whose_other_number_is_busy_says_the_plans_words(api: Api) -> None:
    await change_plan(api, exit=f"number:{OTHER}", exit_message="Try later.")
    api.site.engine._hard_limit = api.site.engine._settings["hard_limit"] = "0"
    call = line(api)
    await call.calls(PRIYA)
    dial = call.one(Dial)
    assert isinstance(dial, Dial)
    await call.hear("over", dial.over.step, LegFailed("busy"))
    assert "something went wrong" in call.said
    assert "Try later." in call.said
    assert call.one(Hangup)


@pytest.mark.parametrize("way", ["message", "callback", f"number:{OTHER}", f"voicemail:{OTHER}"])
async def test_a_full_site_has_a_way_out_too(api: Api, way: str) -> None:
    await change_plan(api, exit=way, exit_message="Try later.")
    api.site.engine._hard_limit = api.site.engine._settings["hard_limit"] = "0"
    call = line(api)
    await call.calls(PRIYA)
    assert "All our lines are taken at the moment. Try later." in call.said
    dial = call.one(Dial)
    assert (dial is None) == (":" not in way)
    if isinstance(dial, Dial):
        await call.hear("over", dial.over.step, PromptFinished())
    assert call.one(Hangup)


async def test_a_room_that_cannot_hold_the_caller(api: Api) -> None:
    await change_plan(api, exit=f"number:{OTHER}")
    call = line(api)
    await call.calls(PRIYA)
    await call.leaves_room(call.room(), "full")
    assert "something went wrong" in call.said
    assert call.one(Dial)


async def test_a_room_that_lets_its_caller_go_is_entered_again_at_the_old_place(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    room = call.room()
    await call.enters_room()
    before = await row_of(api, "n1")
    again = await call.leaves_room(room, "error")
    assert await call.leaves_room(room, "error") == again, "the carrier may ask twice"
    after = await row_of(api, "n1")
    assert (after.letter, after.rank, after.lanes) == ("w", before.rank, before.lanes)
    assert "something went wrong" not in call.said

    room = call.room()
    await call.leaves_room(room, "error")
    assert "something went wrong" in call.said
    assert call.one(Hangup)
    assert (await row_of(api, "n1")).outcome == "failed"


async def test_a_room_may_fail_again_when_a_while_has_passed(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    await call.leaves_room(call.room(), "error")
    later = line(api, now_ms=NOON + 60_000)
    await later.leaves_room(call.room(), "error")
    assert later.room()
    assert (await row_of(api, "n1")).letter == "w"


async def test_a_caller_whom_an_agent_was_about_to_fetch_comes_back_for_them(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    room = call.room()
    await call.enters_room()
    await api.ready("agent-3")
    offer = await offer_of(api, "n1")
    await call.picks_up(offer)
    await call.takes(offer)
    await call.leaves_room(room, "error")
    assert call.room()
    row = await row_of(api, "n1")
    assert (row.letter, row.offer_id) == ("b", offer)


async def test_a_talk_whose_room_breaks_is_a_talk_that_has_ended(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    room = call.room()
    await call.enters_room()
    await api.ready("agent-3")
    offer = await offer_of(api, "n1")
    await call.picks_up(offer)
    await call.takes(offer)
    await call.hear("bridged", offer, BridgeUp(), "agent")
    await call.leaves_room(room, "error")
    goto = call.one(Goto)
    assert isinstance(goto, Goto)
    await call.hear("over", goto.route.step, PromptFinished())
    assert (await row_of(api, "n1")).outcome == "answered"


# ---------------------------------------------------------------- a closed queue


async def test_a_closed_queue_tells_those_who_wait_in_it(api: Api) -> None:
    call = line(api)
    await call.calls(NOBODY)
    await call.enters_room()
    await api.put("/v1/queues/general", {"open": False, "message": "There is a fire drill."})

    async def ended() -> bool:
        return (await row_of(api, "n1")).state == "ended"

    await wait_until(ended)
    await call.hear("exit", "1-0", PromptFinished())
    assert "We are closed at the moment. There is a fire drill." in call.said
    assert (await api.look("n1"))["message"] == "There is a fire drill."


async def test_a_closed_queue_tells_those_who_come(api: Api) -> None:
    await api.put("/v1/queues/general", {"open": False, "message": "There is a fire drill."})
    call = line(api)
    await call.calls(NOBODY)
    assert "We are closed at the moment. There is a fire drill." in call.said
    assert call.one(Hangup)
    assert (await api.look("n1"))["message"] == "There is a fire drill."


DRILL = {"en": "There is a fire drill.", "pl": "Mamy próbny alarm."}


@pytest.mark.parametrize(("number", "language", "spoken_in"), [(NOBODY, "pl", "pl"), (PRIYA, "id", "en")])
async def test_a_closed_queue_tells_each_in_their_language(
    api: Api, number: str, language: str, spoken_in: str
) -> None:
    await change_plan(api, numbers={OFFICE: {"language": language}})
    closed = await api.put("/v1/queues/general", {"open": False, "message": DRILL})
    assert {queue["group"]: queue["message"] for queue in closed.json["queues"]}["general"] == DRILL
    call = line(api)
    await call.calls(number, to=OFFICE)
    assert Say(DRILL[spoken_in], spoken_in) in call.script
    assert (await api.look("n1"))["message"] == DRILL[spoken_in]


async def test_a_closed_queue_without_a_word_leaves_the_plans(api: Api) -> None:
    await change_plan(api, exit_message="Try later.")
    await api.put("/v1/queues/general", {"open": False})
    call = line(api)
    await call.calls(NOBODY)
    assert "We are closed at the moment. Try later." in call.said
