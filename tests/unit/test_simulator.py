"""The simulated exchange: it plays our scripts as a carrier would, and time passes only when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.simulator import documents
from ivr.simulator.adapter import Simulator
from ivr.simulator.clock import SteppedClock, within
from ivr.simulator.exchange import Exchange
from ivr.simulator.player import speech_s
from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    Collect,
    Command,
    Dial,
    Event,
    Goto,
    Hangup,
    Hold,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    Interrupt,
    Join,
    LegAnswered,
    LegFailed,
    Originate,
    Pause,
    Play,
    Reject,
    Route,
    Say,
    Terminate,
)
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.simulator import SimulatedCarrier
from tests.support.stepped import Stepper
from tests.support.tiny_desk import TinyDesk

CALLER, MAIN, AGENT = "+12025550123", "+12025550100", "sip:7@pbx"


@dataclass
class Stage:
    clock: SteppedClock
    exchange: Exchange
    carrier: SimulatedCarrier
    desk: TinyDesk
    gateway: Simulator
    stepper: Stepper

    def call(self, person: Person | None = None) -> Leg:
        return self.carrier.call(CALLER, MAIN, person)

    async def ring(self, leg: Leg, person: Person, offer: str = "7-0", ring_ms: int = 20_000) -> Leg:
        self.carrier.people[AGENT] = person
        pages = Route("whisper", leg.sid, offer), Route("status-agent", leg.sid, offer)
        done = await self.gateway.perform("main", Originate(offer, "agent", AGENT, MAIN, *pages, ring_ms), None)
        assert done.leg is not None
        return self.carrier.legs[done.leg]

    def told(self, page: str) -> list[Event]:
        return [event for found, event, _ in self.desk.heard if found == page]

    def reported(self, kind: type[Event]) -> list[Event]:
        return [event for event, _ in self.desk.noted if isinstance(event, kind)]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    clock = SteppedClock(1_000_000)
    exchange, desk = Exchange(clock), TinyDesk()
    carrier = SimulatedCarrier(exchange=exchange)
    exchange.serve("main", desk)
    async with carrier.running():
        yield Stage(clock, exchange, carrier, desk, Simulator(exchange), Stepper(exchange, clock))


def takes_calls(**more: float) -> Person:
    return Person(presses={"take the call": "1"}, **more)  # type: ignore[arg-type]


async def test_nothing_happens_until_time_passes(stage: Stage) -> None:
    call = stage.call()
    await stage.stepper.run(0)
    assert len(call.story) == 1
    await stage.stepper.run(60)
    assert "keys: none" in call.story


async def test_speech_takes_its_time(stage: Stage) -> None:
    stage.desk.first = "hold"
    call = stage.call()
    await stage.stepper.run(0)
    (greeting,) = call.story
    words = greeting.removeprefix("say: ")
    await stage.stepper.run(speech_s(words) - 0.01)
    assert call.story == [greeting]
    await stage.stepper.run(0.02)
    assert len(call.story) == 2


def test_a_chinese_sign_takes_as_long_as_a_syllable() -> None:
    assert speech_s("a" * 15) == pytest.approx(1.0)
    assert speech_s("您好您好您") == pytest.approx(1.0)


async def test_a_key_stops_the_prompts_and_is_told(stage: Stage) -> None:
    call = stage.call(Person(presses={"is with another customer": "2"}))
    await stage.stepper.run(30)
    assert stage.told("question") == [InputDigits("2")]
    assert not any("call back" in words for words in call.story)
    assert any(words.startswith("queue: ") for words in call.story)


async def test_no_key_is_told_after_the_time_for_it(stage: Stage) -> None:
    stage.call()
    await stage.stepper.run(60)
    assert stage.told("question") == [InputNone()]


async def test_who_waits_is_asked_for_again_and_again_until_they_leave(stage: Stage) -> None:
    stage.desk.first = "hold"
    call = stage.call()
    await stage.stepper.run(100)
    ticks = [event for event in stage.told("hold") + stage.told("key") if isinstance(event, HoldTick | InputNone)]
    assert len(ticks) >= 3
    await stage.carrier.hang_up(call)
    await stage.stepper.run(0)
    assert stage.told("left") == [HoldLeft("hangup")]
    assert stage.reported(CallEnded) == [CallEnded()]
    before = len(stage.desk.heard)
    await stage.stepper.run(100)
    assert len(stage.desk.heard) == before


async def test_an_agent_fetches_the_caller_and_both_talk_until_one_goes(stage: Stage) -> None:
    stage.desk.first = "hold"
    call = stage.call(Person(hangs_up_at="never"))
    await stage.stepper.run(20)
    agent = await stage.ring(call, takes_calls())
    await stage.stepper.run(20)
    assert f"bridged: {AGENT}" in call.story
    assert f"bridged: {CALLER}" in agent.story
    assert call.partner is agent
    assert stage.told("bridged") == [BridgeUp()]
    await stage.carrier.hang_up(agent)
    await stage.stepper.run(30)
    assert stage.told("over") == [BridgeDown()]
    assert stage.told("left") == [HoldLeft("bridged")]
    assert call.ended
    assert any("Thank you" in words for words in call.story)


async def test_a_talk_ends_when_all_is_said(stage: Stage) -> None:
    stage.desk.first = "hold"
    call = stage.call()
    await stage.stepper.run(20)
    agent = await stage.ring(call, takes_calls(talks_s=100))
    await stage.stepper.run(20)
    assert call.partner is agent
    await stage.stepper.run(120)
    assert agent.ended
    assert call.ended


async def test_an_agent_who_joins_an_empty_room_gives_up(stage: Stage) -> None:
    call = stage.call()
    await stage.stepper.run(0)
    agent = await stage.ring(call, takes_calls())
    await stage.carrier.hang_up(call)
    await stage.stepper.run(40)
    assert stage.told("over") == [LegFailed("no_answer")]
    assert agent.partner is None


@pytest.mark.parametrize(
    ("person", "cause"),
    [
        (Person(picks="busy"), "busy"),
        (Person(picks="declines"), "declined"),
        (Person(picks="no_answer"), "no_answer"),
        (Person(picks="device"), "device"),
        (Person(picks="network"), "network"),
        (Person(after_s=60), "no_answer"),
    ],
)
async def test_why_a_ring_came_to_nothing_is_told(stage: Stage, person: Person, cause: str) -> None:
    call = stage.call()
    agent = await stage.ring(call, person)
    await stage.stepper.run(30)
    assert stage.reported(LegFailed) == [LegFailed(cause)]  # type: ignore[arg-type]
    assert agent.ended
    assert not stage.told("whisper")


async def test_a_leg_is_placed_once_however_often_it_is_asked_for(stage: Stage) -> None:
    call = stage.call()
    first = await stage.ring(call, Person())
    again = await stage.ring(call, Person())
    assert again is first


async def test_an_interrupt_takes_the_caller_out_of_the_room(stage: Stage) -> None:
    stage.desk.first = "hold"
    call = stage.call()
    await stage.stepper.run(20)
    done = await stage.gateway.perform("main", Interrupt(call.sid, Route("connect", call.sid, "7-0")), call.sid)
    await stage.stepper.run(1)
    assert done == Done()
    assert stage.told("left") == [HoldLeft("redirected")]
    assert [words for words in call.story if words.startswith("queue: ")] == [f"queue: {call.sid}"] * 2


async def test_commands_to_a_leg_that_is_gone_are_no_errors(stage: Stage) -> None:
    call = stage.call()
    await stage.stepper.run(1)
    assert await stage.gateway.perform("main", Terminate(call.sid), call.sid) == Done()
    assert call.ended
    assert await stage.gateway.perform("main", Terminate(call.sid), call.sid) == Done(gone=True)
    assert await stage.gateway.perform("main", Interrupt("x", Route("exit", "x", "1")), None) == Done(gone=True)


async def test_a_ring_that_is_taken_back_was_no_failure_of_the_phone(stage: Stage) -> None:
    call = stage.call()
    agent = await stage.ring(call, Person(after_s=15))
    await stage.stepper.run(5)
    await stage.gateway.perform("main", Terminate("7-0"), agent.sid)
    await stage.stepper.run(5)
    assert stage.reported(LegFailed) == [LegFailed("canceled")]


async def test_faults_of_commands_are_as_a_carrier_has_them(stage: Stage) -> None:
    call = stage.call()
    stage.carrier.faults.next_rest("create", "busy", "broken", "lost")
    with pytest.raises(GatewayBusy):
        await stage.ring(call, Person())
    with pytest.raises(GatewayUnknown):
        await stage.ring(call, Person())
    assert len(stage.carrier.legs) == 1
    with pytest.raises(GatewayUnknown):
        await stage.ring(call, Person())
    placed = Originate("7-0", "agent", AGENT, MAIN, Route("", "", ""), Route("", "", ""), 1)
    assert await stage.gateway.find("main", placed, 0) == stage.carrier.leg_to(AGENT).sid


async def test_who_is_nowhere_is_refused(stage: Stage) -> None:
    stage.exchange.plug_in(lambda _: None)
    placed = Originate("7-0", "agent", AGENT, MAIN, Route("", "", ""), Route("", "", ""), 1)
    with pytest.raises(GatewayRefused):
        await stage.gateway.perform("main", placed, None)


async def test_reports_come_twice_late_or_never(stage: Stage) -> None:
    stage.carrier.faults.reports_twice = 1.0
    await stage.carrier.hang_up(stage.call())
    await stage.stepper.run(0)
    assert len(stage.reported(CallEnded)) == 2
    stage.carrier.faults.reports_dropped = 1.0
    await stage.carrier.hang_up(stage.call())
    await stage.stepper.run(0)
    assert len(stage.reported(CallEnded)) == 2


async def test_a_document_asked_for_twice_must_be_the_same(stage: Stage) -> None:
    stage.carrier.faults.documents_twice = 1.0
    stage.call()
    await stage.stepper.run(60)
    assert stage.carrier.breaches == []
    assert len(stage.told("question")) == 1


async def test_a_way_out_leads_to_another_number(stage: Stage) -> None:
    stage.desk.first = "exit"
    stage.carrier.people["+12025550111"] = Person(after_s=3, talks_s=10)
    call = stage.call()
    await stage.stepper.run(40)
    assert "bridged: +12025550111" in call.story
    assert stage.told("over") == [BridgeDown()]


async def test_a_caller_hangs_up_on_hearing_what_they_do_not_like(stage: Stage) -> None:
    call = stage.call(Person(hangs_up_at="is with another customer"))
    await stage.stepper.run(20)
    assert call.ended
    assert stage.reported(CallEnded) == [CallEnded()]


async def test_patience_has_an_end(stage: Stage) -> None:
    stage.desk.first = "hold"
    call = stage.call(Person(hangs_up_after_s=45))
    await stage.stepper.run(44)
    assert not call.ended
    await stage.stepper.run(2)
    assert call.ended


def test_scripts_are_read_back_as_they_were_written() -> None:
    route = Route("hold", "c1", "3")
    script: tuple[Command, ...] = (
        Collect((Say("您好", "zh-CN"), Play("m.mp3", 2), Pause(5)), route, 4, 1, 2),
        Hold("c1", route, route),
        Join("c1", route, route, 9),
        Goto(route),
        Dial("+12025550111", route, 4),
        Reject("declined"),
        Hangup(),
    )
    assert documents.read(documents.write(script)) == script


@pytest.mark.parametrize(("seconds", "expected"), [(4.0, None), (6.0, "done"), (None, "done")])
async def test_within_answers_nothing_when_time_is_up(seconds: float | None, expected: str | None) -> None:
    clock = SteppedClock(0)

    async def slow() -> str:
        await clock.sleep(5)
        return "done"

    waiting = asyncio.create_task(within(clock, seconds, slow()))
    while not waiting.done():
        for _ in range(10):
            await asyncio.sleep(0)
        if (at_ms := clock.next_ms) is not None:
            clock.step_to(at_ms)
    assert await waiting == expected


async def test_an_answered_leg_is_told_at_its_page(stage: Stage) -> None:
    call = stage.call()
    await stage.ring(call, takes_calls())
    await stage.stepper.run(5)
    assert stage.told("whisper") == [LegAnswered()]
