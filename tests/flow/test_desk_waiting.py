"""The desk and whoever waits: the place in line, again and again, and a callback instead."""

from __future__ import annotations

from ivr.vocabulary import CallEnded
from router.callbacks import callback_id_of
from tests.support.desk_stage import NOBODY, PRIYA, change_plan, line, row_of
from tests.support.service import Api

HOTLINE = "+12025550188"


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
