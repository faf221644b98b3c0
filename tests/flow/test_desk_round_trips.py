"""How often a hook asks the server: twice for a call's first document, once for every other, whatever it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from ivr.desk import Desk
from ivr.desk.arrival import MET_MS
from ivr.desk.desk import wall_clock
from ivr.vocabulary import BridgeDown, BridgeUp, CallEnded, Event, InputDigits, LegFailed, PromptFinished
from router.store.channel import Channel
from router.store.script_loader import load_stepped
from tests.support.desk_stage import (
    ADA,
    LI,
    PRIYA,
    Line,
    busy_owner,
    change_plan,
    know_waits,
    offer_of,
    row_of,
    until_ended,
)
from tests.support.service import Api

UNAWAITED = ("HSET", "PEXPIRE")
STEPPED = ("abandon_call", "accept_offer", "amend_call", "call_back", "complete_call", "connect_call", "decline_offer",
           "hear_offer")  # fmt: skip
counted: ContextVar[set[int] | None] = ContextVar("counted", default=None)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are told apart by the write they left with, and belong to the task that sent them, or its parent."""
    send, flush, number = Channel.send, Channel._flush, [0]

    def count(self: Channel, *args: Any) -> Any:
        rounds = counted.get()
        if rounds is not None and args[0] not in UNAWAITED:
            rounds.add(number[0])
        return send(self, *args)

    def flushed(self: Channel) -> None:
        number[0] += 1
        flush(self)

    monkeypatch.setattr(Channel, "send", count)
    monkeypatch.setattr(Channel, "_flush", flushed)


@contextmanager
def round_trips(expected: int) -> Iterator[None]:
    rounds: set[int] = set()
    token = counted.set(rounds)
    yield
    counted.reset(token)
    assert 0 < len(rounds) <= expected


@pytest.fixture
async def desk(api: Api) -> Desk:
    """A process in which everybody has called before: lanes are registered, scripts loaded, waits known."""
    for name in (*STEPPED, "route_call", "view_call"):
        await api.site.channel.call("SCRIPT", "LOAD", load_stepped(name).body)
    know_waits(api)
    desk = Desk(api.site)
    for number in (ADA, PRIYA):
        await Line(desk, f"warm{number[-1]}").calls(number)
        await api.post(f"/v1/calls/warm{number[-1]}/withdraw", {})
    return desk


@pytest.mark.usefixtures("writes")
async def test_waiting_and_hearing_how_long(api: Api, desk: Desk) -> None:
    await api.ready("agent-1")
    await api.accept(await api.call("talks", PRIYA))
    call, other, gone = Line(desk, "n1"), Line(desk, "n2"), Line(desk, "n3")
    with round_trips(2):
        await call.calls(PRIYA)
    with round_trips(1):
        await call.enters_room()
    assert "Expected wait" in call.said
    with round_trips(1):
        await call.presses(None)
    with round_trips(1):
        await call.presses("1")
    assert "call you back" in call.said
    await other.calls(LI)
    with round_trips(1):
        await other.hear("connect", "1-0", PromptFinished())
    with round_trips(1):
        await other.leaves_room(other.room(), "redirected")
    await gone.calls(PRIYA)
    with round_trips(1):
        await gone.leaves_room(gone.room(), "hangup")


@pytest.mark.usefixtures("writes")
async def test_being_asked(api: Api, desk: Desk) -> None:
    await busy_owner(api)
    one, two, three = Line(desk, "n1"), Line(desk, "n2"), Line(desk, "n3")
    with round_trips(2):
        await one.calls(LI)
    assert "free in about" in one.said
    with round_trips(1):
        await one.presses("8")
    assert "did not understand" in one.said
    with round_trips(1):
        await one.presses("8")
    assert (await row_of(api, "n1")).step.name == "vip"
    await two.calls(ADA)
    with round_trips(1):
        await two.presses("2")
    await three.calls(LI)
    with round_trips(1):
        await three.presses("3")
    assert "call you back" in three.said


