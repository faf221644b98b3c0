"""Cuts a site's event stream behind what every reader has done with.

Never what a group still owes, never the last ten minutes, never the last 10,000 entries. Only when a stream stands at
its hard limit, where new calls are refused, is an observer that has owed an entry for ten minutes cut off: it starts
again with what comes next. The telephony group never is, since its entries are actions not yet carried out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from router.domain.events import order
from router.logging_ import say
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from router.store.running import run_script
from router.store.script_loader import Script, load_script

KEEP_MS = 600_000
KEEP_ENTRIES = 10_000
HARD_LIMIT = 1_000_000
CUT_OFF_MS = 600_000
GONE_MS = 3_600_000
NEVER_CUT_OFF = frozenset({"telephony"})

log = logging.getLogger("vipline.events")


@cache
def _script() -> Script:
    return load_script(Path(__file__).parent / "scripts" / "cut_off.lua")


@dataclass(frozen=True, slots=True)
class Group:
    """`owes`: the oldest entry not yet acknowledged, None when it has done with all. `read`: how far it has got."""

    name: str
    owes: str | None
    read: str

    @property
    def needs(self) -> str:
        """The oldest entry that must stay for it."""
        return self.owes or self.read


class Trimmer:
    """One site's stream."""

    def __init__(self, channel: Channel, keys: Keyspace, hard_limit: int = HARD_LIMIT) -> None:
        self._channel = channel
        self._keys = keys
        self._stream = keys.events
        self._hard_limit = hard_limit
        self.cut_off = 0

    async def trim(self, now_ms: int | None = None) -> int:
        """One round; answers how many entries went."""
        length = await self._channel.call("XLEN", self._stream)
        if length <= KEEP_ENTRIES:
            return 0
        now = await self.server_ms() if now_ms is None else now_ms
        groups = await self.groups()
        if length >= self._hard_limit:
            groups = [group for group in groups if not await self._cut_off(group, now)]
        oldest = min([(now - KEEP_MS, 0), *(order(group.needs) for group in groups)])
        # LIMIT bounds what goes, so that the newest entries stay whatever their age.
        return int(
            await self._channel.call(
                "XTRIM", self._stream, "MINID", "~", f"{oldest[0]}-{oldest[1]}", "LIMIT", length - KEEP_ENTRIES
            )
        )

    async def server_ms(self) -> int:
        """By the clock that dates the entries: a host's that runs ahead must not make them old."""
        seconds, micros = await self._channel.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def groups(self) -> list[Group]:
        """Every group and what it owes."""
        found = []
        for row in await self._channel.call("XINFO", "GROUPS", self._stream):
            facts = _pairs(row)
            name, read = facts["name"].decode(), facts["last-delivered-id"].decode()
            oldest = (await self._channel.call("XPENDING", self._stream, name))[1]
            if oldest is None:
                following = await self._channel.call("XRANGE", self._stream, f"({read}", "+", "COUNT", 1)
                oldest = following[0][0] if following else None
            found.append(Group(name, None if oldest is None else oldest.decode(), read))
        return found

    async def forget_consumers(self) -> None:
        """Consumers of processes that are long gone and owe nothing."""
        for group in await self.groups():
            for row in await self._channel.call("XINFO", "CONSUMERS", self._stream, group.name):
                facts = _pairs(row)
                if not int(facts["pending"]) and int(facts["idle"]) > GONE_MS:
                    await self._channel.call("XGROUP", "DELCONSUMER", self._stream, group.name, facts["name"])

    async def _cut_off(self, group: Group, now: int) -> bool:
        if group.name in NEVER_CUT_OFF or group.owes is None or order(group.owes)[0] > now - CUT_OFF_MS:
            return False
        seen = (group.name, group.owes, group.read, self._hard_limit)
        if (await run_script(self._channel, _script(), self._keys.root, *seen))[0] != b"OK":
            return False
        self.cut_off += 1
        say(log, logging.ERROR, "reader cut off", group=group.name, owes=group.owes)
        return True


def _pairs(row: Any) -> dict[str, Any]:
    """`[b"name", …, b"pending", …]` as a dict."""
    flat = list(row.items()) if isinstance(row, dict) else list(zip(row[::2], row[1::2], strict=True))
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in flat}
