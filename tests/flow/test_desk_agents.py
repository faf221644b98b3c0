"""The desk and the agent's leg: the whisper, the talk, what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    Collect,
    Hangup,
    Hold,
    LegFailed,
    PromptFinished,
    Say,
)
from tests.support.desk_stage import ADA, NOBODY, Line, change_plan, connected, line, offer_of, row_of
from tests.support.service import Api
from tests.support.waiting import wait_until


async def test_whisper_accept_bridge_talk_and_survey(api: Api) -> None:
    await change_plan(api, voice={"survey": True})
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    room = call.room()
    await call.enters_room()
    offer = await offer_of(api, "n1")
    await agent.picks_up(offer)
    assert "diamond customer Ms Ada Marlow" in agent.said
    accepted = await agent.takes(offer)
    assert agent.joins()
    assert await agent.takes(offer, "9") == accepted  # a repeat, whatever it carries
    assert (await row_of(api, "n1")).letter == "b"
    await agent.hear("bridged", offer, BridgeUp(), "agent")
    assert (await row_of(api, "n1")).letter == "c"
    await agent.hear("over", offer, BridgeDown(), "agent")
    await call.leaves_room(room, "bridged")
    assert "How satisfied" in call.said
    await call.presses("5")
    assert "Thank you" in call.said
    row = await row_of(api, "n1")
    assert (row.outcome, row.meta["survey"]) == ("answered", "5")
    assert (await api.look("n1"))["survey"] == 5


async def test_the_whisper_says_why_it_comes_and_what_was_left_open(api: Api) -> None:
    """Ada's owner looks after her, asks for a follow-up, and hears of it when she calls again."""
    call = line(api)
    offer = await connected(api, call)
    await api.post("/v1/calls/n1/complete", {"offer_id": offer, "outcome": "follow_up"})
    again = line(api, "n2")

    async def kept() -> bool:
        return bool((await api.site.customers.get("c-1000")).contacts)

    await wait_until(kept)
    await api.ready("agent-7")
    await again.calls(ADA)
    agent = line(api, "n2")
    await agent.picks_up(await offer_of(api, "n2"))
    assert "You look after this customer. The last call left something open. Press 1" in agent.said


async def test_the_whisper_names_nobody_where_several_have_the_number(api: Api) -> None:
    await api.put("/v1/customers/c-900", {"name": "Nina Marlow", "phones": [ADA], "tier": "gold"})
    await api.ready("agent-7", "agent-4")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    await agent.picks_up(await offer_of(api, "n1"))
    assert agent.said.startswith("One of several customers with this number, waited 0 seconds.")
    assert "Marlow" not in agent.said


async def test_the_whisper_says_whose_number_is_not_proved(api: Api) -> None:
    await change_plan(api, trust={"loses_vip_rights": ["none", "failed"]})
    await api.ready("agent-4")
    call, agent = line(api), line(api)
    await call.calls(ADA, trust="none")
    await agent.picks_up(await offer_of(api, "n1"))
    assert "Ms Ada Marlow, waited 0 seconds. The number is not proved." in agent.said


@pytest.mark.parametrize("key", [None, "0", "6", "9", "*", "#", "12"])
async def test_nobody_is_thanked_for_an_answer_they_did_not_give(api: Api, key: str | None) -> None:
    await change_plan(api, voice={"survey": True})
    call = line(api)
    offer = await connected(api, call)
    await line(api).hear("over", offer, BridgeDown(), "agent")
    await call.leaves_room(call.room(), "bridged")
    await call.presses(key)
    assert "for your answer" not in call.said
    assert "Goodbye" in call.said
    assert (await api.look("n1"))["survey"] is None


@pytest.mark.parametrize(("key", "cause"), [("7", "declined"), (None, "no_answer")])
async def test_an_agent_who_does_not_take_it(api: Api, key: str | None, cause: str) -> None:
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    await agent.picks_up(offer)
    await agent.takes(offer, key)
    assert "someone else" in agent.said
    assert (await row_of(api, "n1")).letter == "w"
    events = await api.site.channel.call("XRANGE", api.site.keys.events, "-", "+")
    assert any(b"call.returned" in e[1][1] and f"|cause={cause}|".encode() in e[1][1] for e in events)


