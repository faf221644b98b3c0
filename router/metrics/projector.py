"""Counts a site's events into one hash: one process at a time, each entry once, and nothing is lost with a process.

What is counted, what is known of calls and agents, and the entry both go up to are written in one script. Whoever takes
over goes on from there; whoever was replaced without knowing is refused. Of the consumer group only the bookmark is
used: the trimmer keeps what has not been read, and moves the bookmark of a reader it cuts off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config.models import SitePlan
from router.domain.events import Event, order
from router.domain.judging import Quality
from router.events.stream import Connection, read_entry
from router.live.picture import AgentSeen, CallSeen, Picture
from router.live.reading import draw
from router.logging_ import say
from router.metrics import definitions as d
from router.metrics.counting import Counting, Gone
from router.metrics.gauges import Gauges
from router.metrics.standing import Standing
from router.metrics.tally import Tally
from router.store.engine import Engine
from router.store.running import run_script
from router.store.script_loader import load_script

GROUP = "metrics"
BATCH = 256
BLOCK_MS = 1_000
PACE_S = 0.2
LEASE_MS = 5_000
RETRY_S = 1.0
PAGE = 1_000
PART = 500
"""Calls and agents of a snapshot that are written in one script."""

log = logging.getLogger("vipline.metrics")

KEEP = load_script(Path(__file__).parent / "scripts" / "keep_metrics.lua")


class Replaced(Exception):
    """Somebody else counts now, or the bookmark was moved: begin again from what is kept."""


class Projector:
    """One site's, in one process. `plan` is the plan in force, `quality` and `owners` how well estimates have done."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        name: str,
        plan: Callable[[], SitePlan],
        quality: Callable[[], Quality] = Quality,
        owners: Callable[[], Quality] = Quality,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._name = name
        self._plan = plan
        self._quality = quality
        self._owners = owners
        self._keys = engine.keys
        self._field = self._keys.own("mt")
        self._cut_off = False

    async def run(self) -> None:
        """Count whenever nobody else does, until cancelled; a server that is away is tried again."""
        try:
            while True:
                try:
                    if await self._may_lead():
                        work = await self.load()
                        while True:
                            count = await self.step(work)
                            await asyncio.sleep(0 if count == BATCH else PACE_S)
                except Replaced:
                    pass
                except Exception as error:
                    say(log, logging.WARNING, "metrics not counted", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
        finally:
            await self._resign()

    async def load(self) -> Work:
        """What is kept, ready to go on from; a snapshot where there is nothing, or entries are missing."""
        kept = _texts(await self._engine.connection.call("HGETALL", self._field))
        last = kept.get("last", "")
        if not kept.get("whole") or self._cut_off:
            return await self._snapshot(Work.of(kept, {}, self._plan), last)
        # In a thread: reading a hundred thousand calls would keep the process from serving for a second.
        return await asyncio.to_thread(Work.of, kept, await self._things(), self._plan)

    async def _things(self) -> dict[str, str]:
        """What is known of calls and agents, page by page: there may be very many, and others wait for the server."""
        found: dict[str, str] = {}
        cursor = "0"
        while True:
            following, flat = await self._engine.connection.call(
                "HSCAN", self._keys.own("mt:k"), cursor, "COUNT", str(PAGE)
            )
            found |= _texts(flat)
            cursor = following.decode()
            if cursor == "0":
                return found

    async def step(self, work: Work, block_ms: int = BLOCK_MS) -> int:
        """Count what has come: how many entries. Raises Replaced."""
        after = work.picture.last
        rows = await self._connection.call(
            "XREAD", "COUNT", BATCH, "BLOCK", block_ms, "STREAMS", self._keys.events, after
        )
        entries = next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1] if rows else []
        for entry in entries:
            work.take(read_entry(entry))
        work.gauges.estimates(self._quality(), self._owners())
        work.follow(self._plan())
        await self._keep(after, work.picture.last, "", work.values(), work.things())
        return len(entries)

    async def _snapshot(self, work: Work, after: str) -> Work:
        """Begin anew with what the server holds, or with the stream's first entry where it is still there."""
        newest, whole = await self._newest()
        if not after and whole:
            await self._keep(after, "0-0", "end", work.values(), {})
            self._cut_off = False
            return work
        if after:
            work.tally.add(d.GAPS)
            say(log, logging.WARNING, "metrics go on after a gap", site=self._keys.site)
        await self._keep(after, newest, "begin", {}, {})
        work.picture.last = newest
        await draw(self._engine, work.picture)
        # What was read may be newer than the entries that come next; until those are through, it proves nothing.
        work.certain_after, _ = await self._newest()
        work.begin_anew()
        things = list(work.things().items())
        for at in range(0, len(things), PART):
            await self._keep(newest, newest, "more", {}, dict(things[at : at + PART]))
        await self._keep(newest, newest, "end", work.values(), {})
        self._cut_off = False
        return work

    async def _newest(self) -> tuple[str, bool]:
        """The newest entry, and whether the stream holds all there ever were."""
        if not await self._engine.connection.call("EXISTS", self._keys.events):
            return "0-0", True
        facts = _facts(await self._engine.connection.call("XINFO", "STREAM", self._keys.events))
        return facts["last-generated-id"].decode(), int(facts["entries-added"]) == int(facts["length"])

    async def _keep(
        self, after: str, last: str, part: str, values: Mapping[str, str], things: Mapping[str, str]
    ) -> None:
        words = await run_script(
            self._engine.connection,
            KEEP,
            self._keys.root,
            self._name,
            LEASE_MS,
            after,
            last,
            part,
            json.dumps(values),
            json.dumps(things),
        )
        if words[0] != b"OK":
            self._cut_off = words[0] == b"CUT"
            raise Replaced(words)

    async def _may_lead(self) -> bool:
        key = self._keys.own("mt:by")
        if await self._engine.connection.call("SET", key, self._name, "NX", "PX", str(LEASE_MS)):
            return True
        return bool(await self._engine.connection.call("GET", key) == self._name.encode())

    async def _resign(self) -> None:
        """The next one need not wait for the lease to run out; of a server that is away nothing is asked for long."""
        key = self._keys.own("mt:by")
        with contextlib.suppress(Exception):
            async with asyncio.timeout(RETRY_S):
                if await self._engine.connection.call("GET", key) == self._name.encode():
                    await self._engine.connection.call("DEL", key)


