"""Which node of a cluster holds a slot, by the newest word of all of them.

A node that was cut off from the others goes on naming itself for a while. Every claim to a slot carries the epoch in
which its holder was elected; the higher one is the newer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.store.address import Address
from router.store.panel import Panel, Place
from router.store.wire import ConnectionLost, ServerError

QUESTIONS = (("CLUSTER", "SLOTS"), ("CLUSTER", "NODES"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says that `master` holds the slots `first` to `last` since `epoch`."""

    epoch: int
    first: int
    last: int
    master: Place


class Topology:
    """What the nodes of one cluster say. `refresh` before the first look."""

    def __init__(self, address: Address) -> None:
        self.panel = Panel(address, address.hosts)
        self._seeds = address.hosts
        self._claims: list[Claim] = []
        self._refreshing: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Ask all nodes; whoever asks meanwhile gets the same answer. Raises ConnectionLost when none answers."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh())
            self._refreshing.add_done_callback(self._refreshed)
        await asyncio.shield(self._refreshing)

    def master_of(self, slot: int) -> Place | None:
        claims = [claim for claim in self._claims if claim.first <= slot <= claim.last]
        return max(claims, key=lambda claim: claim.epoch).master if claims else None

    def masters(self) -> list[Place]:
        """Every node that holds a slot."""
        edges = {claim.first for claim in self._claims}
        return sorted({master for edge in edges if (master := self.master_of(edge)) is not None})

    async def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        await self.panel.close()

    def _refreshed(self, task: asyncio.Task[None]) -> None:
        self._refreshing = None
        if not task.cancelled():
            task.exception()

    async def _refresh(self) -> None:
        answers = await self.panel.ask(*QUESTIONS)
        views = {place: said for place, said in answers.items() if not isinstance(said[0], ServerError)}
        claims = [claim for place, (slots, nodes) in views.items() for claim in claims_of(place, slots, epochs(nodes))]
        if not claims:
            self.panel.places = list(dict.fromkeys([*self.panel.places, *self._seeds]))
            raise ConnectionLost("no node of the cluster says where its slots are")
        # Of a few only, it may be the word of those who were cut off.
        if not self._claims or 2 * len(views) > len(self.panel.places):
            self._claims = claims
            self.panel.places = sorted({place for asked, (slots, _) in views.items() for place in all_of(asked, slots)})
            self.panel.forget_others()


def claims_of(asked: Place, slots: Sequence[Any], epoch_of: Mapping[bytes, int]) -> list[Claim]:
    """From an answer to CLUSTER SLOTS: `[[first, last, [host, port, id, …], replica …] …]`."""
    return [
        Claim(epoch_of.get(master[2], 0), int(first), int(last), _place(asked, master))
        for first, last, master, *_ in slots
    ]


def all_of(asked: Place, slots: Sequence[Any]) -> list[Place]:
    """Every node an answer to CLUSTER SLOTS names, and who gave it."""
    return [asked, *(_place(asked, node) for _, _, *nodes in slots for node in nodes)]


def epochs(nodes: bytes) -> dict[bytes, int]:
    """From an answer to CLUSTER NODES: `id address flags master ping pong epoch …` a line."""
    rows = [line.split() for line in nodes.splitlines()]
    return {row[0]: int(row[6]) for row in rows if len(row) > 6}


def _place(asked: Place, node: Sequence[Any]) -> Place:
    """A node that does not know its own name leaves it out: it is where we asked."""
    host = (node[0] or b"").decode()
    return (host if host not in ("", "?") else asked[0]), int(node[1])
