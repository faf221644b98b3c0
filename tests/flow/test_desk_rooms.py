"""The holding room breaks: whoever was in it comes back to the same place, but not twice at once."""

from __future__ import annotations

from ivr.vocabulary import Dial, Goto, Hangup, PromptFinished
from tests.support.desk_stage import NOON, PRIYA, change_plan, connected, line, offer_of, row_of
from tests.support.service import Api


async def test_a_room_that_cannot_hold_the_caller(api: Api) -> None:
    await change_plan(api, exit="number:+12025550133")
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
    await connected(api, call)
    await call.leaves_room(call.room(), "error")
    goto = call.one(Goto)
    assert isinstance(goto, Goto)
    await call.hear("over", goto.route.step, PromptFinished())
    assert (await row_of(api, "n1")).outcome == "answered"
