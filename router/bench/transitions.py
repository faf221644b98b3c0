"""Every transition and the whole lifecycle: who comes in which order, so that each block finds what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from router.bench.pairing import Measured, in_a_row
from router.bench.rounds import Rounds
from router.bench.server import BenchServer
from router.bench.site import DESKS, KEEPING, OPEN, BenchSite, desk_ladders, personal_ladders

LIFECYCLE = ("accept and route", "agent ready", "accept offer", "complete")
SCENES = ("1 lane", "3 lanes", "3 lanes, 2 of them an agent's", "1 lane, a reserve ready")
AGENTS, WAITING = 1_500, 1_000


def lifecycles(rounds: Rounds, site: BenchSite, scene: str) -> Iterator[None]:
    """Calls in line, all agents busy: each round as many come in as are taken out."""
    while True:
        calls = site.new_calls(rounds.size)
        offers, _ = site.routed(calls, rounds.block(f"accept and route, {scene}", site.route(calls)))
        assert not offers, "a call in line found a ready agent"
        agents = [site.busy.popleft() for _ in calls]
        offers = site.picked(agents, rounds.block(f"agent ready, {scene}", site.ready(agents)))
        assert len(offers) == len(agents), "an agent found nobody in line"
        rounds.block(f"accept offer, {scene}", site.accept(offers))
        rounds.block(f"complete, {scene}", site.complete(offers))
        site.busy.extend(agents)
        yield


def returns(rounds: Rounds, site: BenchSite) -> Iterator[None]:
    """Offers declined, and callers who hang up in line."""
    # The same agents each time, so that none of them comes from a rest into a measured lifecycle.
    agents = [site.busy.popleft() for _ in range(rounds.size)]
    while True:
        site.line_up(rounds.size)
        offers = site.picked(agents, site.run(site.ready(agents)))
        rounds.pause()
        rounds.block("decline", site.decline(offers))
        site.run(site.abandon(offer.call_id for offer in offers))
        calls = site.line_up(rounds.size)
        rounds.pause()
        rounds.block("abandon in line", site.abandon(calls))
        rounds.pause()
        yield


def idle(rounds: Rounds, site: BenchSite) -> Iterator[None]:
    """Agents stand ready and nobody waits."""
    while True:
        calls = site.new_calls(rounds.size)
        offers, waiting = site.routed(calls, rounds.block("accept and route, agents ready", site.route(calls)))
        assert not waiting, "a call found no agent though agents stand ready"
        site.talk(offers)
        rounds.pause()
        agents = [offer.agent_id for offer in offers]
        picked = site.picked(agents, rounds.block("agent ready, nobody waits", site.ready(agents)))
        assert not picked, "an agent found a call though nobody waits"
        rounds.pause()
        yield


async def line(server: BenchServer, name: str, ladders: Sequence[str], desks: Sequence[str] = KEEPING) -> BenchSite:
    """A site with 1,000 calls in line and nobody ready but a reserve that callers of `desks` cannot have."""
    site = BenchSite(server, name)
    await site.open(AGENTS)
    site.occupy(desks)
    site.take(ladders)
    site.line_up(WAITING)
    return site


async def scenes(server: BenchServer, rounds: Rounds) -> list[Iterator[None]]:
    """All there is to see, each to be played a round at a time."""
    one, *others = [
        await line(server, "one", desk_ladders(1, KEEPING)),
        await line(server, "three", desk_ladders(3, KEEPING)),
        await line(server, "personal", personal_ladders(AGENTS)),
        await line(server, "reserve", desk_ladders(1, OPEN), OPEN),
    ]
    ready = BenchSite(server, "ready")
    await ready.open(AGENTS)
    ready.take(desk_ladders(1, DESKS))
    return [
        *(lifecycles(rounds, site, scene) for site, scene in zip([one, *others], SCENES, strict=True)),
        returns(rounds, one),
        idle(rounds, ready),
    ]


def lifecycle(measured: dict[str, Measured], scene: str) -> Measured:
    """The four transitions of a call in one figure."""
    return in_a_row([measured[f"{transition}, {scene}"] for transition in LIFECYCLE])
