"""Who waits and who serves now, from what is counted along: a wall that asks makes nobody look at everybody."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.domain.events import order
from router.metrics.tally import split_field
from router.store.keyspace import Keyspace
from router.store.reading import Pipelining, fields

PATIENCE_S = 2.0
PAUSE_S = 0.03

Place = tuple[str, str]
"""(tier, queue); the queue is "" for the whole site, where each caller counts once."""


@dataclass(slots=True)
class Now:
    """`waiting` and `oldest_ms` by place, `agents` by queue and state."""

    waiting: dict[Place, int] = field(default_factory=dict)
    oldest_ms: dict[Place, int] = field(default_factory=dict)
    agents: dict[str, Counter[str]] = field(default_factory=dict)


async def standing_now(connection: Pipelining, keys: Keyspace) -> Now:
    """What had happened when this was asked is in it; only where nobody counts, what was known last."""
    newest = await _newest(connection, keys)
    until = time.monotonic() + PATIENCE_S
    while True:
        shown = fields(await connection.call("HGETALL", keys.own("mt")))
        if order(shown.get("last") or "0-0") >= order(newest) or time.monotonic() > until:
            return read(shown)
        await asyncio.sleep(PAUSE_S)


def read(shown: Mapping[str, str]) -> Now:
    """From the fields of the hash."""
    now = Now()
    for name_and_labels, text in shown.items():
        name, labels = split_field(name_and_labels)
        count = int(text) if name in _NAMES and text else 0
        if name in ("waiting", "waiting_in_queue"):
            now.waiting[_place(labels)] = count
        elif name in ("oldest_waiting", "oldest_waiting_in_queue") and count:
            now.oldest_ms[_place(labels)] = count
        elif name == "queue_agents":
            now.agents.setdefault(labels[1], Counter())[labels[0]] = count
    return now


_NAMES = frozenset(("waiting", "waiting_in_queue", "oldest_waiting", "oldest_waiting_in_queue", "queue_agents"))


def _place(labels: tuple[str, ...]) -> Place:
    return labels[0], labels[1] if len(labels) > 1 else ""


async def _newest(connection: Pipelining, keys: Keyspace) -> str:
    entries: Any = await connection.call("XREVRANGE", keys.events, "+", "-", "COUNT", "1")
    return entries[0][0].decode() if entries else "0-0"
