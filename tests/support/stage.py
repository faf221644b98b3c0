"""The stage on which scripts are tried: a site of its own on a real server, in virtual time.

Every answer is noted, everything written can be looked at, and after every script the site must be sound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import pytest

from router.domain.errors import NotVirtual, Refused
from router.domain.events import Event, parse
from router.domain.ladder import Ladder, Profile, Step, Timing
from router.store.call_transitions import Routed
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.rows import AgentRow, CallRow
from router.store.sending import VirtualClock
from tests.support.dump import Dump, changes, leftovers, misguided, read_dump, snapshot
from tests.support.invariants import state_violations

START = 1_700_000_000_000
"""Virtual ms since the epoch at which every play begins."""

SECOND = 1_000
MINUTE = 60_000
MANY_KEYS = 60
"""A larger site is looked at once, at the end of its test."""

T = TypeVar("T")


class Noting(Engine):
    """An engine that remembers which words each script answered."""

    heard: ClassVar[set[tuple[str, str]]] = set()

    async def _run(self, name: str, **given: str) -> list[str]:
        try:
            words = await super()._run(name, **given)
        except NotVirtual:
            self.heard.add((name, "NOT_VIRTUAL"))
            raise
        self.heard.add((name, words[0]))
        return words


class Watched(Noting):
    """A noting engine of a virtual site that is looked at after every script."""

    clock: VirtualClock

    async def _run(self, name: str, **given: str) -> list[str]:
        words = await super()._run(name, **given)
        if await self.connection.call("DBSIZE") < MANY_KEYS:
            await self.look(f"after {name} {given}")
        return words

    async def look(self, when: str) -> None:
        dump = await read_dump(self.connection, self.keys)
        wrong = state_violations(snapshot(dump, self.clock.now_ms)) + misguided(dump)
        assert not wrong, "\n".join([when, *wrong])


@dataclass(frozen=True, slots=True)
class Lease:
    """A call and an agent that hold each other by an offer."""

    call_id: str
    agent_id: str
    offer_id: str


def queue(*lanes: str, wait_ms: int | None = None, max_waiting: int | None = None) -> Step:
    """A step through group lanes, named after the first one."""
    return Step(lanes[0], lanes, wait_ms, max_waiting)


def owner(agent_id: str, when_busy: Any = "ask", *, wait_ms: int = 10 * MINUTE, default: Any = "transfer") -> Step:
    return Step("owner", (f"@{agent_id}",), wait_ms, None, when_busy, default)


def cover(agent_id: str) -> Step:
    """A named stand-in: asked for, never waited for."""
    return Step("cover", (f"@{agent_id}",), 0)


def ladder(*steps: Step, head_start_ms: int = 0, max_wait_ms: int = 30 * MINUTE) -> Ladder:
    return Ladder(head_start_ms, steps, max_wait_ms)


def profile(groups: str, *skills: str) -> Profile:
    """`vip general:2` → level 1 in vip, level 2 in general."""
    pairs = (word.partition(":") for word in groups.split())
    return Profile({name: int(level or 1) for name, _, level in pairs}, frozenset(skills))


class Stage:
    """One virtual site with the words to set it up and to look at it."""

    def __init__(self, channel: Channel, keys: Keyspace, timing: Timing | None = None) -> None:
        self.channel = channel
        self.keys = keys
        self.clock = VirtualClock(START)
        self.engine = Watched(channel, keys, timing or Timing(), self.clock)
        self.left_as_is = False
        self._read_to = "0"

    # -- setting up ------------------------------------------------------------------------------------------------

    def another(self, timing: Timing | None = None, **options: Any) -> Watched:
        """A second process on the same site, by the same clock."""
        return Watched(self.channel, self.keys, timing or self.engine.timing, self.clock, **options)

    async def agent(self, agent_id: str, groups: str = "vip", *skills: str, state: str = "ready") -> str:
        """An agent brought into a state: offline, ready, break, offered, talking, wrapping, cooling."""
        await self.engine.put_agent(agent_id, profile(groups, *skills), "{}")
        if state == "offline":
            return agent_id
        await self.engine.agent_ready(agent_id)
        if state == "break":
            await self.engine.agent_away(agent_id, "break")
        if state in ("ready", "break"):
            return agent_id
        held = await self.offered(f"{agent_id}-call", Step("own", (f"@{agent_id}",)))
        if state == "cooling":
            await self.engine.fail_leg(held.call_id, held.offer_id, "device")
            await self.engine.abandon_call(held.call_id)
        if state in ("talking", "wrapping"):
            await self.engine.accept_offer(held.call_id, agent_id, held.offer_id)
        if state == "wrapping":
            await self.engine.complete_call(held.call_id)
        found = await self.engine.read_agent(agent_id)
        assert found, agent_id
        assert found.state == state
        return agent_id

    async def call(
        self, call_id: str, *steps: Step, head_start_ms: int = 0, max_wait_ms: int = 30 * MINUTE, **options: Any
    ) -> Routed:
        """Routes a call; its plan version is the empty one unless told otherwise."""
        way = ladder(*steps, head_start_ms=head_start_ms, max_wait_ms=max_wait_ms)
        return await self.engine.route_call(call_id, way, plan_version=options.pop("plan_version", ""), **options)

    async def offered(self, call_id: str, *steps: Step, **options: Any) -> Lease:
        """Routes a call that must find an agent at once."""
        routed = await self.call(call_id, *steps, **options)
        assert routed.letter == "o", f"{call_id} found nobody"
        return await self.lease(call_id)

    async def connected(self, call_id: str, *steps: Step, **options: Any) -> Lease:
        """Routes a call that must find an agent, who takes it."""
        held = await self.offered(call_id, *steps, **options)
        await self.engine.accept_offer(held.call_id, held.agent_id, held.offer_id)
        return held

    async def later(self, ms: int) -> None:
        """Time passes; whatever falls due is done at its own time."""
        await self.engine.run_until(self.clock.now_ms + ms)

    # -- looking ---------------------------------------------------------------------------------------------------

    async def row(self, call_id: str) -> CallRow:
        row = await self.engine.read_call(call_id)
        assert row, f"no call {call_id}"
        return row

    async def agent_row(self, agent_id: str) -> AgentRow:
        row = await self.engine.read_agent(agent_id)
        assert row, f"no agent {agent_id}"
        return row

    async def state(self, call_id: str) -> str:
        return (await self.row(call_id)).letter

    async def outcome(self, call_id: str) -> str | None:
        return (await self.row(call_id)).outcome

    async def lease(self, call_id: str) -> Lease:
        row = await self.row(call_id)
        assert row.agent_id, f"{call_id} has no agent"
        assert row.offer_id, f"{call_id} has no offer"
        return Lease(call_id, row.agent_id, row.offer_id)

    async def agent_of(self, call_id: str) -> str | None:
        return (await self.row(call_id)).agent_id

    async def line(self, lane: str) -> list[str]:
        """The calls of a lane in order."""
        return await self.engine.lane_calls(lane, 0, 1_000)

    async def deadline(self, member: str) -> int | None:
        """How long until a deadline, ms."""
        score = await self.channel.call("ZSCORE", self.keys.deadlines, member)
        return None if score is None else int(float(score)) - self.clock.now_ms

    async def dump(self) -> Dump:
        return await read_dump(self.channel, self.keys)

    async def events(self) -> list[Event]:
        """What was told since it was last asked."""
        start = "-" if self._read_to == "0" else f"({self._read_to}"
        rows = await self.channel.call("XRANGE", self.keys.events, start, "+")
        found = [parse(entry_id.decode(), pair[1].decode()) for entry_id, pair in rows]
        if found:
            self._read_to = found[-1].entry_id
        return found

    async def told(self) -> list[str]:
        """The types of what was told since it was last asked."""
        return [event.type for event in await self.events()]

    # -- insisting -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def nothing_written(self) -> AsyncIterator[None]:
        before = await self.dump()
        yield
        changed = changes(before, await self.dump())
        assert not changed, "\n".join(changed)

    async def repeated(self, request: Callable[[], Awaitable[T]]) -> T:
        """Sends a request twice, as one whose answer was lost: the same answer, and nothing more is written."""
        first = await request()
        async with self.nothing_written():
            assert await request() == first
        return first

    async def refused(self, error: type[Refused], request: Awaitable[object]) -> None:
        """The request is refused and nothing is written."""
        async with self.nothing_written():
            with pytest.raises(error) as caught:
                await request
        assert caught.type is error

    async def wind_up(self) -> None:
        """Everybody hangs up and every deadline runs: only what is meant to stay may be left."""
        await self.engine.look("at the end of the test")
        for key in await self.dump():
            if key.startswith("c:"):
                await self.engine.abandon_call(key[2:])
        while (due := await self.engine.read_due(1)).entries or due.next_ms:
            await self.engine.run_until(due.next_ms or due.now_ms)
        wrong = leftovers(await self.dump())
        assert not wrong, "\n".join(wrong)
