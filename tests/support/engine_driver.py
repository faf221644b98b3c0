"""The real engine behind the driver's interface: its scripts on a real server, in virtual time."""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import hiredis

from router.domain.ladder import Timing
from router.store.engine import Engine, VirtualClock
from router.store.keyspace import Keyspace
from router.store.rows import AgentRow, CallRow
from tests.support.drivers import Request
from tests.support.snapshot import LEASED, AgentView, CallView, Snapshot

DATABASE = "9"
"""Histories empty their database before each example, so they keep to one that nobody else uses."""

DUMP = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'hash' then found[#found + 1] = {key, redis.call('HGETALL', key)}
  elseif kind == 'zset' then found[#found + 1] = {key, redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')}
  elseif kind == 'string' then found[#found + 1] = {key, redis.call('GET', key)}
  elseif kind == 'set' then found[#found + 1] = {key, redis.call('SMEMBERS', key)}
  else found[#found + 1] = {key, ''} end
end
return found
"""


class BlockingConnection:
    """One unix socket, one command at a time: the engine's coroutines never wait, so they need no event loop."""

    def __init__(self, url: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(urlsplit(url).path)
        self.reader = hiredis.Reader()

    async def call(self, *args: str | bytes | int) -> Any:
        self.socket.sendall(hiredis.pack_command(args))  # type: ignore[arg-type]
        while (reply := self.reader.gets()) is False:
            self.reader.feed(self.socket.recv(65_536))
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def call_many(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        return [await self.call(*command) for command in commands]

    def close(self) -> None:
        self.socket.close()


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("the engine waited for something")


class EngineDriver:
    """A fresh virtual site on the server at `url`."""

    def __init__(self, connection: BlockingConnection, timing: Timing, now: int) -> None:
        self.connection = connection
        self.raw("SELECT", DATABASE)
        self.raw("FLUSHDB")
        self.clock = VirtualClock(now)
        self.keys = Keyspace("main")
        self.engine = Engine(connection, self.keys, timing, self.clock)
        self.engine.on_plan = self.engine.end_walk
        self.offers: dict[str, str] = {}
        self.identities: dict[str, str] = {}
        finish(self.engine.make_virtual())

    def raw(self, *args: str) -> Any:
        return finish(self.connection.call(*args))

    # -- requests --------------------------------------------------------------------------------------------------

    def run(self, request: Request, now: int) -> None:
        self.clock.now_ms = now
        args = [self.offers.get(a, a) if isinstance(a, str) else a for a in request.args]
        translate = getattr(self, request.name, None)
        finish((translate or getattr(self.engine, request.name))(*args, **request.options))

    async def route_call(self, call_id: str, *args: Any, **options: Any) -> None:
        self.identities.setdefault(call_id, options.get("identity", ""))
        await self.engine.route_call(call_id, *args, **options)

    async def keep_place(self, call_id: str, callback_id: str, *, widen: bool) -> None:
        identity = self.identities.get(call_id, "")
        self.identities[callback_id] = identity
        await self.engine.keep_place(call_id, callback_id, identity=identity, widen=widen)

    async def put_agent(self, agent_id: str, profile: Any) -> None:
        await self.engine.put_agent(agent_id, profile, "{}")

    async def fail_leg(self, call_id: str, offer_id: str, cause: str) -> None:
        """As a platform's hang-up events arrive: in mid-talk only device and network bring the caller back."""
        state = self.raw("HGET", self.keys.call(call_id), "st")
        if state != b"c":
            await self.engine.fail_leg(call_id, offer_id, cause)
        elif cause in ("device", "network"):
            await self.engine.lose_leg(call_id, offer_id, cause)
        else:
            await self.engine.complete_call(call_id, offer_id=offer_id)

    async def complete_call(self, call_id: str, offer_id: str | None, agent_id: str | None) -> None:
        await self.engine.complete_call(call_id, offer_id=offer_id, agent_id=agent_id)

    async def boost_call(self, call_id: str, head_start_ms: int) -> None:
        await self.engine.boost_call(call_id, head_start_ms, by="sue")

    async def assign_call(self, call_id: str, agent_id: str) -> None:
        await self.engine.assign_call(call_id, agent_id, by="sue")

    async def close_group(self, group: str, until_ms: int | None) -> None:
        await self.engine.close_group(group, until_ms=until_ms)

    async def reladder_call(self, call_id: str, steps: Any, enter_now: bool, plan_version: str) -> None:
        step = self.raw("HGET", self.keys.call(call_id), "sp") or b""
        name = step.decode().partition(";")[0]
        await self.engine.reladder_call(call_id, steps, enter_now=enter_now, at_step=name, plan_version=plan_version)

    # -- looking ---------------------------------------------------------------------------------------------------

    def due(self) -> list[tuple[int, str]]:
        flat = self.raw("ZRANGE", self.keys.deadlines, "0", "-1", "WITHSCORES")
        return [(int(flat[i + 1]), flat[i].decode()) for i in range(0, len(flat), 2)]

    def snapshot(self, now: int) -> Snapshot:
        found = {_text(key).partition(":")[2]: _decode(value) for key, value in self.raw("EVAL", DUMP, "0")}
        guide = _pairs(found.get("g", []))
        profiles = {name[1:]: text for name, text in guide.items() if name[0] == "P"}
        duty = {
            profiles[name]: int(n) for name, n in _pairs(found.get("n", [])).items() if name in profiles and n != "0"
        }
        return Snapshot(
            now=now,
            calls={name: _call(name, _pairs(value), found.get(f"l:{name}", "")) for name, value in _of(found, "c:")},
            agents={name: _agent(name, _pairs(value), profiles) for name, value in _of(found, "a:")},
            lanes={
                name: tuple(sorted((int(rank), call) for call, rank in _pairs(value).items()))
                for name, value in _of(found, "w:")
            },
            ready={
                profiles[name]: {agent: int(since) for agent, since in _pairs(value).items()}
                for name, value in _of(found, "i:")
            },
            duty=duty,
            deadlines={member: int(at) for member, at in _pairs(found.get("t", [])).items() if member[0] != "p"},
            keep_free={},
            closed=frozenset(guide.get("x", "").split()),
        )

    def named_like(self, expected: Snapshot, found: Snapshot) -> Snapshot:
        """The engine's offers under the model's names: a name is learnt when both sides first show the offer."""
        names = {theirs: ours for ours, theirs in self.offers.items()}
        for call_id, call in found.calls.items():
            twin = expected.calls.get(call_id)
            if call.offer not in names and twin and twin.offer and twin.offer not in self.offers:
                self.offers[twin.offer] = call.offer
                names[call.offer] = twin.offer
        calls = {name: replace(c, offer=names.get(c.offer, c.offer)) for name, c in found.calls.items()}
        agents = {name: replace(a, offer=names.get(a.offer, a.offer)) for name, a in found.agents.items()}
        return replace(found, calls=calls, agents=agents)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _decode(value: Any) -> Any:
    return [_text(item) for item in value] if isinstance(value, list) else _text(value)


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _of(found: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    return [(name[len(prefix) :], value) for name, value in sorted(found.items()) if name.startswith(prefix)]


def _call(name: str, record: dict[str, str], rest: str) -> CallView:
    row = CallRow.parse(name, record)
    rank, accepted = row.rank or 0, row.facts.accepted_ms
    if row.letter == "e":
        return CallView("e", 0, accepted, outcome=row.outcome or "")
    leased = row.letter in LEASED
    return CallView(
        state=row.letter,
        rank=rank,
        accepted_ms=accepted,
        agent=(row.agent_id or "") if leased else "",
        offer=(row.offer_id or "") if leased else "",
        lanes=row.lanes,
        step=row.step.name,
        steps_left=len(rest.split("|")) if rest else 0,
        avoid=row.avoids,
    )


def _agent(name: str, record: dict[str, str], profiles: dict[str, str]) -> AgentView:
    row = AgentRow.parse(name, record, "")
    return AgentView(
        state=row.letter,
        profile=profiles[row.profile],
        call=row.call_id or "",
        offer=(row.offer_id or "") if row.letter in ("o", "t") else "",
        ready_since=row.ready_since_ms if row.letter == "r" else 0,
        next_state=record.get("nx", ""),
        misses=row.misses,
    )