@pytest.mark.usefixtures("writes")
async def test_the_agents_leg(api: Api, desk: Desk) -> None:
    await change_plan(api, voice={"survey": True})
    await api.ready("agent-7")
    call, agent = Line(desk, "n1"), Line(desk, "n1")
    await call.calls(ADA)
    room = call.room()
    await call.enters_room()
    offer = await offer_of(api, "n1")
    with round_trips(1):
        await agent.picks_up(offer)
    with round_trips(1):
        await agent.takes(offer)
    assert agent.joins()
    with round_trips(1):
        await agent.hear("join", offer, PromptFinished(), "agent")
    with round_trips(1):
        await agent.hear("bridged", offer, BridgeUp(), "agent")
    with round_trips(1):
        await agent.hear("over", offer, BridgeDown(), "agent")
    with round_trips(1):
        await call.leaves_room(room, "bridged")
    with round_trips(1):
        await call.presses("5")
    assert (await row_of(api, "n1")).meta["survey"] == "5"


@pytest.mark.usefixtures("writes")
@pytest.mark.parametrize("key", ["7", None])
async def test_an_agent_who_says_no(api: Api, desk: Desk, key: str | None) -> None:
    await api.ready("agent-7")
    call, agent = Line(desk, "n1"), Line(desk, "n1")
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    with round_trips(1):
        await agent.takes(offer, key)
    with round_trips(1):
        await agent.hear("over", offer, LegFailed("network"), "agent")
    assert (await row_of(api, "n1")).letter == "w"


@pytest.mark.usefixtures("writes")
@pytest.mark.parametrize("event", [CallEnded(), LegFailed("busy"), LegFailed("network")])
@pytest.mark.parametrize("talking", [False, True])
async def test_a_report_of_the_agents_leg(api: Api, desk: Desk, event: Event, talking: bool) -> None:
    await api.ready("agent-7")
    call = Line(desk, "n1")
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    if talking:
        await api.site.engine.connect_call("n1", offer)
    with round_trips(1):
        await call.reports(event, "agent", offer)
    ended = talking and event == CallEnded()
    busy = talking and event == LegFailed("busy")  # no word of a leg that talks
    assert (await row_of(api, "n1")).letter == ("e" if ended else "c" if busy else "w")
    with round_trips(1):
        await call.reports(CallEnded())


@pytest.mark.usefixtures("writes")
async def test_the_menu(api: Api, desk: Desk) -> None:
    await change_plan(api, voice={"menu": [{"key": "1", "language": "en"}, {"key": "2", "topic": "more"}]})
    call, other = Line(desk, "n1"), Line(desk, "n2")
    with round_trips(2):
        await call.calls(ADA)
    with round_trips(1):
        await call.presses("7")
    assert "did not understand" in call.said
    route = call.answers_at()
    with round_trips(1):
        document = await call.presses("2")
    assert (await row_of(api, "n1")).letter == "w"
    assert await call.hear("menu", route.step, InputDigits("1")) == document
    await other.calls(ADA)
    again = Line(Desk(api.site), "n2", other.script)
    await again.presses("1")  # another process looks the caller up
    assert (await row_of(api, "n2")).letter == "w"


async def test_who_hung_up_in_the_menu_is_forgotten_and_who_is_slow_is_looked_up_anew(api: Api) -> None:
    await change_plan(api, voice={"menu": [{"key": "1", "language": "en"}, {"key": "2", "topic": "more"}]})
    now = [wall_clock()]
    desk = Desk(api.site, lambda: now[0])
    slow = Line(desk, "n1")
    await slow.calls(ADA)
    assert list(desk._callers._met) == ["n1"]
    now[0] += MET_MS + 1
    await Line(desk, "n2").calls(PRIYA)
    assert list(desk._callers._met) == ["n2"]
    await slow.presses("1")
    assert (await row_of(api, "n1")).letter == "w"


@pytest.mark.usefixtures("writes")
async def test_the_way_out(api: Api, desk: Desk) -> None:
    await change_plan(api, max_wait=1_000, exit="callback")
    call = Line(desk, "n1")
    await call.calls(PRIYA)
    await until_ended(api)
    with round_trips(1):
        await call.hear("exit", "1-0", PromptFinished())
    with round_trips(1):
        await call.presses("7")
    with round_trips(1):
        await call.presses("1")
    assert "call you back" in call.said
