"""Timelines: the entries of each call, copied from the stream to the call's own list, and read back with the newest.

What carriers were answered, and asked, goes with the timeline of a call that has ended.

The copy runs a little behind; `read` adds what has not been copied yet, so a GET right after a POST already tells.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from router.domain.events import Event, order, parse
from router.events.stream import read_entry
from router.logging_ import say
from router.store.keyspace import Keyspace

GROUP = "history"
TYPES = ("call.", "callback.")
LIVE_MS = 3 * 86_400_000
"""How long the list of a call that never ends may lie. It frees memory, nothing relies on it."""
REPEATS_MS = 60_000
"""So long at least after a call's end are its carrier's repeats answered by the same bytes."""
TAIL_PAGE = 1_000
TAIL_PAGES = 20

log = logging.getLogger("vipline.events")

Command = tuple[str | bytes | int, ...]
OnEnded = Callable[[Sequence[Event]], Awaitable[None]]
"""What else wants to know of calls that ended (the directory's contacts). May be told twice."""


class Commands(Protocol):
    async def call(self, *args: str | bytes | int) -> Any: ...

    async def call_many(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]: ...


class History:
    """One site's."""

    def __init__(self, channel: Commands, keys: Keyspace, retain_ms: int) -> None:
        self._channel = channel
        self._keys = keys
        self.retain_ms = retain_ms
        self.on_ended: OnEnded | None = None

    async def handle(self, events: Sequence[Event]) -> None:
        """Write a batch; twice does no harm, rows are told apart by their ids."""
        rows: dict[str, list[str]] = {}
        over: set[str] = set()
        for event in events:
            for call_id in event.call_ids:
                rows.setdefault(call_id, []).append(_row(event))
                if event.type == "call.ended" or call_id == event.fields.get("old"):
                    over.add(call_id)
        commands: list[Command] = []
        for call_id, told in rows.items():
            key = self._keys.history(call_id)
            commands.append(("RPUSH", key, *told))
            # NX: one who froze and wakes may write what has long been written, of a call that is over or forgotten.
            ending: Command = (self.retain_ms,) if call_id in over else (LIVE_MS, "NX")
            commands.append(("PEXPIRE", key, *ending))
        answers_ms = max(self.retain_ms, REPEATS_MS)
        for call_id in over:
            answers = (self._keys.documents(call_id), self._keys.actions(call_id))
            commands += [("PEXPIRE", key, answers_ms, "LT") for key in answers]
        for reply in await self._channel.call_many(commands) if commands else ():
            if isinstance(reply, Exception):
                raise reply
        ended = [event for event in events if event.type == "call.ended"]
        if ended and self.on_ended is not None:
            await self._tell_ended(self.on_ended, ended)

    async def read(self, call_id: str) -> list[Event]:
        """Every entry of the call that is still kept, oldest first."""
        stream = self._keys.events
        groups, pending, rows = await self._channel.call_many(
            [
                ("XINFO", "GROUPS", stream),
                ("XPENDING", stream, GROUP),
                ("LRANGE", self._keys.history(call_id), 0, -1),
            ]
        )
        # The order of the three matters: what is acknowledged by then stands in the list by now.
        if isinstance(rows, Exception):
            raise rows
        found = {event.entry_id: event for event in map(_event, rows)}
        for event in await self._tail(_start(groups, pending), call_id):
            if call_id in event.call_ids:
                found[event.entry_id] = event
        return sorted(found.values(), key=lambda event: order(event.entry_id))

    async def _tail(self, start: str, call_id: str) -> list[Event]:
        """The entries from `start` on that name the call; a copy that is very far behind is not waited for."""
        events: list[Event] = []
        name = f"={call_id}|".encode()
        for _ in range(TAIL_PAGES):
            entries = await self._channel.call("XRANGE", self._keys.events, start, "+", "COUNT", TAIL_PAGE)
            events += [read_entry(entry) for entry in entries if name in entry[1][1]]
            if len(entries) < TAIL_PAGE:
                break
            start = f"({entries[-1][0].decode()}"
        return events

    async def _tell_ended(self, on_ended: OnEnded, ended: Sequence[Event]) -> None:
        try:
            await on_ended(ended)
        except Exception as error:
            # Some contacts less in the directory; the timelines of everybody else must go on.
            say(log, logging.WARNING, "contacts not kept", calls=len(ended), error=type(error).__name__)


def _row(event: Event) -> str:
    return f"{event.entry_id} {event.raw}"


def _event(row: bytes) -> Event:
    entry_id, _, text = row.decode().partition(" ")
    return parse(entry_id, text)


def _start(groups: Any, pending: Any) -> str:
    """Where the copy has surely got to: its oldest entry in hand, else after its last one, else the beginning."""
    if isinstance(groups, Exception) or isinstance(pending, Exception):
        return "-"
    if pending[0]:
        return str(pending[1].decode())
    for row in groups:
        facts = dict(row.items()) if isinstance(row, dict) else dict(zip(row[::2], row[1::2], strict=True))
        if facts[b"name"] == GROUP.encode():
            return f"({facts[b'last-delivered-id'].decode()}"
    return "-"
