"""A viewer: reads server-sent events over a real socket, and keeps what a wall would show."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from router.domain.events import order
from tests.support.service import Api


@dataclass(frozen=True)
class Told:
    """One event."""

    kind: str
    entry_id: str
    data: Any


@dataclass
class Wall:
    """What the events add up to. `kinds` as they came, `ids` of all that had one."""

    calls: dict[str, Any] = field(default_factory=dict)
    agents: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, bool] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def take(self, told: Told) -> None:
        self.kinds.append(told.kind)
        self.told.append(told)
        if told.kind == "snapshot":
            self.calls, self.agents = dict(told.data["calls"]), dict(told.data["agents"])
            self.groups = {group["group"]: group["open"] for group in told.data["groups"]}
        elif told.kind == "delta":
            assert not self.ids or order(told.entry_id) > order(self.ids[-1]), "told twice, or out of order"
            for mine, name in ((self.calls, "calls"), (self.agents, "agents")):
                for its_id, thing in told.data.get(name, {}).items():
                    if thing is None:
                        mine.pop(its_id, None)
                    else:
                        mine[its_id] = thing
            self.groups |= {name: group["open"] for name, group in told.data.get("groups", {}).items()}
        if told.entry_id:
            self.ids.append(told.entry_id)


class Watching:
    """An open view."""

    def __init__(self, response: aiohttp.ClientResponse, wall: Wall) -> None:
        self.response = response
        self.wall = wall

    async def next(self) -> Told:
        """The next event; raises EOFError when the stream has ended."""
        kind, entry_id, data = "", "", []
        while True:
            line = (await self.response.content.readline()).decode()
            if not line:
                raise EOFError
            line = line.rstrip("\n")
            name, _, text = line.partition(": ")
            if name == "event":
                kind = text
            elif name == "id":
                entry_id = text
            elif name == "data":
                data.append(text)
            elif not line and kind:
                told = Told(kind, entry_id, json.loads("\n".join(data)))
                self.wall.take(told)
                return told

    async def until(self, condition: Any) -> Wall:
        """Read until the wall is as wanted."""
        async with asyncio.timeout(10):
            while not condition(self.wall):
                await self.next()
        return self.wall


@contextlib.asynccontextmanager
async def watching(
    api: Api, wall: Wall | None = None, sent: Mapping[str, str] | None = None
) -> AsyncIterator[Watching]:
    """A view with the client's token; goes on from what the wall has seen."""
    known = wall or Wall()
    headers = ({"Authorization": f"Bearer {api.token}"} if api.token else {}) | dict(sent or {})
    if known.ids:
        headers["Last-Event-ID"] = known.ids[-1]
    async with (
        aiohttp.ClientSession(read_bufsize=2**26) as session,
        session.get(f"{api.base}/v1/live", headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        yield Watching(response, known)
