"""A talk has ended: who hung up, or what broke, is reported before or after the caller leaves the room."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.vocabulary import BridgeUp, CallEnded, Goto, Hangup, Hold, LegFailed, PromptFinished
from tests.support.desk_stage import Line, connected, line, offer_of, row_of
from tests.support.service import Api

ORDERS = ["reported first", "left first", "reported last"]
"""The last: only when the caller has asked what follows."""


async def part(api: Api, event: Any, order: str) -> tuple[Line, str, int | None]:
    """Ada's talk ends; answers her line as it stands then, the offer, and her rank while she talked."""
    call = line(api)
    offer = await connected(api, call)
    room, rank = call.room(), (await row_of(api, "n1")).rank
    if order == "reported first":
        await call.reports(event, "agent", offer)
    await call.leaves_room(room, "bridged")
    if order == "left first":
        await call.reports(event, "agent", offer)
    if order != "reported first":
        goto = call.one(Goto)
        assert isinstance(goto, Goto), call.script
        await call.hear(goto.route.page, goto.route.step, PromptFinished())
    if order == "reported last":
        await call.reports(event, "agent", offer)
    return call, offer, rank


@pytest.mark.parametrize("order", ORDERS[:2])
@pytest.mark.parametrize("cause", ["device", "network"])
async def test_the_agents_leg_broke_and_the_caller_waits_at_the_old_place(api: Api, cause: Any, order: str) -> None:
    call, _, rank = await part(api, LegFailed(cause), order)
    row = await row_of(api, "n1")
    assert (row.letter, row.rank) == ("w", rank)
    assert call.one(Hold)
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "cooling"


@pytest.mark.parametrize("order", ORDERS)
async def test_the_agent_hung_up_and_the_call_is_answered(api: Api, order: str) -> None:
    call, _, _ = await part(api, CallEnded(), order)
    assert (await row_of(api, "n1")).outcome == "answered"
    assert call.one(Hangup)
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "wrapping"


async def test_a_break_that_nobody_reports_in_time_is_the_end(api: Api) -> None:
    call, _, _ = await part(api, LegFailed("network"), "reported last")
    assert (await row_of(api, "n1")).outcome == "answered"
    assert call.one(Hangup)


async def test_the_end_of_one_talk_asked_again_does_not_end_the_next(api: Api) -> None:
    call = line(api)
    offer = await connected(api, call)
    room = call.room()
    await call.reports(LegFailed("network"), "agent", offer)
    await call.leaves_room(room, "bridged")
    await call.enters_room()
    await api.ready("agent-3")
    again, agent = await offer_of(api, "n1"), line(api)
    await agent.picks_up(again)
    await agent.takes(again)
    await agent.hear("bridged", again, BridgeUp(), "agent")
    assert (await row_of(api, "n1")).letter == "c"
    await call.leaves_room(room, "bridged")
    await call.reports(LegFailed("network"), "agent", offer)
    await call.reports(CallEnded(), "agent", offer)
    assert (await row_of(api, "n1")).letter == "c"
    assert (await row_of(api, "n1")).facts.talks == 2
