"""The desk: what a caller and an agent hear, and what the engine does for it, on the real service and server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    Collect,
    Dial,
    Hangup,
    Hold,
    HoldTick,
    InputDigits,
    LegFailed,
    PromptFinished,
    Say,
    Trust,
)
from router.callbacks import callback_id_of
from tests.support.desk_stage import ADA, LI, NOBODY, OFFICE, PRIYA, Line, change_plan, line, offer_of, row_of
from tests.support.service import Api
from tests.support.waiting import wait_until

HOTLINE = "+12025550188"
NIGHT = 1_763_607_600_000  # 22:00 in New York, 19 November 2025
MARCH_14 = 1_773_504_000_000  # noon of 14 March 2026 there


async def busy_owner(api: Api) -> None:
    """agent-7, the owner of Ada and Li, talks to somebody."""
    await api.ready("agent-7")
    await api.accept(await api.call("other", ADA))


async def connected(api: Api, call: Line, number: str = ADA) -> str:
    """The caller talks to agent-7; answers the offer's id."""
    await api.ready("agent-7")
    await call.calls(number)
    room = call.room()
    await call.enters_room()
    offer = await offer_of(api, call.call_id)
    agent = Line(call.desk, call.call_id)
    await agent.picks_up(offer)
    await agent.takes(offer)
    await agent.hear("bridged", offer, BridgeUp(), "agent")
    assert (await row_of(api, call.call_id)).letter == "c"
    call.script = (room,)
    return offer


# ---------------------------------------------------------------- greeting


async def test_a_vip_is_greeted_by_name_and_told_who_comes(api: Api) -> None:
    await api.ready("agent-7")
    call = line(api)
    await call.calls(ADA)
    name = (await api.get("/v1/agents/agent-7")).json["name"]
    assert call.said.startswith(f"Good afternoon, Ms Ada Marlow. I am connecting you to {name}.")
    assert call.one(Hold)


async def test_nobody_is_on_duty_and_the_caller_is_greeted_all_the_same(api: Api) -> None:
    call = line(api, now_ms=NIGHT)
    await call.calls(NOBODY)
    assert call.said.startswith("Good evening, and welcome to Sample site.")
    assert call.one(Hold)


async def test_a_birthday(api: Api) -> None:
    call = line(api, now_ms=MARCH_14)
    await call.calls(ADA)
    assert "happy returns" in call.said


@pytest.mark.parametrize("trust", ["failed", "none", "withheld"])
async def test_a_number_that_is_not_believed_hears_no_name(api: Api, trust: Trust) -> None:
    call = line(api)
    await call.calls(ADA, trust=trust)
    assert "Ada" not in call.said


async def test_abroad_nobody_attests_numbers(api: Api) -> None:
    call = line(api)
    await call.calls("+442079460111", trust="none")
    assert "Ms Li Wei" in call.said


async def test_a_tiers_own_greeting(api: Api) -> None:
    await change_plan(api, voice={"greetings": {"diamond": {"en": "{hello}, dear {who}."}}})
    call = line(api)
    await call.calls(ADA)
    assert call.said.startswith("Good afternoon, dear Ms Ada Marlow.")


async def test_the_carriers_retry_gets_the_same_bytes(api: Api) -> None:
    call = line(api)
    first = await call.calls(ADA)
    await api.ready("agent-7")
    assert await call.calls(ADA) == first
    assert await line(api).calls(ADA) == first  # another process
    assert len((await api.look("n1"))["timeline"]) >= 1
    assert len(call.scripts) == 1


async def test_fifty_first_documents_at_once_are_one_call(api: Api) -> None:
    call = line(api)
    assert len(set(await asyncio.gather(*(call.calls(ADA) for _ in range(50))))) == 1


# ---------------------------------------------------------------- question


async def test_the_question_names_the_owner_and_the_keys(api: Api) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    name = (await api.get("/v1/agents/agent-7")).json["name"]
    assert f"{name} is with another customer." in call.said
    assert "Press 1 to speak to a colleague now. Press 2 to wait. Press 3 to be called back." in call.said
    assert call.answers_at().page == "question"


async def owner_wraps_up(api: Api) -> None:
    await busy_owner(api)
    await api.post("/v1/calls/other/complete", {"offer_id": await offer_of(api, "other")})


async def owner_missed_an_offer(api: Api) -> None:
    await api.ready("agent-7")
    await api.call("other", ADA)
    await api.post(f"/v1/offers/{await offer_of(api, 'other')}/decline", {"reason": "not now"})


async def owner_is_rung_for_another(api: Api) -> None:
    await api.ready("agent-7")
    await api.call("other", ADA)


@pytest.mark.parametrize(
    ("busy", "state"),
    [(owner_wraps_up, "wrapping"), (owner_missed_an_offer, "cooling"), (owner_is_rung_for_another, "offered")],
)
async def test_an_owner_who_does_not_talk_is_said_not_to_be_free(
    api: Api, busy: Callable[[Api], Awaitable[None]], state: str
) -> None:
    await busy(api)
    agent = (await api.get("/v1/agents/agent-7")).json
    assert agent["state"] == state
    call = line(api)
    await call.calls(LI)
    assert f"{agent['name']} is not free at the moment." in call.said
    assert "another customer" not in call.said


