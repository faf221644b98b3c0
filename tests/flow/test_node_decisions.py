"""A platform that only asks: who is this, where to, what does this key mean, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ivr.node.answers import DECISION, LOOKUP
from tests.support.node_stage import CALLED, Platform, platform_of

ADA, LI, PRIYA = "+12025550110", "+12025550111", "+12025550116"
GRETA, CHEN = "sip:7@pbx", "sip:3@pbx"


@pytest.fixture
async def platform(database: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform_of(database, tmp_path) as found:
        yield found


def check_whole(answer: Any, whole: dict[str, str] = DECISION) -> None:
    assert answer.keys() == whole.keys()
    assert all(isinstance(value, str) for value in answer.values()), answer


async def test_who_is_it(platform: Platform) -> None:
    await platform.api.ready("agent-7")
    ada = await platform.ask("lookup", "c-1", ADA)
    check_whole(ada, LOOKUP)
    assert (ada["found"], ada["vip"], ada["tier"]) == ("1", "1", "diamond")
    assert "Ms Ada Marlow" in ada["greeting"]
    assert (ada["agent_id"], ada["agent_state"], ada["agent_target"]) == ("agent-7", "ready", GRETA)
    stranger = await platform.ask("lookup", "c-2", "anonymous")
    check_whole(stranger, LOOKUP)
    assert (stranger["found"], stranger["vip"], stranger["name"], stranger["tier"]) == ("0", "0", "", "standard")
    assert stranger["greeting"]
    assert (await platform.api.get("/v1/calls")).json["items"] == []


async def test_an_agent_is_held_for_the_answer_and_the_talk_is_told(platform: Platform) -> None:
    await platform.api.ready("agent-7")
    to = await platform.ask("route", "c-1", ADA)
    check_whole(to)
    assert (to["action"], to["target"], to["agent_id"]) == ("agent", GRETA, "agent-7")
    assert (await platform.agent("agent-7"))["state"] == "offered"
    assert await platform.ask("route", "c-1", ADA) == to
    talking = await platform.ask("event", "c-1", event="answered")
    check_whole(talking)
    assert (await platform.api.look("c-1"))["state"] == "connected"
    assert await platform.ask("event", "c-1", event="answered") == talking
    over = await platform.ask("event", "c-1", event="hangup")
    assert over["action"] == "ended"
    call = await platform.api.look("c-1")
    assert (call["state"], call["outcome"]) == ("ended", "answered")
    assert (await platform.agent("agent-7"))["state"] == "wrapping"


async def test_nobody_is_free_and_the_caller_stands_in_line(platform: Platform) -> None:
    first = await platform.ask("route", "c-1", PRIYA)
    second = await platform.ask("route", "c-2", "+12025550177")
    assert (first["action"], first["queue"], first["target"], first["position"]) == ("queue", "general", "8002", "1")
    assert (second["action"], second["position"], second["again_seconds"]) == ("queue", "2", "3")
    assert second["text"]
    await platform.api.ready("agent-3")
    assert (await platform.ask("route", "c-2", "+12025550177"))["action"] == "queue"
    now = await platform.ask("route", "c-1", PRIYA)
    assert (now["action"], now["target"], now["agent_id"]) == ("agent", CHEN, "agent-3")


async def test_an_agent_who_is_busy_is_passed_over(platform: Platform) -> None:
    await platform.api.ready("agent-7", "agent-3")
    first = await platform.ask("route", "c-1", ADA)
    second = await platform.ask("event", "c-1", event="busy", offer_id=first["offer_id"])
    check_whole(second)
    assert (second["action"], second["target"]) == ("agent", CHEN)
    assert await platform.ask("event", "c-1", event="busy", offer_id=first["offer_id"]) == second
    assert (await platform.agent("agent-7"))["state"] == "cooling"


async def test_the_json_api_may_tell_it_instead(platform: Platform) -> None:
    await platform.api.ready("agent-7")
    to = await platform.ask("route", "c-1", ADA)
    for event_id, kind in (("e-1", "answered"), ("e-2", "bridged")):
        told = {"event_id": event_id, "type": kind, "leg": "agent", "offer_id": to["offer_id"]}
        assert (await platform.api.post("/v1/calls/c-1/events", told)).status == 200
    assert (await platform.ask("route", "c-1", ADA))["action"] == "agent"
    assert (await platform.api.look("c-1"))["state"] == "connected"


async def test_the_owner_is_busy_and_a_key_decides(platform: Platform) -> None:
    await platform.api.ready("agent-7", "agent-3")
    await platform.ask("route", "c-1", ADA)
    await platform.ask("event", "c-1", event="answered")
    asked = await platform.ask("route", "c-2", LI)
    check_whole(asked)
    assert asked["action"] == "ask"
    assert asked["options"] == "1=transfer 2=wait 3=callback"
    assert "is with another customer" in asked["text"]
    unclear = await platform.ask("menu", "c-2", digits="9")
    assert (unclear["action"], unclear["valid"]) == ("ask", "0")
    moved = await platform.ask("menu", "c-2", digits="1")
    assert (moved["action"], moved["valid"], moved["target"]) == ("agent", "1", CHEN)
    assert (await platform.ask("menu", "c-2", digits="1"))["target"] == CHEN


async def test_a_menu_of_the_plan_is_remembered_for_the_route(database: str, tmp_path: Path) -> None:
    def with_menu(plan: dict[str, Any]) -> None:
        plan["voice"] = {
            "menu": [{"key": "2", "language": "zh-CN"}, {"key": "3", "topic": "loans", "skills": ["loans"]}]
        }

    async with platform_of(database, tmp_path, with_menu) as platform:
        asked = await platform.ask("menu", "c-1")
        check_whole(asked)
        assert (asked["action"], asked["options"]) == ("ask", "2=zh-CN 3=loans")
        assert "press 3" in asked["text"]
        chosen = await platform.ask("menu", "c-1", digits="3")
        check_whole(chosen)
        assert (chosen["action"], chosen["valid"], chosen["skills"]) == ("route", "1", "loans")
        unclear = await platform.ask("menu", "c-2", digits="7")
        assert (unclear["action"], unclear["valid"]) == ("ask", "0")
        assert "did not understand" in unclear["text"]
        await platform.ask("route", "c-1", PRIYA)
        assert "loans" in str((await platform.api.look("c-1"))["lanes"])
        assert (await platform.ask("menu", "c-3", digits="2"))["language"] == "zh-CN"
        assert (await platform.ask("route", "c-3", PRIYA))["language"] == "zh-CN"


async def test_a_callback_keeps_the_place(platform: Platform) -> None:
    await platform.ask("route", "c-1", PRIYA)
    booked = await platform.ask("callback", "c-1", PRIYA)
    check_whole(booked)
    assert (booked["action"], booked["valid"]) == ("callback", "1")
    assert await platform.ask("callback", "c-1", PRIYA) == booked
    kept = await platform.api.get(f"/v1/callbacks/{booked['callback_id']}")
    assert kept.json["phone"] == PRIYA
    assert (await platform.api.look("c-1"))["outcome"] == "callback"


async def test_only_the_callers_own_number_is_called_back(platform: Platform) -> None:
    refused = await platform.ask("callback", "c-1", "anonymous", phone="+12025550142")
    assert (refused["valid"], refused["callback_id"]) == ("0", "")
    told = await platform.ask("callback", "c-2", PRIYA, phone="+12025550142")
    assert (await platform.api.get(f"/v1/callbacks/{told['callback_id']}")).json["phone"] == PRIYA


async def test_a_decision_nobody_follows_frees_the_agent_unharmed(database: str, tmp_path: Path) -> None:
    def short(plan: dict[str, Any]) -> None:
        plan["timing"]["offer"] = "3s"

    async with platform_of(database, tmp_path, short) as platform:
        await platform.api.ready("agent-7")
        before = await platform.api.site.engine.read_agent("agent-7")
        await platform.ask("route", "c-1", ADA)
        await platform.until("c-1", state="ended", outcome="short_abandoned")
        after = await platform.api.site.engine.read_agent("agent-7")
        assert before is not None
        assert after is not None
        assert (after.state, after.ready_since_ms, after.misses) == ("ready", before.ready_since_ms, 0)
        late = await platform.ask("event", "c-1", event="answered")
        assert late["action"] == "ended"


async def test_a_silent_platforms_caller_leaves_the_line_and_comes_back_to_the_old_place(
    database: str, tmp_path: Path
) -> None:
    async with platform_of(database, tmp_path, patience="1500ms", again="1s") as platform:
        await platform.ask("route", "c-1", PRIYA)
        first = await platform.api.site.engine.read_call("c-1")
        await platform.until("c-1", state="ended", outcome="short_abandoned")
        again = await platform.ask("route", "c-1", PRIYA)
        assert again["action"] == "queue"
        assert again["call_id"] == "c-1:again1"
        second = await platform.api.site.engine.read_call("c-1:again1")
        assert first is not None
        assert second is not None
        assert second.facts.accepted_ms == first.facts.accepted_ms


async def test_who_is_asked_may_hear_the_question_to_its_end(database: str, tmp_path: Path) -> None:
    """What the platform says takes longer than it may be silent otherwise, and than the API's question stands."""

    def hasty(plan: dict[str, Any]) -> None:
        plan["timing"]["question"] = "1s"

    async with platform_of(database, tmp_path, hasty, patience="1500ms", again="1s") as platform:
        await platform.api.ready("agent-7")
        offer = (await platform.ask("route", "c-1", ADA))["offer_id"]
        await platform.ask("event", "c-1", event="answered", offer_id=offer)
        assert (await platform.ask("route", "c-2", LI))["action"] == "ask"
        await asyncio.sleep(2)  # what this is about: while the words are said nothing is asked
        waits = await platform.ask("menu", "c-2", digits="2")
        assert (waits["action"], waits["valid"], waits["call_id"]) == ("queue", "1", "c-2")
        assert (await platform.api.look("c-2"))["chosen"] == "wait"