async def test_an_agent_is_spoken_to_in_the_agents_language_the_caller_in_the_callers(api: Api) -> None:
    greta = {"name": "Greta Holm", "groups": {"vip": 1}, "skills": ["zh-CN"], "language": "pl"}
    await api.put("/v1/agents/agent-7", greta)
    wen = {"name": "Wen", "phones": [NOBODY], "tier": "gold", "owner": "agent-7", "language": "zh-CN"}
    await api.put("/v1/customers/c-900", wen)
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    late = Line(agent.desk, "n1")
    await call.calls(NOBODY)
    offer = await offer_of(api, "n1")
    assert {say.locale for say in call.script if isinstance(say, Say)} == {"zh-CN"}
    await agent.picks_up(offer)
    collect = agent.one(Collect)
    assert isinstance(collect, Collect)
    assert {say.locale for say in collect.prompts if isinstance(say, Say)} == {"pl"}
    assert "poziom złoty: Wen" in agent.said
    await agent.takes(offer, "9")
    assert {say.locale for say in agent.script if isinstance(say, Say)} == {"pl"}
    await late.hear("join", offer, PromptFinished(), "agent")
    assert {say.locale for say in late.script if isinstance(say, Say)} == {"pl"}
    assert (await api.get("/v1/agents/agent-7")).json["language"] == "pl"


async def test_a_place_in_line_never_grows(api: Api) -> None:
    """Somebody of better rank comes in: that is not told as a step back, nor as the old place."""
    call = line(api)
    await call.calls(NOBODY)
    await call.enters_room()
    assert "You are next in line." in call.said
    await api.call("vip", ADA)
    await call.presses(None)
    assert "next in line" not in call.said
    assert "number 2" not in call.said
    assert "Thank you for your patience" in call.said
    await api.post("/v1/calls/vip/withdraw", {})
    await call.presses(None)
    assert "You are next in line." in call.said


async def test_an_agent_picks_up_too_late(api: Api) -> None:
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    await call.reports(CallEnded())
    await agent.picks_up(offer)
    assert "no longer there" in agent.said
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "ready"


@pytest.mark.parametrize("cause", ["busy", "no_answer", "declined", "device", "network"])
async def test_an_agents_leg_that_fails_gives_the_caller_back(api: Api, cause: Any) -> None:
    await api.ready("agent-7")
    call = line(api)
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    for _ in range(2):
        await call.reports(LegFailed(cause), "agent", offer)
    assert (await row_of(api, "n1")).letter == "w"
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "cooling"


async def test_our_own_cancel_is_no_failure(api: Api) -> None:
    await api.ready("agent-7")
    call = line(api)
    await call.calls(ADA)
    await call.reports(LegFailed("canceled"), "agent", await offer_of(api, "n1"))
    assert (await row_of(api, "n1")).letter == "o"


async def test_the_agent_hangs_up_after_the_talk(api: Api) -> None:
    call = line(api)
    offer = await connected(api, call)
    await call.reports(CallEnded(), "agent", offer)
    assert (await row_of(api, "n1")).outcome == "answered"
    await call.leaves_room(call.room(), "bridged")
    assert call.one(Hangup)


async def test_a_leg_that_breaks_in_mid_talk_leaves_the_caller_in_line(api: Api) -> None:
    call = line(api)
    offer = await connected(api, call)
    await call.reports(LegFailed("network"), "agent", offer)
    assert (await row_of(api, "n1")).letter == "w"
    await call.leaves_room(call.room(), "bridged")
    assert call.one(Hold)


async def test_accepted_in_the_application_while_the_phone_rings(api: Api) -> None:
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    offer = await offer_of(api, "n1")
    await api.site.engine.accept_offer("n1", "agent-7", offer)
    await agent.picks_up(offer)
    await agent.stands_by(offer)
    assert not agent.joins()  # the caller still hears the greeting
    await call.enters_room()
    await agent.stands_by(offer)
    assert agent.joins()
