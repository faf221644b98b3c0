"""What a call's timeline says of why it went where it went, and of what its caller had been told."""

from __future__ import annotations

from ivr.desk.desk import Desk
from ivr.vocabulary import CallEnded
from router.callbacks import callback_id_of
from tests.support.desk_stage import (
    ADA,
    LI,
    NOBODY,
    NOON,
    PRIYA,
    Line,
    busy_owner,
    change_plan,
    in_room,
    know_waits,
    line,
    offer_of,
    row_of,
)
from tests.support.service import Api

SILVER = "+12025550114"  # served by those who know cards


async def why(api: Api, call_id: str) -> str:
    return " / ".join(row["why"] for row in (await api.look(call_id))["timeline"])


async def is_asked(api: Api) -> Line:
    """Li, whose owner talks to somebody, has heard when the owner is free."""
    know_waits(api)
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    assert "free in about" in call.said
    return call


async def knows_the_wait(api: Api) -> Line:
    """A caller in the holding room has heard how long it takes."""
    know_waits(api)
    await api.ready("agent-1")
    await api.accept(await api.call("other", PRIYA))
    call = await in_room(api, NOBODY)
    assert "Expected wait" in call.said
    return call


async def events_of(api: Api, event: str) -> list[bytes]:
    """The stream's entries of that kind about the call."""
    entries = await api.site.channel.call("XRANGE", api.site.keys.events, "-", "+")
    return [text for _, (_, text) in entries if text.startswith(f"{event}|call=n1|".encode())]


async def test_a_step_that_is_full(api: Api) -> None:
    steps = [{"step": "vip", "to": "vip", "wait": "10m", "max_waiting": 1}, {"then": "general"}]
    plan = (await api.get("/v1/plan")).json["plan"]
    await change_plan(api, ladders=plan["ladders"] | {"vip": steps})
    await api.ready("agent-6")
    await api.accept(await api.call("talks", SILVER))
    await api.call("first", SILVER)
    await api.call("second", SILVER)
    assert "vip+cards is full: 1 stand there, it takes 1" in await why(api, "second")
    assert "full" not in await why(api, "first")


async def test_a_closed_group_is_not_one_that_nobody_serves(api: Api) -> None:
    await api.put("/v1/queues/vip", {"open": False})
    await api.call("n1", SILVER)
    assert "vip+cards is closed" in await why(api, "n1")
    assert "no agent serves" not in await why(api, "n1")


async def test_an_agents_own_words_of_declining(api: Api) -> None:
    await api.ready("agent-7")
    call = await api.call("n1", ADA)
    await api.post(f"/v1/offers/{call['offer']['offer_id']}/decline", {"reason": "conflict of interest"})
    assert "agent-7 declined; conflict of interest; back in line" in await why(api, "n1")


async def test_who_calls_in_before_the_callback_has_its_place(api: Api) -> None:
    first = await in_room(api)
    await first.presses("1")
    await line(api, "n2").calls(PRIYA)
    told = await why(api, "n2")
    assert f"has the place of callback {callback_id_of('n1')}, for the customer called in first" in told


async def test_what_was_announced_and_chosen_is_kept(api: Api) -> None:
    call = await is_asked(api)
    await call.presses("2")
    shown = await api.look("n1")
    assert shown["announced"]["p90"] >= shown["announced"]["p50"] > 0
    assert shown["chosen"] == "wait"
    assert "the caller waits for the owner; had been told about" in await why(api, "n1")
    await call.reports(CallEnded())
    assert "had chosen to wait for the owner; had been told about" in await why(api, "n1")
    shown = await api.look("n1")
    assert shown["chosen"] == "wait"
    assert shown["announced"] is not None
    assert b"|chose=wait|told=" in (await events_of(api, "call.ended"))[0]


async def test_who_asks_to_be_called_back_has_chosen_so(api: Api) -> None:
    call = await is_asked(api)
    await call.presses("3")
    assert (await api.look("n1"))["chosen"] == "callback"
    assert "will be called back" in await why(api, "n1")
    assert "with the same place; had been told about" in await why(api, "n1")
    in_line = await in_room(api, PRIYA, "n2")
    await in_line.presses("1")
    assert (await row_of(api, "n2")).outcome == "callback"
    assert (await api.look("n2"))["chosen"] is None  # no question was asked


async def test_the_figure_heard_last_goes_with_the_answer(api: Api) -> None:
    await knows_the_wait(api)
    await api.ready("agent-4")
    offer = await offer_of(api, "n1")
    agent = (await api.look("n1"))["offer"]["agent_id"]
    await api.site.engine.accept_offer("n1", agent, offer)
    await api.site.engine.connect_call("n1", offer)
    connected = await events_of(api, "call.connected")
    told = connected[0].partition(b"|told=")[2].partition(b"|")[0].split(b";")
    assert int(told[1]) <= int(told[2])


async def test_nothing_is_said_to_have_been_told_when_nothing_was(api: Api) -> None:
    call = line(api)
    await call.calls(PRIYA)
    assert (await api.look("n1"))["announced"] is None
    assert (await api.look("n1"))["chosen"] is None


async def test_who_stands_before_an_earlier_caller_and_why(api: Api) -> None:
    await api.call("early", PRIYA)
    assert (await api.look("early"))["passed_by"] is None
    await api.call("late", NOBODY)
    await api.post("/v1/calls/late/boost", {"head_start_ms": 600_000})
    told = (await api.look("early"))["passed_by"]
    assert told == "1 who came later stand before it, by a longer head start or a boost: 1 standard"


async def test_a_wait_that_was_told_and_has_passed_is_told_no_more(api: Api) -> None:
    call = await knows_the_wait(api)
    first = (await api.look("n1"))["announced"]
    call.desk = Desk(api.site, clock=lambda: NOON + first["p90"])
    await call.presses(None)
    assert "Expected wait" in call.said
    assert (await api.look("n1"))["announced"] == first, "the same again promises no later time"
    call.desk = Desk(api.site, clock=lambda: NOON + first["p90"] + 1)
    await call.presses(None)
    assert "Expected wait" not in call.said
