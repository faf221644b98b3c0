"""The site that is measured: ten desks, agents of two desks each, callers with ladders of four steps.

Every second desk keeps two agents free, and every agent serves one desk that does and one that does not.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

from router.bench.ids import call_ids
from router.bench.server import BenchServer
from router.domain.ladder import Profile, Step
from router.store.call_transitions import ladder_text
from router.store.engine import Engine
from router.store.keyspace import Keyspace

DESKS = tuple(f"desk{number}" for number in range(10))
KEEPING, OPEN = DESKS[::2], DESKS[1::2]
KEEP_FREE = 2
PLAN = "1"
MINUTE = 60_000
HEAD_STARTS = (0, 0, 0, 0, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE)
WHY = "gold%2C head start 10 min; gold: 12%2C000 a year; step owner skipped: no owner"
META = {
    "from": "+12025550123",
    "identity": "+12025550123",
    "to": "+12025550100",
    "language": "en",
    "skills": [],
    "trust": "verified",
    "attributes": {},
    "found_in": "directory",
    "customer": {"customer_id": "customer-000123", "name": "Ada Example", "annual_value": 12_000, "language": "en"},
    "shared": False,
    "customer_tier": "gold",
    "greet_by_name": True,
    "needs": [],
    "head_start_ms": 600_000,
    "exit": "message",
    "message": "",
    "contacts": [],
}
Commands = list[list[str]]


class Offer(NamedTuple):
    call_id: str
    agent_id: str
    fence: str


def desk_ladders(lanes: int, desks: Sequence[str] = KEEPING) -> list[str]:
    """Ladders whose callers wait in `lanes` desks at once: those before the last are looked at and passed."""
    waits = [0] * (lanes - 1) + [10 * MINUTE] * (4 - lanes) + [None]
    return [
        ladder_text([Step(f"step{n}", (desks[(at + n) % len(desks)],), wait_ms=wait) for n, wait in enumerate(waits)])
        for at in range(len(desks))
    ]


def personal_ladders(agents: int) -> list[str]:
    """The caller's owner, a cover, a desk, another desk; waiting in three lanes while the first two are busy."""
    drawn = random.Random(1)
    return [
        ladder_text(
            [
                Step("owner", (f"@agent-{drawn.randrange(agents)}",), wait_ms=10 * MINUTE, when_busy="next"),
                Step("cover", (f"@agent-{drawn.randrange(agents)}",), wait_ms=0),
                Step("desk", (KEEPING[number % 5],), wait_ms=10 * MINUTE),
                Step("general", (KEEPING[(number + 1) % 5],)),
            ]
        )
        for number in range(agents)
    ]


