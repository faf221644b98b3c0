"""The desk and whoever waits: the place in line, a callback instead, and the ways out."""

from __future__ import annotations

from ivr.vocabulary import CallEnded, Dial, Hangup, PromptFinished
from router.callbacks import callback_id_of
from tests.support.desk_stage import NOBODY, OFFICE, PRIYA, change_plan, line, row_of
from tests.support.service import Api
from tests.support.waiting import wait_until

HOTLINE = "+12025550188"


# ---------------------------------------------------------------- hold


async def test_the_position_is_told_again_and_again(api: Api) -> None:
    for call_id in ("a", "b"):
        await api.call(call_id, NOBODY)
    call = line(api)
    await call.calls(PRIYA)
    await call.enters_room()
    assert "number 3 in line" in call.said
    await api.post("/v1/calls/a/withdraw", {})
    await api.post("/v1/calls/b/withdraw", {})
    await call.presses(None)
    assert "You are next in line." in call.said


async def test_the_place_counts_everybody_who_is_before_in_any_line(api: Api) -> None:
    """The first line is full, so the caller stands in the next one too, where few have come as yet."""
    await api.ready("agent-3")
    await api.accept(await api.call("busy", NOBODY))
    for number in range(22):
        await api.call(f"c{number}", f"+120255501{number + 60}", to=HOTLINE)
    call = line(api)
    await call.calls(NOBODY, HOTLINE)
    await call.enters_room()
    assert (await row_of(api, "n1")).lanes == ("vip", "general")
    assert (await api.look("n1"))["position"] == 3
    assert "number 23 in line" in call.said


async def test_a_key_while_waiting_keeps_the_place_as_a_callback(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    room = call.room()
    await call.enters_room()
    await call.presses("1")
    assert "call you back" in call.said
    assert (await row_of(api, callback_id_of("n1"))).rank is not None
    await call.leaves_room(room, "hangup")
    await call.reports(CallEnded())
    assert (await row_of(api, "n1")).outcome == "callback"


async def test_who_withholds_the_number_is_offered_no_callback(api: Api) -> None:
    call = line(api)
    await call.calls(None)
    await call.enters_room()
    assert "called back" not in call.said


async def test_music_and_interval_are_the_plans(api: Api) -> None:
    await change_plan(
        api, voice={"music": "music/waltz.mp3", "music_length": 10_000, "interval": 30_000, "callback_key": None}
    )
    call = line(api)
    await call.calls(PRIYA)
    await call.enters_room()
    assert "waltz.mp3" in repr(call.script)
    assert "loop=3" in repr(call.script)


async def test_the_caller_hangs_up(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    for _ in range(2):
        await call.reports(CallEnded())
    assert (await row_of(api, "n1")).outcome in ("abandoned", "short_abandoned")
    await call.enters_room()  # late, and harmless
    assert (await row_of(api, "n1")).state == "ended"


# ---------------------------------------------------------------- ways out


async def test_closed_says_so_and_ends(api: Api) -> None:
    closed = {"open": {"daily": []}, "message": "We open on Monday."}
    await change_plan(api, hours={"office": closed})
    call = line(api)
    await call.calls(NOBODY, to=OFFICE)
    assert "We are closed at the moment. We open on Monday." in call.said
    assert call.one(Hangup)


async def test_closed_leads_to_another_number(api: Api) -> None:
    await change_plan(api, hours={"office": {"open": {"daily": []}, "exit": "number:+12025550133"}})
    call = line(api)
    await call.calls(NOBODY, to=OFFICE)
    dial = call.one(Dial)
    assert isinstance(dial, Dial)
    assert dial.number == "+12025550133"
    await call.hear("over", dial.over.step, PromptFinished())
    assert call.one(Hangup)


async def test_nobody_could_take_the_call_in_time(api: Api) -> None:
    await change_plan(api, max_wait=1_000)
    call = line(api)
    await call.calls(PRIYA)
    room = call.room()

    async def ended() -> bool:
        return (await row_of(api, "n1")).state == "ended"

    await wait_until(ended)
    await call.hear("exit", "1-0", PromptFinished())
    assert "We are sorry that nobody could take your call in time." in call.said
    await call.leaves_room(room, "redirected")
    assert call.script == ()


async def test_a_full_site_is_said_politely(api: Api) -> None:
    api.site.engine._hard_limit = api.site.engine._settings["hard_limit"] = "0"
    call = line(api)
    await call.calls(PRIYA)
    assert "All our lines are taken" in call.said
