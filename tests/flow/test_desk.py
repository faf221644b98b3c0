"""The desk on the way in: greeting, menu, question; what a caller hears, and what the engine does for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ivr.vocabulary import (
    Collect,
    Hangup,
    Hold,
    HoldTick,
    InputDigits,
    PromptFinished,
    Trust,
)
from router.callbacks import callback_id_of
from tests.support.desk_stage import ADA, LI, NOBODY, busy_owner, change_plan, line, offer_of, row_of
from tests.support.service import Api

NIGHT = 1_763_607_600_000  # 22:00 in New York, 19 November 2025
MARCH_14 = 1_773_504_000_000  # noon of 14 March 2026 there


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