class Work:
    """What one reader has in hand: the picture, the counters, and what changed since it was kept."""

    def __init__(self, tally: Tally, picture: Picture, plan: Callable[[], SitePlan], gone: dict[str, Gone]) -> None:
        self.tally = tally
        self.picture = picture
        self.standing = Standing()
        self.gauges = Gauges(self.standing, plan)
        self.counting = Counting(tally, plan, gone)
        self.certain_after = "0-0"
        self._touched: set[str] = set()

    @classmethod
    def of(cls, kept: Mapping[str, str], things: Mapping[str, str], plan: Callable[[], SitePlan]) -> Work:
        """From what `values` and `things` gave."""
        picture, gone = Picture(last=kept.get("last") or "0-0"), {}
        for name, text in things.items():
            kind, _, its_id = name.partition(":")
            facts = json.loads(text)
            try:
                if kind == "a":
                    picture.agents[its_id] = AgentSeen(**facts)
                elif kind == "c":
                    picture.calls[its_id] = CallSeen(**{**facts, "lanes": tuple(facts["lanes"])})
                elif kind == "g":
                    gone[its_id] = Gone(**facts)
            except (TypeError, KeyError):
                continue  # another version's
        work = cls(Tally(kept), picture, plan, dict(sorted(gone.items(), key=lambda one: one[1].at_ms)))
        work.gauges.take_up(kept)
        work.begin_anew(keep=False)
        return work

    def begin_anew(self, keep: bool = True) -> None:
        """Count what the picture holds; `keep`: and write all of it."""
        self.standing.begin_anew(self.picture)
        if keep:
            self._touched.update(f"c:{call_id}" for call_id in self.picture.calls)
            self._touched.update(f"a:{agent_id}" for agent_id in self.picture.agents)

    def take(self, event: Event) -> None:
        """The next entry."""
        try:
            certain = order(event.entry_id) > order(self.certain_after)
            self.counting.take(event, self.picture, certain)
            call_id, agent_id = self.picture.take(event)
            old = event.fields.get("old", "")
            if event.type == "call.accepted" and call_id in self.picture.calls:
                self.picture.calls[call_id].owner = self.counting.owner_of(event)
            self.standing.follow(self.picture, call_id, agent_id, old, event.at_ms)
            self._touched.update(f"{kind}:{name}" for kind, name in (("c", call_id), ("a", agent_id)) if name)
            if event.type == "call.ended" or old:
                self._touched.update(f"g:{name}" for name in (call_id, old) if name)
        except (KeyError, ValueError) as error:
            # Another version's entry, perhaps: what follows it must be counted all the same.
            self.picture.last = event.entry_id
            say(log, logging.WARNING, "entry not counted", type=event.type, error=type(error).__name__)

    def follow(self, plan: SitePlan) -> None:
        """Go by this plan."""
        if self.gauges.plan(plan):
            self.counting.prepare()

    def values(self) -> dict[str, str]:
        """What is shown and has changed since this was asked last."""
        found = {field: self.tally.text(field) for field in self.tally.changed}
        self.tally.changed.clear()
        return found | self.gauges.changed()

    def things(self) -> dict[str, str]:
        """What is known of calls, agents and callers gone, and has changed since this was asked last."""
        self._touched.update(f"g:{call_id}" for call_id in self.counting.forgotten)
        self.counting.forgotten.clear()
        found = {name: self._dump(name) for name in self._touched}
        self._touched.clear()
        return found

    def _dump(self, name: str) -> str:
        kind, _, its_id = name.partition(":")
        kept: dict[str, Mapping[str, Any]] = {
            "c": self.picture.calls,
            "a": self.picture.agents,
            "g": self.counting.gone,
        }
        thing = kept[kind].get(its_id)
        return json.dumps(asdict(thing), separators=(",", ":")) if thing is not None else ""


def _texts(reply: Any) -> dict[str, str]:
    pairs: Iterable[tuple[bytes, bytes]] = (
        reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    )
    return {key.decode(): value.decode() for key, value in pairs}


def _facts(reply: Any) -> dict[str, Any]:
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {key.decode(): value for key, value in pairs}