class BenchSite:
    """Makes the commands of each transition, by the engine that serves, and keeps who is free."""

    def __init__(self, server: BenchServer, name: str, meta: str = json.dumps(META)) -> None:
        self.server = server
        self.keys = Keyspace(name)
        # The streams of some measurements are longer than a served site's may become.
        self.engine = Engine(server.pipe, self.keys, hard_limit=10**9)
        self.busy: deque[str] = deque()
        self._ladders: Iterator[str] = iter(())
        self._meta = meta
        self._ids = call_ids(name)
        self._drawn = random.Random(name)

    async def open(self, agents: int) -> None:
        """All agents stand ready, nobody waits."""
        await self.engine.load_scripts()
        await self.engine.set_plan(PLAN, dict.fromkeys(KEEPING, KEEP_FREE))
        await self.engine.know_lanes([Step("all", DESKS)])
        names = [f"agent-{number}" for number in range(agents)]
        self.run(self.put(names))
        self.run(self.ready(names))

    def take(self, ladders: Sequence[str]) -> None:
        """From now on callers come with these, in turn."""
        self._ladders = cycle(ladders)

    def occupy(self, desks: Sequence[str]) -> None:
        """Gives a call to every agent whom callers of these desks may have; then these wrap up and nobody waits."""
        self.take(desk_ladders(1, desks))
        while True:
            calls = self.new_calls(100)
            offers, waiting = self.routed(calls, self.run(self.route(calls)))
            self.talk(offers)
            self.busy.extend(offer.agent_id for offer in offers)
            self.run(self.abandon(waiting))
            if not offers:
                return

    def line_up(self, count: int) -> list[str]:
        """So many calls come in and wait: nobody is ready."""
        calls = self.new_calls(count)
        offers, waiting = self.routed(calls, self.run(self.route(calls)))
        assert not offers, "a call in line found a ready agent"
        return waiting

    def talk(self, offers: Sequence[Offer]) -> None:
        """From offered to wrapping up."""
        self.run(self.accept(offers))
        self.run(self.complete(offers))

    def run(self, commands: Commands) -> list[Any]:
        return self.server.pipe.run(commands)

    # -- commands -----------------------------------------------------------------------------------------------------

    def put(self, agents: Sequence[str]) -> Commands:
        commands = []
        for number, agent_id in enumerate(agents):
            profile = Profile({DESKS[number % 10]: 1, DESKS[(number + 1) % 10]: 1})
            given = {"agent_id": agent_id, "profile": profile.text(), "card": "{}", "expected": ""}
            commands.append(self.engine.command("put_agent", given))
        return commands

    def new_calls(self, count: int) -> list[str]:
        return [next(self._ids) for _ in range(count)]

    def route(self, calls: Iterable[str]) -> Commands:
        given = {"kind": "j", "tier": "gold", "max_wait_ms": str(30 * MINUTE), "plan_version": PLAN, "last_agent": ""}
        return [
            self.engine.command(
                "route_call",
                {
                    **given,
                    "call_id": call_id,
                    "head_start_ms": str(self._drawn.choice(HEAD_STARTS)),
                    "ladder": next(self._ladders),
                    "identity": f"%2B1{call_id[2:12]}",
                    "meta": self._meta,
                    "why": WHY,
                },
            )
            for call_id in calls
        ]

    def ready(self, agents: Iterable[str]) -> Commands:
        return [self.engine.command("agent_ready", {"agent_id": agent_id}) for agent_id in agents]

    def accept(self, offers: Iterable[Offer]) -> Commands:
        return [self._on_offer("accept_offer", offer) for offer in offers]

    def complete(self, offers: Iterable[Offer]) -> Commands:
        return [self._on_offer("complete_call", offer, result="resolved") for offer in offers]

    def decline(self, offers: Iterable[Offer]) -> Commands:
        return [self._on_offer("decline_offer", offer, cause="declined", reason="", only_in="") for offer in offers]

    def abandon(self, calls: Iterable[str]) -> Commands:
        return [
            self.engine.command("abandon_call", {"call_id": call_id, "cause": "hangup", "why": ""}) for call_id in calls
        ]

    def _on_offer(self, script: str, offer: Offer, **given: str) -> list[str]:
        given |= {"call_id": offer.call_id, "agent_id": offer.agent_id, "offer": offer.fence}
        return self.engine.command(script, given)

    # -- replies ------------------------------------------------------------------------------------------------------

    @staticmethod
    def routed(calls: Sequence[str], replies: Sequence[bytes]) -> tuple[list[Offer], list[str]]:
        """Whom these calls were offered to, and who waits."""
        offers, waiting = [], []
        for call_id, reply in zip(calls, replies, strict=True):
            _, letter, agent_id, fence = Engine.words(reply)
            if letter == "o":
                offers.append(Offer(call_id, agent_id, fence))
            else:
                waiting.append(call_id)
        return offers, waiting

    @staticmethod
    def picked(agents: Sequence[str], replies: Sequence[bytes]) -> list[Offer]:
        """What these agents were offered when they became ready."""
        return [
            Offer(call_id, agent_id, fence)
            for agent_id, (_, letter, call_id, fence) in zip(agents, map(Engine.words, replies), strict=True)
            if letter == "o"
        ]
