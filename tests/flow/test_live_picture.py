"""A picture made of entries alone is what the server holds, whatever happens, and once every entry has been taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis.stateful import run_state_machine_as_test

from config.loading import load_config
from router.domain.events import Event, parse
from router.domain.ladder import Timing
from router.live.picture import Picture
from router.metrics.projector import Work
from router.metrics.standing import Standing
from tests.support.engine_driver import BlockingConnection, EngineDriver
from tests.support.histories import Histories
from tests.support.snapshot import Snapshot
from tests.support.watching import START

PLAN = load_config(Path(__file__).resolve().parents[2] / "config")["main"].plan.site
SHORT = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    phases=[Phase.generate],
)


@pytest.fixture
def connection(server: str) -> Iterator[BlockingConnection]:
    opened = BlockingConnection(server)
    yield opened
    opened.close()


def differences(picture: Picture, found: Snapshot) -> list[str]:
    calls = {
        call_id: (call.state, call.accepted_ms, call.agent, call.lanes, call.step)
        for call_id, call in found.calls.items()
        if call.state != "e"
    }
    # A call that is rejected ends at once; one that is being greeted has no step yet.
    drawn = {
        call_id: (call.state, call.accepted_ms, call.agent, call.lanes, call.step)
        for call_id, call in picture.calls.items()
    }
    agents = {agent_id: (agent.state, agent.profile, agent.call) for agent_id, agent in found.agents.items()}
    seen = {agent_id: (agent.state, agent.profile, agent.call) for agent_id, agent in picture.agents.items()}
    return [
        f"{name}: the server has {there.get(name)}, the picture {here.get(name)}"
        for there, here in ((calls, drawn), (agents, seen))
        for name in there.keys() | here.keys()
        if there.get(name) != here.get(name)
    ]


def test_the_picture_is_what_the_server_holds(connection: BlockingConnection) -> None:
    class Drawn(Histories):
        def engine_for(self, timing: Timing) -> EngineDriver:
            self.work = Work.of({}, {}, lambda: PLAN)
            driver = EngineDriver(connection, timing, START)
            told = driver.new_events

            def events() -> list[Event]:
                self.fresh = told()
                return self.fresh

            driver.new_events = events  # type: ignore[method-assign]
            return driver

        def compare(self, engine: EngineDriver, *args: Any) -> None:
            try:
                super().compare(engine, *args)
            except AssertionError:
                assume(False)  # engine and model are held to each other by another test
            for event in self.fresh:
                self.work.take(event)
            self.right(differences(self.work.picture, engine.snapshot(self.now)))
            self.right(wrong_counts(self.work.picture, self.work.standing))
            self.right(impossible(self.work))

    run_state_machine_as_test(Drawn, settings=SHORT)


def wrong_counts(picture: Picture, standing: Standing) -> list[str]:
    """What is counted along is what counting anew gives."""
    anew = Standing()
    anew.begin_anew(picture)
    return [
        f"{key}: counted along {standing.values.get(key, 0)}, anew {anew.values.get(key, 0)}"
        for key in standing.values.keys() | anew.values.keys()
        if key[0] != "agents_ms" and standing.values.get(key, 0) != anew.values.get(key, 0)
    ]


def impossible(work: Work) -> list[str]:
    """No offer is doubled, each ends in one way or still rings, and no question ends more often than it was asked."""
    counts: Counter[str] = Counter()
    for field, count in work.tally.counts.items():
        counts[field.partition(";")[0]] += count
    ringing = sum(call.state == "o" for call in work.picture.calls.values())
    asked = sum(call.state == "q" for call in work.picture.calls.values())
    wrong = []
    if counts["double_offers_total"]:
        wrong.append("an offer is said to be doubled")
    if counts["offers_total"] != counts["offer_ends_total"] + ringing:
        wrong.append(f"{counts['offers_total']} offers, {counts['offer_ends_total']} ended, {ringing} ring")
    if counts["prompts_total"] != counts["prompt_ends_total"] + asked:
        wrong.append(f"{counts['prompts_total']} questions, {counts['prompt_ends_total']} ended, {asked} stand")
    return wrong


def test_entries_taken_twice_change_nothing() -> None:
    """A picture read from the server may be newer than the entries that are taken next."""
    story = [
        "agent.put|agent=a|profile=vip=1;",
        "agent.ready|agent=a|cause=x",
        "call.accepted|call=1|state=o|entered=vip|lanes=vip|facts=1000;9000;j;gold;0|why=|seen=",
        "call.offered|call=1|agent=a|lane=vip|step=vip;1;1000;;;0;|facts=1000;9000;j;gold;0",
        "call.connected|call=1|agent=a|offer=4-0|step=vip;1;1000;;;0;|facts=1000;9000;j;gold;0",
        "call.accepted|call=2|state=w|entered=vip|lanes=vip|facts=2000;9000;j;gold;0|why=|seen=",
        "call.ended|call=1|outcome=answered|cause=complete|was=c|agent=a|offer=4-0|step=|facts=1000;9000;j;gold;1",
    ]
    events = [parse(f"{number}-0", f"{text}|at={number * 1000}") for number, text in enumerate(story, 1)]
    once, twice = Picture(), Picture()
    for event in events:
        once.take(event)
    for event in (*events, *events[3:]):
        twice.take(event)
    assert once.agents["a"].state == "w"
    assert list(once.calls) == ["2"]
    assert twice == once


def test_a_call_whose_beginning_was_not_told_is_gone_on_with() -> None:
    picture = Picture()
    picture.take(
        parse("5-0", "call.widened|call=1|entered=vip|step=vip;1;1000;;;0;|lanes=@a vip|facts=9;;j;gold;0|at=1000")
    )
    assert (picture.calls["1"].tier, picture.calls["1"].group, picture.calls["1"].groups) == ("gold", "vip", ("vip",))
