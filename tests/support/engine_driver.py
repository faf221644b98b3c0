"""The real engine behind the driver's interface: its scripts on a real server, in virtual time."""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import hiredis

from router.domain.events import Event, parse
from router.domain.ladder import Timing
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.sending import VirtualClock
from tests.support.drivers import Request
from tests.support.dump import Dump, leftovers, read_dump, snapshot
from tests.support.snapshot import CallView, Snapshot

DATABASE = "9"
"""Histories empty their database before each example, so they keep to one that nobody else uses."""


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
        self.timing = timing
        self.start_process()
        self.dump: Dump = {}
        self.offers: dict[str, str] = {}
        self.identities: dict[str, str] = {}
        finish(self.engine.make_virtual())

    def fail_over(self) -> None:
        """What the process knows by heart is gone, and so are the server's scripts."""
        self.raw("SCRIPT", "FLUSH")
        self.start_process()

    def start_process(self) -> None:
        self.engine = Engine(self.connection, self.keys, self.timing, self.clock)
        self.engine.on_plan = self.engine.end_walk

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

    async def reladder_call(self, call_id: str, steps: Any, enter_now: bool, at_step: str, version: str) -> None:
        await self.engine.reladder_call(call_id, steps, enter_now=enter_now, at_step=at_step, plan_version=version)

    # -- looking ---------------------------------------------------------------------------------------------------

    def due(self) -> list[tuple[int, str]]:
        flat = self.raw("ZRANGE", self.keys.deadlines, "0", "-1", "WITHSCORES")
        return [(int(flat[i + 1]), flat[i].decode()) for i in range(0, len(flat), 2)]

    def new_events(self) -> list[Event]:
        """What has been written to the stream since the last look. It is cut behind us, or each look reads more."""
        found = self.raw("XRANGE", self.keys.events, "-", "+")
        self.raw("XTRIM", self.keys.events, "MAXLEN", "0")
        return [parse(entry.decode(), pair[1].decode()) for entry, pair in found]

    def snapshot(self, now: int) -> Snapshot:
        self.dump = finish(read_dump(self.connection, self.keys))
        site = snapshot(self.dump, now)
        deadlines = {member: at for member, at in site.deadlines.items() if member[0] != "p"}
        return replace(site, calls={name: self.plain(name, c) for name, c in site.calls.items()}, deadlines=deadlines)

    def plain(self, call_id: str, call: CallView) -> CallView:
        """The call as the model shows it: an ended one bare, another with the number of its further steps."""
        if call.state == "e":
            return CallView("e", 0, call.accepted_ms, outcome=call.outcome)
        further, _ = self.dump.get(f"l:{call_id}", ("", -1))
        return replace(call, steps_left=further.count("|") + 1 if further else 0)

    def left_over(self) -> list[str]:
        """What is left although every call has ended and every deadline has run."""
        return leftovers(finish(read_dump(self.connection, self.keys)))

    def named_like(self, expected: Snapshot, found: Snapshot) -> Snapshot:
        """The engine's offers under the model's names: a name is learnt when both sides first show the offer."""
        names = {theirs: ours for ours, theirs in self.offers.items()}
        for call_id, call in found.calls.items():
            twin = expected.calls.get(call_id)
            if call.offer and call.offer not in names and twin and twin.offer and twin.offer not in self.offers:
                self.offers[twin.offer] = call.offer
                names[call.offer] = twin.offer
        calls = {name: replace(c, offer=names.get(c.offer, c.offer)) for name, c in found.calls.items()}
        agents = {name: replace(a, offer=names.get(a.offer, a.offer)) for name, a in found.agents.items()}
        return replace(found, calls=calls, agents=agents)
