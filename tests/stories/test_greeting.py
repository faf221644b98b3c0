"""The first words, the menu, and the ways out of a call that cannot be taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loadtests.carriers.phones import Person
from router.directory.contacts import Contact
from tests.stories.house import ADA, CHEN, GRETA, LI, NOBODY, OFFICE, PRIYA, House

DAY_MS = 86_400_000


async def test_everybody_is_greeted_and_hears_that_somebody_is_looked_for(house: House) -> None:
    call = house.call(NOBODY)
    await call.until("welcome to Sample site")
    await call.until("queue:")
    await house.until(call.sid, state="waiting")


async def test_a_vip_is_greeted_by_name_and_told_who_comes(house: House) -> None:
    house.agent(GRETA)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until("Ms Ada Marlow")
    await call.until("I am connecting you to Greta Holm.")


async def test_a_birthday_is_not_forgotten(house: House) -> None:
    customer = (await house.api.get("/v1/customers/c-1001")).json
    fields = {name: customer[name] for name in ("name", "title", "phones", "tier", "owner")}
    today = datetime.now(ZoneInfo("America/New_York")).date().replace(year=1984)
    answered = await house.api.put("/v1/customers/c-1001", fields | {"birthday": today.isoformat()})
    assert answered.status == 200, answered.text
    call = house.call(LI)
    await call.until("happy returns")


async def test_who_called_last_week_is_welcomed_back(house: House) -> None:
    """By the last contact that is remembered; after a season it is no coming back any more."""
    customers, now_ms = house.api.site.customers, house.api.site.now_ms()
    await customers.record_contact("c-1000", Contact(now_ms - 7 * DAY_MS, "agent-7", "resolved", "last-week"))
    await customers.record_contact("c-1001", Contact(now_ms - 100 * DAY_MS, "agent-7", "resolved", "long-ago"))
    call = house.call(ADA)
    await call.until("Ms Ada Marlow, and welcome back to Sample site.")
    again = house.call(LI)
    await again.until("Ms Li Wei.")
    assert not any("welcome back" in words for words in again.story)


async def test_a_tier_has_its_own_words(house: House) -> None:
    """And keeps the welcome back."""
    await house.change(voice={"greetings": {"diamond": {"en": "{hello}, dear {who}."}}})
    contact = Contact(house.api.site.now_ms() - 7 * DAY_MS, "agent-7", "resolved", "last-week")
    await house.api.site.customers.record_contact("c-1000", contact)
    call = house.call(ADA)
    await call.until("dear Ms Ada Marlow. Welcome back to Sample site.")


@pytest.mark.needs("stir", "spoofed")
async def test_whoever_borrows_a_number_hears_no_name(house: House) -> None:
    call = house.call(ADA, None, **(house.stage.spoofed or {}))
    await call.until("welcome to")
    assert not any("Ada" in words for words in call.story)


async def menu(house: House) -> None:
    entries = [{"key": "1", "language": "pl"}, {"key": "2", "topic": "loans", "skills": ["loans"]}]
    await house.change(voice={"menu": entries})


@pytest.mark.parametrize(("keys", "skills"), [(("2",), ["loans"]), (("7", "2"), ["loans"]), (("7", "7"), [])])
async def test_the_menu_is_asked_twice_at_most(house: House, keys: tuple[str, ...], skills: list[str]) -> None:
    await menu(house)
    presses = {"press 2": keys[0]} if len(keys) == 1 else {"did not understand": keys[1], "welcome to": keys[0]}
    call = house.call(PRIYA, Person(presses=presses))
    await call.until("queue:")
    assert (await house.meta(call.sid))["skills"] == skills


async def test_a_language_is_chosen_in_itself(house: House) -> None:
    await menu(house)
    call = house.call(PRIYA, Person(presses={"press 2": "1"}))
    await call.until("queue:")
    assert (await house.meta(call.sid))["language"] == "pl"


async def test_who_stays_silent_in_the_menu_is_helped_all_the_same(house: House) -> None:
    await menu(house)
    call = house.call(PRIYA)
    await call.until("queue:")


async def test_closed_is_said_with_its_reason_and_ends(house: House) -> None:
    await house.change(hours={"office": {"open": {"daily": []}, "message": "We open on Monday."}})
    call = house.call(NOBODY, to=OFFICE)
    await call.until("We open on Monday.")
    await call.until("ended")
    await house.until(call.sid, outcome="rejected")


async def test_closed_leads_to_another_number(house: House) -> None:
    await house.change(hours={"office": {"open": {"daily": []}, "exit": "number:+12025550133"}})
    house.carrier.people["+12025550133"] = Person(talks_s=5)
    call = house.call(NOBODY, to=OFFICE)
    await call.until("bridged: +12025550133")
    await call.until("ended")


async def test_all_lines_are_taken(house: House) -> None:
    engine = house.api.site.engine
    engine._hard_limit = engine._settings["hard_limit"] = "0"
    call = house.call(PRIYA)
    await call.until("All our lines are taken")
    await call.until("ended")


async def test_nobody_comes_in_time_and_the_caller_is_told_so(house: House) -> None:
    await house.change(max_wait=1_000)
    call = house.call(PRIYA)
    await call.until("nobody could take your call")
    await call.until("ended")
    await house.until(call.sid, outcome="overflowed_out")


# ---------------------------------------------------------------- the owner is busy


async def asked(house: House, **presses: Any) -> Any:
    """Greta talks to Ada; Li is asked whether she waits for her."""
    house.agent(CHEN)
    first, _ = await house.talking()
    return first, house.call(LI, Person(**presses))


@pytest.mark.parametrize("key", ["1", "2", "3", "8", ""])
async def test_the_question_each_way(house: House, key: str) -> None:
    """A colleague now, wait for her, a callback; a wrong key and silence are asked once more, then: a colleague."""
    _, call = await asked(house, presses={"Press 1 to speak": key} if key else {})
    await call.until("Greta Holm is with another customer")
    if key == "3":
        await call.until("call you back")
        await call.until("ended")
        await house.until(call.sid, outcome="callback")
        return
    if key in ("8", ""):
        await call.until("did not understand")
    await call.until("queue:")
    await house.until(call.sid, state="waiting", step="owner" if key == "2" else "vip")


async def test_the_owner_is_free_again_before_the_answer(house: House) -> None:
    first, call = await asked(house)
    await call.until("is with another customer")
    await house.carrier.hang_up(first)
    await house.agent_is("agent-7", "wrapping", "offered", "ready")
    await house.api.ready("agent-7")
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected", agent_id="agent-7")
