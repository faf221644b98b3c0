"""A caller, an agent and Twilio: the adapter's part of the story, over real sockets, everything sent checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.vocabulary import (
    BridgeDown,
    CallEnded,
    CallOffered,
    Event,
    HoldLeft,
    InputNone,
    Interrupt,
    LegFailed,
    Originate,
    Route,
    Terminate,
)
from loadtests.carriers.twilio import Leg, Person
from tests.support.twilio_stage import CALLER, MAIN, Stage, descriptions, stage
from tests.support.waiting import wait_until

AGENT = "client:chen"
OFFER = "1763751600000-0"


@pytest.fixture
async def scene(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(tmp_path, descriptions(request)) as found:
        yield found


def ring(call: Leg, target: str = AGENT, timeout_ms: int = 20_000) -> Originate:
    answered, status = Route("whisper", call.sid, OFFER), Route("status", call.sid, OFFER)
    return Originate(OFFER, "agent", target, MAIN, answered, status, timeout_ms)


async def waiting(scene: Stage, person: Person | None = None) -> Leg:
    scene.desk.first = "hold"
    call = scene.twilio.call(CALLER, MAIN, person)
    await call.until("queue:")
    return call


async def test_a_caller_is_greeted_asked_held_and_connected(scene: Stage):
    scene.twilio.people[AGENT] = Person(presses={"take the call": "1"}, talks_s=30)
    call = scene.twilio.call(CALLER, MAIN, Person(presses={"2 to wait": "2"}), StirVerstat="TN-Validation-Passed-A")
    await call.until("queue: w-" + call.sid)
    done = await scene.gateway.perform("main", ring(call), None)
    await call.until(f"bridged: {AGENT}")
    agent = scene.twilio.leg_to(AGENT)
    assert done.leg == agent.sid
    await agent.until("ended: completed")
    await call.until("ended: completed")

    assert scene.desk.heard[0][1] == CallOffered(CALLER, MAIN, "verified")
    assert scene.desk.pages()[:3] == ["voice", "question", "hold"]
    assert ("left", HoldLeft("bridged")) in [(page, event) for page, event, _ in scene.desk.heard]
    assert [page for page in scene.desk.pages() if page in ("whisper", "accept", "bridged")] == [
        "whisper",
        "accept",
        "bridged",
    ]
    assert any("Ms Li Wei" in words for words in call.story)
    await wait_until(lambda: any(isinstance(e, CallEnded) and v.role == "caller" for e, v in scene.desk.noted))


async def test_a_waiting_caller_is_told_again_and_again_without_a_rush(scene: Stage):
    call = await waiting(scene)
    await call.until("keys: none", times=3)
    assert scene.desk.pages().count("key") >= 2
    assert (("key", InputNone())) in [(page, event) for page, event, _ in scene.desk.heard]


async def test_an_interrupted_caller_hears_the_new_document(scene: Stage):
    call = await waiting(scene)
    done = await scene.gateway.perform("main", Interrupt(call.sid, Route("connect", call.sid, "7")), None)
    await call.until("queue:", times=2)
    assert not done.gone
    await wait_until(lambda: ("left", HoldLeft("redirected")) in [(p, e) for p, e, _ in scene.desk.heard])


@pytest.mark.parametrize(
    ("picks", "cause"),
    [
        ("busy", "busy"),
        ("no_answer", "no_answer"),
        ("declines", "declined"),
        ("device", "device"),
        ("network", "network"),
    ],
)
async def test_why_an_agent_was_not_reached_is_kept_apart(scene: Stage, picks: str, cause: str):
    call = await waiting(scene)
    scene.twilio.people[AGENT] = Person(picks=picks)  # type: ignore[arg-type]
    await scene.gateway.perform("main", ring(call, timeout_ms=5_000), None)
    agent = scene.twilio.leg_to(AGENT)
    await agent.until("ended")
    await wait_until(lambda: any(isinstance(event, LegFailed) for event, _ in scene.desk.noted))
    reports = [(event, envelope) for event, envelope in scene.desk.noted if envelope.role == "agent"]
    assert {event for event, _ in reports} == {LegFailed(cause)}  # type: ignore[arg-type]
    assert {(e.call_id, e.leg_id) for _, e in reports} == {(call.sid, OFFER)}
    assert not call.ended


async def test_a_ringing_leg_is_cancelled(scene: Stage):
    call = await waiting(scene)
    scene.twilio.people[AGENT] = Person(after_s=500)
    done = await scene.gateway.perform("main", ring(call, timeout_ms=600_000), None)
    agent = scene.twilio.leg_to(AGENT)
    await agent.until("ringing")
    assert not (await scene.gateway.perform("main", Terminate(OFFER), done.leg)).gone
    await agent.until("ended: canceled")
    await wait_until(lambda: LegFailed("canceled") in [event for event, _ in scene.desk.noted])


async def test_a_caller_who_hangs_up_while_waiting_is_reported(scene: Stage):
    call = await waiting(scene)
    await scene.twilio.hang_up(call)
    await wait_until(lambda: any(isinstance(event, CallEnded) for event, _ in scene.desk.noted))
    await wait_until(lambda: ("left", HoldLeft("hangup")) in [(p, e) for p, e, _ in scene.desk.heard])
    done = await scene.gateway.perform("main", Interrupt(call.sid, Route("connect", call.sid, "7")), None)
    assert done.gone


async def test_an_agent_whose_caller_has_gone_is_let_go(scene: Stage):
    scene.twilio.people[AGENT] = Person(presses={"take the call": "1"})
    call = await waiting(scene)
    await scene.gateway.perform("main", ring(call), None)
    agent = scene.twilio.leg_to(AGENT)
    await agent.until("answered")
    await scene.twilio.hang_up(call)
    await agent.until("ended: completed")
    (over,) = [event for page, event, _ in scene.desk.heard if page == "over"]
    assert isinstance(over, LegFailed)  # nobody in the queue, or no queue any more


async def test_an_agent_who_is_quicker_than_the_greeting_waits_for_the_caller(scene: Stage):
    scene.twilio.people[AGENT] = Person(after_s=0, presses={"take the call": "1"})
    call = scene.twilio.call(CALLER, MAIN)
    await scene.gateway.perform("main", ring(call), None)
    agent = scene.twilio.leg_to(AGENT)
    await agent.until("keys: 1")
    assert "queue:" not in " ".join(call.story)
    await call.until("Press 1 to speak")
    call.press("2")
    await call.until(f"bridged: {AGENT}")


async def test_an_empty_queue_is_removed(scene: Stage):
    call = await waiting(scene)
    name = f"w-{call.sid}"
    assert name in scene.twilio.queues
    await scene.twilio.hang_up(call)
    await wait_until(lambda: name not in scene.twilio.queues)


async def test_repeated_requests_bring_the_same_documents_and_happen_once(scene: Stage):
    scene.twilio.faults.documents_twice = 1.0
    scene.twilio.faults.reports_twice = 1.0
    scene.twilio.people[AGENT] = Person(presses={"take the call": "1"}, talks_s=10)
    call = scene.twilio.call(CALLER, MAIN, Person(presses={"2 to wait": "2"}))
    await call.until("queue:")
    await scene.gateway.perform("main", ring(call), None)
    await call.until("ended: completed")
    for page in ("voice", "question", "whisper", "accept", "bridged"):
        assert scene.desk.pages().count(page) == 1


async def test_when_we_cannot_answer_the_caller_hears_an_apology(scene: Stage, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object) -> bytes:
        raise ConnectionError

    monkeypatch.setattr(scene.desk, "hear", broken)
    call = scene.twilio.call(CALLER, MAIN)
    await call.until("something went wrong")
    await call.until("ended: completed")
    tried = [asked for asked in scene.twilio.asking.log if asked.url.endswith("/voice")]
    assert len(tried) == 3


async def talking(scene: Stage) -> tuple[Leg, Leg]:
    scene.twilio.people[AGENT] = Person(presses={"take the call": "1"})
    call = await waiting(scene)
    await scene.gateway.perform("main", ring(call), None)
    await call.until("bridged")
    return call, scene.twilio.leg_to(AGENT)


async def test_when_the_agent_hangs_up_the_caller_is_asked_how_it_was(scene: Stage):
    call, agent = await talking(scene)
    await scene.twilio.hang_up(agent)
    await call.until("How satisfied")
    await wait_until(lambda: ("over", BridgeDown()) in [(page, event) for page, event, _ in scene.desk.heard])
    await wait_until(lambda: CallEnded("normal", 7_000) in [e for e, v in scene.desk.noted if v.role == "agent"])


async def test_a_caller_taken_out_of_a_talk_was_bridged(scene: Stage):
    call, agent = await talking(scene)
    await scene.gateway.perform("main", Interrupt(call.sid, Route("connect", call.sid, "7")), None)
    await agent.until("ended: completed")
    await wait_until(lambda: ("left", HoldLeft("bridged")) in [(p, e) for p, e, _ in scene.desk.heard])


@pytest.mark.parametrize(
    ("picks", "event"), [("answers", BridgeDown()), ("busy", LegFailed("busy")), ("no_answer", LegFailed("no_answer"))]
)
async def test_a_way_out_to_another_number_is_dialled(scene: Stage, picks: str, event: Event):
    scene.twilio.people["+12025550111"] = Person(picks=picks)  # type: ignore[arg-type]
    scene.desk.first = "exit"
    call = scene.twilio.call(CALLER, MAIN)
    await call.until("dial: +12025550111")
    await call.until("ended: completed")
    assert ("over", event) in [(page, heard) for page, heard, _ in scene.desk.heard]


async def test_a_report_that_comes_late_and_twice_keeps_its_number(scene: Stage):
    scene.twilio.faults.reports_twice = 1.0
    scene.twilio.faults.reports_late_s = 30.0
    scene.twilio.people[AGENT] = Person(picks="busy")
    call = await waiting(scene)
    await scene.gateway.perform("main", ring(call), None)
    await wait_until(lambda: len([v for _, v in scene.desk.noted if v.role == "agent"]) == 2)
    numbers = {(envelope.seq, event) for event, envelope in scene.desk.noted if envelope.role == "agent"}
    assert {event for _, event in numbers} == {LegFailed("busy")}
    assert len(numbers) == 1
    keys = [envelope.event_key for _, envelope in scene.desk.noted if envelope.role == "agent"]
    assert len(set(keys)) == 1


async def test_whether_a_leg_is_still_there_is_asked(scene: Stage):
    call = await waiting(scene)
    assert await scene.gateway.is_up("main", call.sid) is True
    await scene.twilio.hang_up(call)
    assert await scene.gateway.is_up("main", call.sid) is False
    assert await scene.gateway.is_up("main", "CA" + "0" * 32) is None
    scene.twilio.faults.next_rest("read", "broken")
    assert await scene.gateway.is_up("main", call.sid) is None
