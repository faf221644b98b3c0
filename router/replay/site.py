"""One virtual site on the replay's own server: a day under a rule. Commands go in order, many in one flush."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from router.domain.ladder import Ladder, Profile, Timing
from router.replay.rules import Rule
from router.store.call_transitions import ladder_text
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.sending import VirtualClock

FLUSH_AT = 512
PLAN = "1"
LONG_MS = 30 * 86_400_000
# The replay itself ends every offer, talk and wrap-up; no timer of the engine may come before it.
TIMING = Timing(offer_ms=LONG_MS, wrap_up_ms=LONG_MS, retain_ended_ms=60_000, tombstone_ms=60_000)

Reply = Callable[[Any], None]


class ReplayFailed(Exception):
    """The engine refused what the replay took for certain: a fault of ours, never of the trace."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A call leased to an agent."""

    call_id: str
    agent_id: str
    offer_id: str


class Site:
    """The scripts that serve calls, on a clock of our own. `now` is in seconds after the day's midnight."""

    def __init__(self, channel: Channel, name: str, date: datetime.date) -> None:
        self.now = 0.0
        self._channel = channel
        midnight = datetime.datetime.combine(date, datetime.time(), datetime.UTC)
        self._midnight_ms = int(midnight.timestamp()) * 1000
        self._clock = VirtualClock(self._midnight_ms)
        self._engine = Engine(channel, Keyspace(name), TIMING, self._clock)
        self._pending: list[tuple[Sequence[str], Reply]] = []
        self._routes: dict[int, dict[str, str]] = {}
        self._timed = False

    async def open(self, rule: Rule) -> None:
        """Makes the site and publishes the rule."""
        self._timed = rule.timed
        await self._engine.make_virtual()
        await self._engine.set_plan(PLAN, rule.keep_free)
        await self._engine.end_walk(PLAN)  # nobody waits who would need a new ladder
        for priority, ladder in rule.ladders.items():
            await self._engine.know_lanes(ladder.steps)
            self._routes[priority] = _route(ladder)

    def at(self, second: float) -> None:
        """Moves the clock; what is sent from now on happens then."""
        self.now = second
        self._clock.now_ms = self._ms(second)

    async def until(self, second: float) -> Offer | None:
        """Moves the clock and on the way runs what falls due, each at its own time; stops where that makes an offer."""
        target = self._ms(second)
        while self._timed:
            await self.flush()
            due = await self._engine.read_due(1)
            if due.entries:
                await self._engine.run_due(*due.entries[0])
                if offer := await self._offer_of(due.entries[0][0]):
                    return offer
            elif due.next_ms is not None and due.next_ms <= target:
                self.at((due.next_ms - self._midnight_ms) / 1000)
            else:
                break
        self.at(second)
        return None

    def send(self, script: str, then: Reply | None = None, **given: str) -> None:
        """Sends a transition with the next flush; `then` gets its words, else it must be OK."""
        self.send_raw(self._engine.command(script, given), then or _must_be_ok(script))

    def send_raw(self, command: Sequence[str], then: Reply) -> None:
        self._pending.append((command, then))

    def route(self, call_id: str, priority: int, then: Reply | None = None) -> None:
        """A caller arrives."""
        self.send("route_call", then, call_id=call_id, **self._routes[priority])

    def give_up(self, call_id: str) -> None:
        """A caller leaves; one already answered has left long ago, and nothing happens."""
        self.send("abandon_call", call_id=call_id, cause="hangup", why="")

    def accept(self, offer: Offer) -> None:
        self.send("accept_offer", call_id=offer.call_id, agent_id=offer.agent_id, offer=offer.offer_id)

    def complete(self, offer: Offer) -> None:
        self.send("complete_call", call_id=offer.call_id, agent_id=offer.agent_id, offer=offer.offer_id, result="")

    def away(self, agent_id: str) -> None:
        self.send("agent_away", agent_id=agent_id, state="x", reason="")

    def end_wrap_up(self, agent_id: str) -> None:
        self.send("end_wrap_up", agent_id=agent_id)

    def read_line(self, lane: str, then: Callable[[dict[str, int]], None]) -> None:
        """`then` gets the calls of a lane, in order, each with its key in whole seconds: arrival less head start."""
        line = self._engine.keys.lane(lane)
        self.send_raw(["ZRANGE", line, "0", "-1", "WITHSCORES"], lambda reply: then(_keys(reply)))

    async def flush(self, least: int = 1) -> None:
        """Sends what is pending, in one go, if there is that much of it."""
        if len(self._pending) >= least:
            pending, self._pending = self._pending, []
            replies = await self._channel.call_many([command for command, _ in pending])
            for (_, then), reply in zip(pending, replies, strict=True):
                if isinstance(reply, Exception):
                    raise reply
                then(reply)

    async def put_agent(self, agent_id: str, profile: Profile) -> None:
        await self._engine.put_agent(agent_id, profile, "{}")

    async def ready(self, agent_id: str) -> Offer | None:
        """An agent is free; the call the engine gives them, if any waits."""
        words = await self._ask("agent_ready", agent_id=agent_id)
        return Offer(words[2], agent_id, words[3]) if words[1] == "o" else None

    async def arrive(self, call_id: str, priority: int) -> Offer | None:
        """A caller arrives; the offer, if an agent is free."""
        words = await self._ask("route_call", call_id=call_id, **self._routes[priority])
        return Offer(call_id, words[2], words[3]) if words[1] == "o" else None

    async def _ask(self, script: str, **given: str) -> list[str]:
        answer: list[str] = []
        self.send(script, lambda reply: answer.extend(_words(script, reply)), **given)
        await self.flush()
        return answer

    async def _offer_of(self, member: str) -> Offer | None:
        """The offer that a call's deadline led to."""
        kind, _, call_id = member.partition(":")
        row = await self._engine.read_call(call_id) if kind == "c" else None
        if row is None or row.letter != "o":
            return None
        return Offer(call_id, row.agent_id or "", row.offer_id or "")

    def _ms(self, second: float) -> int:
        return self._midnight_ms + round(second * 1000)


def _route(ladder: Ladder) -> dict[str, str]:
    """What route_call is told of every caller with this ladder. Nobody is recognised: each call is its own."""
    return {
        "kind": "j",
        "tier": "replay",
        "head_start_ms": str(ladder.head_start_ms),
        "max_wait_ms": str(ladder.max_wait_ms),
        "ladder": ladder_text(ladder.steps),
        "plan_version": PLAN,
        "identity": "",
        "last_agent": "",
        "meta": "{}",
        "why": "",
    }


def _words(script: str, reply: Any) -> list[str]:
    words = Engine.words(reply)
    if words[0] != "OK":
        raise ReplayFailed(f"{script}: {' '.join(words)}")
    return words


def _must_be_ok(script: str) -> Reply:
    def check(reply: Any) -> None:
        if not reply.startswith(b"OK"):
            raise ReplayFailed(f"{script}: {_words(script, reply)}")

    return check


def _keys(reply: list[Any]) -> dict[str, int]:
    """Ranks are (ms − head start) · 1000 + sequence; the log knows whole seconds only."""
    pairs = reply if reply and isinstance(reply[0], list) else zip(reply[::2], reply[1::2], strict=True)
    return {member.decode(): int(float(rank)) // 1_000_000 for member, rank in pairs}
