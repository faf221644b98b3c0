"""Who is calling, on the line: asked, believed or not, and let through all the same. Real service, real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ivr.desk import Desk
from ivr.vocabulary import Collect, Hold, InputDigits, Reject
from router.directory import pins
from router.directory.meeting import Meeting
from router.limits import current_source
from tests.support.desk_stage import ADA, LI, NOBODY, NOON, OFFICE, OPEN_LINE, Line, change_plan, line, row_of
from tests.support.service import Api

NUMBER, PIN = "40071", "284651"
ASK_NUMBER, ASK_PIN, WRONG = "enter your customer number", "enter your PIN", "That was not right."
LOCKED = "We cannot check your PIN at the moment."


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "LOG_N", 4)


@pytest.fixture
async def asking(api: Api) -> Api:
    """Whoever is not known for sure is asked; Ada (diamond) has a customer number and a PIN."""
    await change_plan(api, identification={"ask": ["withheld", "unknown", "unproven"]})
    answered = await api.ask("PATCH", "/v1/customers/c-1000", {"number": NUMBER, "pin": PIN})
    assert answered.status == 200
    return api


async def enters(call: Line, *keys: str | None) -> str:
    """Everything that is said meanwhile."""
    said = []
    for pressed in keys:
        await call.presses(pressed)
        said.append(call.said)
    return " ".join(said)


async def tier_of(api: Api, call_id: str = "n1") -> str:
    return (await row_of(api, call_id)).facts.tier


# ---------------------------------------------------------------- identifying


async def test_a_withheld_caller_is_greeted_asked_and_known_by_number_and_pin(asking: Api) -> None:
    await asking.ready("agent-7")
    call = line(asking)
    await call.calls(None, trust="withheld")
    assert call.said.startswith("Good afternoon, and welcome to Sample site.")
    assert ASK_NUMBER in call.said
    accepted = (await row_of(asking, "n1")).facts.accepted_ms
    await asyncio.sleep(0.02)
    said = await enters(call, NUMBER, PIN)
    assert ASK_PIN in said
    name = (await asking.get("/v1/agents/agent-7")).json["name"]
    assert call.said.startswith(f"Good afternoon, Ms Ada Marlow. I am connecting you to {name}.")
    row = await row_of(asking, "n1")
    assert (row.facts.tier, row.facts.accepted_ms, row.letter) == ("diamond", accepted, "o")
    assert row.rank is not None
    assert row.rank // 1000 == accepted - 1_800_000
    shown = await asking.look("n1")
    assert shown["customer"]["customer_id"] == "c-1000"
    assert "identified by PIN" in shown["timeline"][1]["why"]


@pytest.mark.parametrize("keys", [[None], ["*"], ["12*3"], [NUMBER, None], [NUMBER, "*"]])
async def test_whoever_skips_goes_on_at_the_place_of_the_first_second(asking: Api, keys: list[str | None]) -> None:
    call = line(asking)
    await call.calls(NOBODY)
    accepted = (await row_of(asking, "n1")).facts.accepted_ms
    await enters(call, *keys)
    assert call.one(Hold)
    row = await row_of(asking, "n1")
    assert (row.letter, row.facts.tier, row.facts.accepted_ms) == ("w", "standard", accepted)


@pytest.mark.parametrize("number", [NUMBER, "99999"])
async def test_a_wrong_number_and_a_wrong_pin_sound_the_same_and_end_in_line(asking: Api, number: str) -> None:
    call = line(asking)
    await call.calls(NOBODY)
    scripts = []
    for _ in range(3):
        await enters(call, number, "0000")
        scripts.append(call.said)
    assert all(said.startswith(WRONG) for said in scripts)
    assert [ASK_NUMBER in said for said in scripts] == [True, True, False]
    assert call.one(Hold)
    assert await tier_of(asking) == "standard"


async def test_locked_is_said_and_nobody_is_stuck(asking: Api) -> None:
    for call_id, other in (("n1", "+12025550171"), ("n2", "+12025550172")):
        call = line(asking, call_id)
        await call.calls(other)
        wrong = (NUMBER, "0000", NUMBER, "0001", NUMBER, "0002")
        await enters(call, *(wrong if call_id == "n1" else (NUMBER, PIN)))
    assert call.said == f"{LOCKED} Please stay on the line. You keep your place."
    assert call.one(Hold)
    assert await tier_of(asking, "n2") == "standard"


async def test_a_recognised_number_that_is_not_believed_is_asked_for_the_pin_alone(asking: Api) -> None:
    call = line(asking)
    await call.calls(ADA, trust="none")
    assert ASK_PIN in call.said
    assert "Ada" not in call.said
    assert (await enters(call, "0000")).startswith(WRONG)
    assert ASK_PIN in call.said
    await enters(call, PIN)
    assert "Ms Ada Marlow" in call.said


async def test_a_recognised_customer_without_a_pin_is_not_asked(asking: Api) -> None:
    call = line(asking)
    await call.calls(LI, trust="none")
    assert call.one(Collect) is None
    assert "Li" not in call.said


async def test_a_failed_attestation_is_asked_like_an_unknown_caller(asking: Api) -> None:
    call = line(asking)
    await call.calls(ADA, trust="failed")
    assert ASK_NUMBER in call.said
    await enters(call, NUMBER, PIN)
    assert await tier_of(asking) == "diamond"


async def test_a_number_that_is_believed_is_not_asked(asking: Api) -> None:
    call = line(asking)
    await call.calls(ADA)
    assert call.one(Collect) is None


async def test_nobody_is_asked_unless_the_plan_says_so(api: Api) -> None:
    call = line(api)
    await call.calls(None, trust="withheld")
    assert call.one(Collect) is None


async def test_a_number_dialled_may_ask_when_the_site_does_not(api: Api) -> None:
    await change_plan(api, numbers={OPEN_LINE: {"identify": ["unknown"]}})
    call = line(api)
    await call.calls(NOBODY)
    assert ASK_NUMBER in call.said


async def test_a_closed_line_says_so_and_asks_nothing(asking: Api) -> None:
    await change_plan(asking, hours={"office": {"open": {"mon-sun": []}, "message": "Closed for good."}})
    call = line(asking)
    await call.calls(NOBODY, to=OFFICE)
    assert "Closed for good." in call.said
    assert ASK_NUMBER not in call.said


async def test_after_the_menu_the_chosen_language_asks_and_stays(asking: Api) -> None:
    await change_plan(
        asking, voice={"menu": [{"key": "1", "language": "pl"}, {"key": "2", "topic": "cards", "skills": ["cards"]}]}
    )
    call = line(asking)
    await call.calls(NOBODY)
    assert ASK_NUMBER not in call.said
    await call.presses("1")
    assert "numer klienta" in call.said
    await enters(call, NUMBER, PIN)
    assert "Ada Marlow" in call.said
    assert (await row_of(asking, "n1")).meta["language"] == "pl"
    other = line(asking, "n2")
    await other.calls(NOBODY)
    await enters(other, "2", None)
    assert (await row_of(asking, "n2")).meta["skills"] == ["cards"]


async def test_a_retry_of_any_page_gets_the_same_bytes_and_is_one_try(asking: Api) -> None:
    call = line(asking)
    first = await call.calls(NOBODY)
    assert await call.calls(NOBODY) == first
    for pressed in (NUMBER, "0000", NUMBER):
        route, document = call.answers_at(), await call.presses(pressed)
        again = Line(Desk(asking.site, clock=lambda: NOON), "n1", script=call.script)
        assert await again.hear(route.page, route.step, InputDigits(pressed)) == document
    await call.presses(PIN)
    assert await tier_of(asking) == "diamond"


async def test_a_retry_while_the_pin_is_checked_is_no_second_try(asking: Api) -> None:
    call = line(asking)
    await call.calls(NOBODY)
    await call.presses(NUMBER)
    route, lines = call.answers_at(), [line(asking) for _ in range(4)]
    documents = await asyncio.gather(*(one.hear(route.page, route.step, InputDigits("0000")) for one in lines))
    assert len(set(documents)) == 1
    assert await asking.site.channel.call("HGET", asking.site.keys.own("pl:c:c-1000"), "n") == b"1"


async def test_a_stray_request_meanwhile_is_told_where_the_caller_stands(asking: Api) -> None:
    call = line(asking)
    await call.calls(NOBODY)
    await call.presses(NUMBER)
    stray = line(asking)
    await stray.hear("identify", "9", InputDigits("123"))
    assert ASK_PIN in stray.said
    await call.presses(PIN)
    assert await tier_of(asking) == "diamond"


async def test_whoever_hung_up_meanwhile_tries_no_pin(asking: Api) -> None:
    call = line(asking)
    await call.calls(NOBODY)
    await call.presses(NUMBER)
    await asking.site.engine.abandon_call("n1")
    await call.presses(PIN)
    assert call.one(Collect) is None
    assert await asking.site.channel.call("KEYS", asking.site.keys.own("pl:*")) == []
    assert (await row_of(asking, "n1")).outcome in ("abandoned", "short_abandoned")


async def test_a_check_that_takes_too_long_is_none(asking: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("ivr.desk.identifying.CHECK_S", 0.05)
    monkeypatch.setattr("ivr.desk.identifying.prove", stuck)
    call = line(asking)
    await call.calls(NOBODY)
    await enters(call, NUMBER, PIN)
    assert call.said.startswith(LOCKED)
    assert call.one(Hold)


async def test_the_pin_is_nowhere(asking: Api, peek_service: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    call = line(asking)
    await call.calls(None, trust="withheld")
    await enters(call, NUMBER, "917350", NUMBER, PIN)
    await asking.site.channel.call("PING")
    kept = peek_service()
    told = " ".join(str(vars(record)) for record in caplog.records) + (await asking.get("/v1/calls/n1")).text
    for secret in ("917350", PIN):
        assert secret.encode() not in kept
        assert secret not in told


# ---------------------------------------------------------------- at the door


async def test_a_number_that_calls_too_often_hears_a_busy_line_and_leaves_nothing(api: Api) -> None:
    await change_plan(api, limits={"calls": 3})
    lines = [line(api, f"n{place}") for place in range(5)]
    for call in lines:
        await call.calls(NOBODY)
    assert [call.script == (Reject("busy"),) for call in lines] == [False, False, False, True, True]
    assert await api.site.engine.read_call("n4") is None
    assert not await api.site.channel.call("EXISTS", api.site.keys.documents("n4"))
    again = Line(Desk(api.site, clock=lambda: NOON), "n2")
    assert await again.calls(NOBODY) == lines[2].document  # a retry of one that was let in
    other = line(api, "n9")
    await other.calls("+12025550178")
    assert other.one(Hold)


async def test_a_number_has_so_many_calls_at_once_and_one_more_when_one_has_ended(api: Api) -> None:
    await change_plan(api, limits={"at_once": 2})
    for place in range(2):
        await line(api, f"n{place}").calls(NOBODY)
    refused = line(api, "n2")
    await refused.calls(NOBODY)
    assert refused.script == (Reject("busy"),)
    await api.site.engine.abandon_call("n0")
    taken = line(api, "n3")
    await taken.calls(NOBODY)
    assert taken.one(Hold)


async def test_a_rush_from_one_address_is_turned_away_and_whoever_is_in_line_is_not_touched(api: Api) -> None:
    await change_plan(api, limits={"per_second": 1})
    desk = Desk(api.site, clock=lambda: NOON)
    lines = [Line(desk, f"n{place}") for place in range(8)]
    token = current_source.set("203.0.113.7")
    for place, call in enumerate(lines):
        await call.calls(f"+120255501{40 + place}")
    busy = [call.script == (Reject("busy"),) for call in lines]
    assert busy == [False] * 5 + [True] * 3
    await lines[0].enters_room()
    assert "thank you" in lines[0].said.lower() or "line" in lines[0].said.lower()
    current_source.reset(token)
    other = Line(desk, "n9")
    token = current_source.set("203.0.113.8")
    await other.calls(NOBODY)
    current_source.reset(token)
    assert other.one(Hold)


async def test_calls_that_come_by_no_request_have_no_address_to_be_counted_by(api: Api) -> None:
    await change_plan(api, limits={"per_second": 1})
    desk = Desk(api.site, clock=lambda: NOON)
    lines = [Line(desk, f"n{place}") for place in range(8)]
    for place, call in enumerate(lines):
        await call.calls(f"+120255501{40 + place}")
    assert all(call.one(Hold) for call in lines)


async def test_velocity_is_flagged_where_people_look(api: Api) -> None:
    await change_plan(api, velocity={"calls": 2})
    for place in range(2):
        await line(api, f"n{place}").calls(ADA)
    assert [(await api.look(f"n{place}"))["flags"] for place in range(2)] == [[], ["many_calls"]]
    shown = await api.look("n1")
    assert any("flagged: 2 calls from this number within 10 min" in row["why"] for row in shown["timeline"])
    assert (await row_of(api, "n1")).facts.tier == "diamond"


async def test_a_customer_from_many_numbers_is_flagged_and_loses_rights_only_by_the_plans_word(asking: Api) -> None:
    tiers = []
    for loses in (False, True):
        await change_plan(asking, velocity={"numbers": 2, "loses_vip_rights": loses})
        for place in range(2):
            call = line(asking, f"n{place}{loses}")
            await call.calls(f"+1202555016{place}")
            await enters(call, NUMBER, PIN)
        shown = await asking.look(call.call_id)
        assert shown["flags"] == ["many_numbers"]
        assert any("this customer from 2 numbers within 10 min" in row["why"] for row in shown["timeline"])
        tiers.append(shown["tier"])
    assert tiers == ["diamond", "standard"]


async def test_a_talk_completed_makes_the_number_known_where_the_plan_counts_it(api: Api) -> None:
    await change_plan(api, trust={"reached_before": "partial"})
    first = line(api)
    await first.calls(ADA, trust="none")
    assert "Ada" not in first.said
    await api.site.engine.abandon_call("n1")
    await api.ready("agent-7")
    await api.accept(await api.call("talk", ADA))
    agent = await api.as_("agent", site="main", agent_id="agent-7")
    assert (await agent.post("/v1/calls/talk/complete", {})).status == 200
    for _ in range(100):
        if (await api.site.customers.meet(ADA, Meeting.of("peek", api.site.plan))).customers[0].reached:
            break
        await asyncio.sleep(0.02)
    second = line(api, "n2")
    await second.calls(ADA, trust="none")
    assert "Ms Ada Marlow" in second.said


async def test_an_agent_is_not_told_a_name_the_network_says_is_faked(api: Api) -> None:
    await api.ready("agent-1")
    call = line(api)
    await call.calls(ADA, trust="failed")
    row = await row_of(api, "n1")
    assert row.offer_id is not None
    agent = line(api)
    await agent.picks_up(row.offer_id)
    assert "Ada" not in agent.said
    assert "A caller we do not know" in agent.said
    shown = await api.look("n1")
    assert (shown["customer"], shown["profile"], shown["flags"]) == (None, None, ["attestation_failed"])
    assert "not taken for c-1000" in shown["timeline"][0]["why"]
    await api.site.engine.abandon_call("n1")
    await api.call("n2", ADA)
    assert (await api.look("n2"))["profile"]["contacts"] == []