async def test_asking_keeps_the_place(database: str, tmp_path: Path) -> None:
    async with platform_of(database, tmp_path, patience="4s", again="1s") as platform:
        for _ in range(5):
            assert (await platform.ask("route", "c-1", PRIYA))["action"] == "queue"
            await asyncio.sleep(1)  # what this is about: silences shorter than the patience, together longer
        assert (await platform.api.look("c-1"))["state"] == "waiting"


async def test_a_caller_who_hung_up_is_not_brought_back(platform: Platform) -> None:
    await platform.ask("route", "c-1", PRIYA)
    await platform.ask("event", "c-1", event="hangup")
    assert (await platform.ask("route", "c-1", PRIYA))["action"] == "ended"


async def test_a_talk_nobody_ends_is_ended(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with platform_of(database, tmp_path) as platform:
        await platform.api.ready("agent-7")
        await platform.ask("route", "c-1", ADA)
        await platform.ask("event", "c-1", event="answered")
        monkeypatch.setattr("ivr.node.books.now_ms", lambda: 4_000_000_000_000)
        await platform.until("c-1", state="ended", outcome="answered")


async def test_where_answers_are_not_told_they_are_taken_for_granted(database: str, tmp_path: Path) -> None:
    async with platform_of(database, tmp_path, answered="assumed") as platform:
        await platform.api.ready("agent-7")
        to = await platform.ask("route", "c-1", ADA)
        assert (to["action"], to["target"]) == ("agent", GRETA)
        assert (await platform.api.look("c-1"))["state"] == "connected"
        assert await platform.ask("route", "c-1", ADA) == to


async def test_an_agent_without_an_endpoint_cannot_be_transferred_to(platform: Platform) -> None:
    card = await platform.agent("agent-7")
    changed = {name: card[name] for name in ("name", "groups", "skills", "language") if name in card}
    assert (await platform.api.put("/v1/agents/agent-7", {**changed, "endpoint": ""})).status == 200
    await platform.api.ready("agent-7", "agent-3")
    assert (await platform.ask("route", "c-1", ADA))["target"] == CHEN


async def test_a_closed_line_says_so(database: str, tmp_path: Path) -> None:
    def closed(plan: dict[str, Any]) -> None:
        plan["hours"]["office"] |= {"open": {"mon": []}, "dates": {}, "message": "We are closed."}
        plan["numbers"][CALLED] = {"hours": "office"}

    async with platform_of(database, tmp_path, closed) as platform:
        answer = await platform.ask("route", "c-1", PRIYA)
        check_whole(answer)
        assert answer["action"] == "message"
        assert "We are closed." in answer["text"]


async def test_no_menu_leads_on(platform: Platform) -> None:
    assert (await platform.ask("menu", "c-1"))["action"] == "route"


async def test_a_full_site_turns_away(platform: Platform) -> None:
    engine = platform.api.site.engine
    engine._hard_limit = engine._settings["hard_limit"] = "0"
    answer = await platform.ask("route", "c-1", PRIYA)
    check_whole(answer)
    assert answer["action"] == "message"
    assert "All our lines are taken" in answer["text"]


async def test_silence_is_asked_once_more_then_the_plan_decides(platform: Platform) -> None:
    await platform.api.ready("agent-7", "agent-3")
    await platform.ask("route", "c-1", ADA)
    await platform.ask("event", "c-1", event="answered")
    await platform.ask("route", "c-2", LI)
    again = await platform.ask("menu", "c-2")
    assert (again["action"], again["valid"]) == ("ask", "0")
    assert "did not understand" in again["text"]
    assert (await platform.ask("menu", "c-2"))["action"] == "agent"


async def test_a_line_that_breaks_in_mid_talk_leaves_the_caller_in_line(platform: Platform) -> None:
    await platform.api.ready("agent-7")
    first = await platform.ask("route", "c-1", ADA)
    await platform.ask("event", "c-1", event="answered")
    broken = await platform.ask("event", "c-1", event="network", offer_id=first["offer_id"])
    assert broken["action"] == "queue"
    assert (await platform.api.look("c-1"))["state"] == "waiting"


async def test_a_closed_line_offers_a_callback(database: str, tmp_path: Path) -> None:
    def closed(plan: dict[str, Any]) -> None:
        plan["hours"]["office"] |= {"open": {"mon": []}, "dates": {}, "exit": "callback"}
        plan["numbers"][CALLED] = {"hours": "office"}

    async with platform_of(database, tmp_path, closed) as platform:
        for call_id, digits, action in (("c-1", "1", "callback"), ("c-2", "7", "ended"), ("c-3", "", "ended")):
            offered = await platform.ask("route", call_id, PRIYA)
            assert (offered["action"], offered["options"]) == ("message", "1=callback")
            said = await platform.ask("menu", call_id, digits=digits)
            check_whole(said)
            assert said["action"] == action


async def test_numbers_nobody_vouches_for_are_not_greeted_by_name(database: str, tmp_path: Path) -> None:
    async with platform_of(database, tmp_path, trust="none") as platform:
        ada = await platform.ask("lookup", "c-1", ADA)
        assert (ada["found"], ada["name"], ada["tier"]) == ("1", "", "diamond")
        assert "Ada" not in ada["greeting"]
        await platform.ask("route", "c-1", ADA)
        assert (await platform.api.site.engine.read_call("c-1")).meta["trust"] == "none"  # type: ignore[union-attr]
