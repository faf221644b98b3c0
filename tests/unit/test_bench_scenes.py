"""What is measured is what was asked for: the floor, the site, the scripts that serve. Nothing here is timed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.bench import api, hooks, machine, memory, ringing, viewers
from router.bench.carrier import FIELDS, fields_of
from router.bench.client import CALLS, cpu_ratios
from router.bench.crowd import clone_calls, lengthen_stream
from router.bench.floor import SET_SIZE, Floor
from router.bench.goals import FIRST_HOOKS, FURTHER_HOOKS
from router.bench.pipe import Pipe, Refused
from router.bench.rounds import Rounds
from router.bench.server import BenchServer
from router.bench.site import DESKS, KEEPING, OPEN, BenchSite, desk_ladders, personal_ladders
from router.bench.transitions import LIFECYCLE, idle, lifecycles, returns
from router.store.embedded import EmbeddedServer
from router.store.script_loader import load_all


@pytest.fixture
def bench(server: str, site: str) -> Iterator[BenchServer]:
    pipe = Pipe(Path(server.removeprefix("unix://")))
    yield BenchServer(server, pipe, Floor(f"{{{site}}}:floor"))
    pipe.close()


@pytest.fixture
async def open_site(bench: BenchServer, site: str) -> BenchSite:
    """Fifty agents, all ready."""
    opened = BenchSite(bench, site)
    await opened.open(50)
    return opened


def lanes_of(peek: Any, site: BenchSite, call_id: str) -> list[str]:
    return [desk for desk in DESKS if peek.zscore(site.keys.lane(desk), call_id) is not None]


def test_the_floor_is_one_script_of_a_put_a_take_and_an_entry(bench: BenchServer, peek: Any, site: str) -> None:
    commands = bench.floor.commands(30)
    assert {command[0] for command in commands} == {"EVALSHA"}
    assert {len(command[6]) for command in commands} == {34}
    before = peek.info("commandstats")
    bench.pipe.run(commands)
    after = peek.info("commandstats")
    calls = {
        name: after[f"cmdstat_{name}"]["calls"] - before.get(f"cmdstat_{name}", {"calls": 0})["calls"]
        for name in ("evalsha", "zadd", "zpopmin", "xadd")
    }
    assert calls == {"evalsha": 30, "zadd": 30, "zpopmin": 30, "xadd": 30}
    assert peek.zcard(f"{{{site}}}:floor:z") == SET_SIZE
    (_, entry), *_ = peek.xrange(f"{{{site}}}:floor:x", count=1)
    assert [len(value) for value in entry.values()] == [8] * 5


def test_the_floor_takes_out_the_first_and_never_what_it_has_just_put_in(
    bench: BenchServer, peek: Any, site: str
) -> None:
    command = bench.floor.commands(1)[0]
    bench.pipe.run([command])
    assert peek.zscore(f"{{{site}}}:floor:z", command[6]) is not None


async def test_the_scripts_are_those_that_serve(open_site: BenchSite) -> None:
    (command,) = open_site.ready(["agent-1"])
    assert command[:2] == ["EVALSHA", load_all()["agent_ready"].sha]


async def test_every_agent_has_two_desks_and_every_second_desk_keeps_two_free(open_site: BenchSite, peek: Any) -> None:
    guide = {key.decode(): value.decode() for key, value in peek.hgetall(open_site.keys.guide).items()}
    profiles = [value for key, value in guide.items() if key.startswith("P")]
    assert len(profiles) == 10
    assert all(len(profile.split(";")[0].split()) == 2 for profile in profiles)
    assert all(sum(f"{desk}=" in profile for desk in KEEPING) == 1 for profile in profiles)
    assert guide["k"].split() == [f"{desk}=2" for desk in KEEPING]


@pytest.mark.parametrize("lanes", [1, 3])
def test_ladders_have_four_steps(lanes: int) -> None:
    assert {ladder.count("|") for ladder in [*desk_ladders(lanes), *personal_ladders(9)]} == {3}


@pytest.mark.parametrize("lanes", [1, 3])
async def test_callers_stand_in_as_many_lanes_as_asked(open_site: BenchSite, peek: Any, lanes: int) -> None:
    open_site.occupy(KEEPING)
    open_site.take(desk_ladders(lanes))
    for call_id in open_site.line_up(5):
        assert len(lanes_of(peek, open_site, call_id)) == lanes


async def test_callers_with_an_owner_stand_in_two_lanes_of_agents_and_one_desk(open_site: BenchSite, peek: Any) -> None:
    open_site.occupy(KEEPING)
    open_site.take(personal_ladders(50))
    (call_id,) = open_site.line_up(1)
    assert len(lanes_of(peek, open_site, call_id)) == 1
    assert peek.zcount(open_site.keys.lane("@agent-8"), "-inf", "inf") == 1  # drawn the same in every run


async def test_the_reserve_stands_ready_while_callers_of_other_desks_wait(open_site: BenchSite, peek: Any) -> None:
    open_site.occupy(OPEN)
    assert len(open_site.busy) == 50 - 2 * len(KEEPING)


@pytest.mark.parametrize("lanes", [1, 3])
async def test_a_round_of_lifecycles_leaves_the_line_as_it_was(open_site: BenchSite, peek: Any, lanes: int) -> None:
    open_site.occupy(KEEPING)
    open_site.take(desk_ladders(lanes))
    open_site.line_up(15)
    rounds = Rounds(open_site.server, warm=5, timed=10)
    scene = lifecycles(rounds, open_site, "here")
    for _ in range(3):
        next(scene)
    assert len(open_site.busy) == 50
    assert sum(peek.zcard(open_site.keys.lane(desk)) for desk in DESKS) == 15 * lanes
    measured = rounds.take()
    assert list(measured) == [f"{transition}, here" for transition in LIFECYCLE]
    assert {len(rows.rounds) for rows in measured.values()} == {2}
    assert rounds.take() == {}


async def test_returns_and_idle_scenes_can_be_played_again_and_again(open_site: BenchSite) -> None:
    rounds = Rounds(open_site.server, warm=0, timed=10)
    open_site.take(desk_ladders(1, DESKS))
    scene = idle(rounds, open_site)
    for _ in range(3):
        next(scene)
    open_site.occupy(KEEPING)
    open_site.take(desk_ladders(1))
    scene = returns(rounds, open_site)
    for _ in range(3):
        next(scene)
    assert list(rounds.take()) == [
        "accept and route, agents ready",
        "agent ready, nobody waits",
        "decline",
        "abandon in line",
    ]


async def test_clones_are_what_the_script_that_serves_makes(open_site: BenchSite, peek: Any) -> None:
    open_site.occupy(KEEPING)
    clone_calls(open_site, 50)
    lined_up = {
        call: rank for desk in KEEPING for call, rank in peek.zrange(open_site.keys.lane(desk), 0, -1, withscores=True)
    }
    assert len(lined_up) == 50
    shapes = set()
    for call, rank in lined_up.items():
        record = peek.hgetall(open_site.keys.call(call.decode()))
        shapes.add(frozenset(record))
        assert float(record[b"rk"]) == rank
        assert peek.exists(open_site.keys.steps(call.decode()))
        assert peek.zscore(open_site.keys.deadlines, b"c:" + call) is not None
    assert len(shapes) == 1
    agents = [open_site.busy.popleft() for _ in range(50)]
    assert len(open_site.picked(agents, open_site.run(open_site.ready(agents)))) == 50


async def test_a_stream_is_lengthened_with_its_own_first_entry(open_site: BenchSite, peek: Any) -> None:
    lengthen_stream(open_site, 1_234)
    entries = peek.xrange(open_site.keys.events)
    assert len(entries) == 1_234
    assert entries[-1][1] == entries[0][1]


async def test_hot_keys_are_counted_whole(bench: BenchServer, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CALLS", 300)
    one = await memory.per_waiting_call(bench, f"{site}1", 1)
    three = await memory.per_waiting_call(bench, f"{site}3", 3)
    assert 200 < one.hot < three.hot < three.all


async def test_the_clients_are_measured_side_by_side(bench: BenchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CALLS, 1, 5)
    monkeypatch.setitem(CALLS, 64, 1)
    ratios = await cpu_ratios(bench.url)
    assert ratios.keys() == {64, 1}
    assert all(ratio > 0 for ratio in ratios.values())


def test_a_refusal_is_raised_and_the_pipe_stays_in_step(bench: BenchServer) -> None:
    with pytest.raises(Refused, match="unknown command"):
        bench.pipe.run([["PING"], ["NONSENSE"], ["ECHO", "x"]])
    assert bench.pipe.run([["ECHO", "y"]]) == [b"y"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only where a process may choose its cores")
def test_the_driver_has_its_cores_back_afterwards() -> None:
    before = os.sched_getaffinity(0)
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
    try:
        with machine.set_apart(child) as how:
            assert "core" in how
            if len(before) > 1:
                assert not os.sched_getaffinity(0) & os.sched_getaffinity(child)
        assert os.sched_getaffinity(0) == before
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


async def test_every_hook_is_answered_as_a_carrier_would_have_it(
    fresh_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook that is answered with anything else ends the measurement."""
    monkeypatch.setattr(hooks, "CALLS", 3)
    ratios = await hooks.cpu_ratios(fresh_server.url, rounds=1)
    assert set(ratios) == {*FIRST_HOOKS, *FURTHER_HOOKS, "floor"}
    assert all(ratio > 0 for ratio in ratios.values())


async def test_every_request_over_the_api_is_answered_as_it_should_be(
    fresh_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is answered with anything else ends the measurement."""
    monkeypatch.setattr(api, "COUNT", 3)
    ratios = await api.cpu_ratios(fresh_server.url, rounds=1)
    assert set(ratios) == {*api.STEPS, "floor"}
    assert all(ratio > 0 for ratio in ratios.values())


async def test_every_viewer_is_shown_every_change(fresh_server: EmbeddedServer) -> None:
    found = await viewers.cost(fresh_server.url, viewers=5, rounds=1, changes=4)
    assert found.plain > 0
    assert found.size > 50


def test_a_hook_carries_as_many_fields_as_a_live_one() -> None:
    assert len(fields_of("CA1", "+12025550110")) == FIELDS
    assert len(fields_of("CA1", "+12025550110", Digits="1")) == FIELDS


async def test_an_agent_who_becomes_free_is_rung(fresh_server: EmbeddedServer) -> None:
    took = await ringing.rings(fresh_server.url, 3)
    assert len(took) == 3
    assert took == sorted(took)
    assert ringing.percentile(took, 0.99) == took[-1]