async def test_who_is_not_greeted_by_name_is_not_told_whose_customer_that_is(api: Api) -> None:
    await busy_owner(api)
    name = (await api.get("/v1/agents/agent-7")).json["name"]
    call = line(api)
    await call.calls(LI, trust="none")
    assert "Your personal adviser is with another customer." in call.said
    await call.presses("3")
    assert "call you back" in call.said
    await api.post("/v1/calls/other/complete", {"offer_id": await offer_of(api, "other")})
    await api.put("/v1/agents/agent-7/state", {"state": "offline"})
    await api.ready("agent-7")
    met = line(api, "n2")
    await met.calls(ADA, trust="none")
    assert (await row_of(api, "n2")).agent_id == "agent-7" or (await row_of(api, callback_id_of("n1"))).agent_id
    assert not any(name in repr(script) for script in (*call.scripts, *met.scripts))


@pytest.mark.parametrize(("key", "step"), [("1", "vip"), ("2", "owner")])
async def test_the_answer_is_taken(api: Api, key: str, step: str) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    await call.presses(key)
    assert call.one(Hold)
    row = await row_of(api, "n1")
    assert (row.letter, row.step.name) == ("w", step)


async def test_three_books_a_callback_once(api: Api) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    route = call.answers_at()
    first = await call.presses("3")
    assert "call you back" in call.said
    assert call.one(Hangup)
    assert await call.hear("question", route.step, InputDigits("3")) == first
    assert (await row_of(api, callback_id_of("n1"))).letter == "w"
    assert (await row_of(api, "n1")).outcome == "callback"


async def test_a_wrong_key_is_asked_once_more_and_then_the_default_holds(api: Api) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    await call.presses("8")
    assert "did not understand" in call.said
    await call.presses(None)
    assert call.one(Hold)
    assert (await row_of(api, "n1")).step.name == "vip"


async def test_an_old_answer_changes_nothing(api: Api) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    old = call.answers_at()
    await call.presses("8")
    await call.hear("question", "9", InputDigits("1"))
    assert call.one(Collect)
    await call.hear("question", old.step, InputDigits("1"))
    assert (await row_of(api, "n1")).letter == "q"


async def test_the_owner_was_faster(api: Api) -> None:
    await busy_owner(api)
    call = line(api)
    await call.calls(LI)
    await api.post("/v1/calls/other/complete", {"offer_id": await offer_of(api, "other")})
    await api.ready("agent-7")
    await call.presses("1")
    row = await row_of(api, "n1")
    assert (row.letter, row.agent_id) == ("o", "agent-7")
    assert call.one(Hold)


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


# ---------------------------------------------------------------- the agent's leg


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
    await api.ready("agent-7")
    call, agent = line(api), line(api)
    await call.calls(ADA)
    room = call.room()
    await call.enters_room()
    offer = await offer_of(api, "n1")
    await agent.takes(offer)
    await agent.hear("bridged", offer, BridgeUp(), "agent")
    await agent.hear("over", offer, BridgeDown(), "agent")
    await call.leaves_room(room, "bridged")
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


# ---------------------------------------------------------------- menu


@pytest.mark.parametrize(("language", "words"), [("pl", "kredyty: proszę wybrać 2."), ("id", "Untuk loans, tekan 2.")])
async def test_a_topic_is_called_as_the_caller_would(api: Api, language: str, words: str) -> None:
    topic = {"en": "loans", "pl": "kredyty"}
    await change_plan(api, voice={"menu": [{"key": "2", "topic": topic, "skills": ["loans"]}]})
    await api.put("/v1/customers/c-901", {"name": "Jan", "phones": [NOBODY], "tier": "silver", "language": language})
    call = line(api)
    await call.calls(NOBODY)
    assert words in call.said


async def test_the_menu_asks_before_anybody_is_looked_for(api: Api) -> None:
    await change_plan(
        api,
        voice={"menu": [{"key": "1", "language": "pl"}, {"key": "2", "topic": "loans", "skills": ["loans"]}]},
    )
    call = line(api)
    await call.calls(ADA)
    assert (await row_of(api, "n1")).letter == "g"
    assert "For loans, press 2." in call.said
    await call.presses("7")
    assert "did not understand" in call.said
    await call.presses("2")
    assert call.one(Hold)
    row = await row_of(api, "n1")
    assert row.meta["skills"] == ["loans"]
    assert row.letter == "w"


# ---------------------------------------------------------------- nobody


@pytest.mark.parametrize("page", ["hold", "question", "key", "left", "connect", "exit", "again", "survey", "menu"])
async def test_an_unknown_call_is_answered_and_nothing_happens(api: Api, page: str) -> None:
    call = line(api, "ghost")
    await call.hear(page, "4", InputDigits("1") if page in ("question", "key", "menu", "survey") else HoldTick())
    assert call.one(Hangup)
    assert await api.site.engine.read_call("ghost") is None


@pytest.mark.parametrize("page", ["whisper", "accept", "join", "bridged", "over"])
async def test_an_unknown_offer_is_answered_too(api: Api, page: str) -> None:
    call = line(api, "ghost")
    await call.hear(page, "1-0", PromptFinished(), "agent")
    assert await api.site.engine.read_call("ghost") is None
