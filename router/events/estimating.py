"""Learns estimates from a site's stream: one process at a time, each entry once, and nothing is lost with a process.

What is learned, the calls being followed and the entry they contain are written in one script. Whoever takes over goes
on from there; whoever was replaced without knowing is refused. Of the consumer group only the bookmark is used, so that
the trimmer keeps what has not been read.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from router.domain.estimates import Estimator, Forecast, Forecasts
from router.domain.events import Event, order
from router.events.learning import FIRST, RANKED, Followed, Learning
from router.events.stream import Connection, read_entry
from router.logging_ import say
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from router.store.running import run_script
from router.store.script_loader import Script, load_script

BATCH = 128
"""Few, since learning them keeps the process from everything else for as long as it takes."""
BLOCK_MS = 1_000
PACE_S = 0.5
LEASE_MS = 10_000
KEEP_FORECASTS = 64
RETRY_S = 1.0

log = logging.getLogger("vipline.estimates")

Lanes = Callable[[], Awaitable[list[str]]]


@cache
def _script() -> Script:
    return load_script(Path(__file__).parent / "scripts" / "keep_estimates.lua")


class Learner:
    """One site's, in one process. `lanes` names every group lane that ever had a call; `wrap_up_ms`: as it is now."""

    def __init__(
        self,
        channel: Channel,
        connection: Connection,
        keys: Keyspace,
        name: str,
        lanes: Lanes,
        wrap_up_ms: Callable[[], int],
    ) -> None:
        self._channel = channel
        self._connection = connection
        self._keys = keys
        self._name = name
        self._lanes = lanes
        self._wrap_up_ms = wrap_up_ms

    async def run(self) -> None:
        """Learn whenever nobody else does, until cancelled; a server that is away is tried again."""
        while True:
            try:
                if await self._may_lead():
                    learning = await self.load()
                    while (count := await self.step(learning)) is not None:
                        await asyncio.sleep(0 if count == BATCH else PACE_S)
            except Exception as error:
                say(log, logging.WARNING, "estimates not learned", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def load(self) -> Learning:
        """What is kept, ready to go on from."""
        state, calls, kept = self._values(
            await self._channel.call_many(
                [
                    ("HMGET", self._keys.own("est"), "last", "model"),
                    ("HGETALL", self._keys.own("est:c")),
                    ("LRANGE", self._keys.own("est:f"), 0, -1),
                ]
            )
        )
        pairs = calls.items() if isinstance(calls, dict) else zip(calls[::2], calls[1::2], strict=True)
        return Learning(
            Estimator.load(state[1]) if state[1] else None,
            read_forecasts(kept),
            {call_id.decode(): call for call_id, text in pairs if (call := Followed.load(text)) is not None},
            state[0].decode() if state[0] else FIRST,
            self._wrap_up_ms,
        )

    async def step(self, learning: Learning, block_ms: int = BLOCK_MS) -> int | None:
        """Take what has come: how many entries; None when another learner has taken over."""
        after, entries = learning.last, []
        if (newest := await self._after_gap(learning)) is not None:
            await self._begin_anew(learning, newest)
        else:
            rows = await self._connection.call(
                "XREAD", "COUNT", BATCH, "BLOCK", block_ms, "STREAMS", self._keys.events, after
            )
            entries = [read_entry(entry) for entry in _entries(rows)]
            await self.learn(learning, entries)
        return len(entries) if await self.keep(learning, after) else None

    async def learn(self, learning: Learning, events: Sequence[Event]) -> None:
        """Entries in stream order; those learned before change nothing."""
        fresh = learning.new(events)
        ranked = {event.fields["call"] for event in fresh if event.type in RANKED}
        asked = sorted(ranked)
        replies = self._values(
            await self._channel.call_many([("HGET", self._keys.call(call_id), "rk") for call_id in asked])
        )
        ranks = {call_id: int(rank) for call_id, rank in zip(asked, replies, strict=True) if rank}
        for event in fresh:
            try:
                learning.take(event, ranks)
            except (KeyError, ValueError) as error:
                # Another version's entry, perhaps: what follows it must be learned all the same.
                say(log, logging.WARNING, "entry not learned", type=event.type, error=type(error).__name__)

    async def keep(self, learning: Learning, after: str) -> bool:
        """Write what has changed since `after` and renew the lease; False when somebody else has gone on from there."""
        forecast = await self._forecast(learning)
        touched = {
            call_id: learning.calls[call_id].dump() if call_id in learning.calls else "" for call_id in learning.touched
        }
        words = await run_script(
            self._channel,
            _script(),
            self._keys.root,
            self._name,
            LEASE_MS,
            after,
            learning.last,
            learning.estimator.dump() if learning.learned or touched else "",
            json.dumps(touched),
            forecast.dump() if forecast else "",
            KEEP_FORECASTS,
        )
        if words[0] != b"OK":
            return False
        learning.touched.clear()
        learning.learned = False
        if forecast:
            learning.forecasts.add(forecast)
        return True

    async def _forecast(self, learning: Learning) -> Forecast | None:
        if not learning.estimator.fits:
            return None
        virtual, clock = self._values(await self._channel.call_many([("GET", self._keys.virtual), ("TIME",)]))
        now_ms = int(virtual) if virtual else int(clock[0]) * 1000 + int(clock[1]) // 1000
        if not learning.due(now_ms):
            return None
        learning.overlook(now_ms)
        return learning.estimator.forecast(now_ms)

    async def _may_lead(self) -> bool:
        key = self._keys.own("est:by")
        if await self._channel.call("SET", key, self._name, "NX", "PX", LEASE_MS):
            return True
        holder = await self._channel.call("GET", key)
        return bool(holder == self._name.encode())

    async def _after_gap(self, learning: Learning) -> str | None:
        """The newest entry, if some before it are gone unread: we were cut off, or the server lost what it had."""
        last, trimmed_before = learning.last, learning.trimmed
        if not await self._channel.call("EXISTS", self._keys.events):
            return None if last == FIRST else FIRST
        reply = await self._channel.call("XINFO", "STREAM", self._keys.events)
        facts = dict(reply.items()) if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))
        newest = facts[b"last-generated-id"].decode()
        if order(newest) <= order(last):
            return None if newest == last else newest
        first, learning.trimmed = facts[b"first-entry"], int(facts[b"entries-added"]) - int(facts[b"length"])
        unread = first is None or order(first[0].decode()) > order(last)
        return newest if unread and learning.trimmed > trimmed_before else None

    async def _begin_anew(self, learning: Learning, newest: str) -> None:
        lanes = await self._lanes()
        lines = self._values(
            await self._channel.call_many([("ZRANGE", self._keys.lane(lane), 0, -1, "WITHSCORES") for lane in lanes])
        )
        ranks: dict[str, int] = {}
        standing: defaultdict[str, list[str]] = defaultdict(list)
        for lane, flat in zip(lanes, lines, strict=True):
            for member, rank in zip(flat[::2], flat[1::2], strict=True):
                ranks[member.decode()] = int(float(rank))
                standing[member.decode()].append(lane)
        learning.begin_anew(newest, ranks, standing)
        say(log, logging.WARNING, "estimates go on after a gap", calls=len(ranks))

    @staticmethod
    def _values(replies: list[Any]) -> list[Any]:
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies


def read_forecasts(kept: Sequence[bytes]) -> Forecasts:
    """Those of this version, oldest first."""
    forecasts = Forecasts()
    for text in kept:
        if (forecast := Forecast.load(text)) is not None:
            forecasts.add(forecast)
    return forecasts


def _entries(rows: Any) -> Sequence[Any]:
    if not rows:
        return []
    found: Sequence[Any] = next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1]
    return found
