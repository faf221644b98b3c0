"""What a process shares to talk to the server: a channel a site, and channels of their own for those who wait."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from router.store.address import Address
from router.store.channel import Channel
from router.store.durable import DurableChannel
from router.store.fitness import Ask, examine
from router.store.keyspace import sync_key
from router.store.panel import Panel, Place
from router.store.wire import ServerError, Word

BLOCK_MAX_MS = 5_000
"""A stream reader's BLOCK must end before its connection is taken for dead."""
BLOCKING_S = BLOCK_MAX_MS / 1000


class Store(ABC):
    """All connections of one process to one server, Sentinel group or cluster."""

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def channel_for(self, site: str) -> Channel:
        """The channel that carries the site's scripts. The same one for every site unless this is a cluster."""

    @abstractmethod
    def blocking(self, site: str) -> Channel:
        """A new channel to the site's server, for one who waits there (BLOCK ≤ BLOCK_MAX_MS); the caller closes it."""

    @abstractmethod
    def servers(self) -> Mapping[str, Ask]:
        """Every server that state is written to, by a name for people, and how to ask it."""

    @abstractmethod
    async def close(self) -> None:
        """End every connection but the blocking ones, and the embedded server if it was started here."""

    async def problems(self) -> list[str]:
        """What makes the servers unfit, in words; empty when they will do. Never raises."""
        return (await examine(self.servers())).obstacles


def new_channel(
    where: Callable[[], Awaitable[Address]],
    site: str,
    deadline_s: float,
    *,
    follows: bool = False,
    durable: bool = False,
) -> Channel:
    """`durable`: its answers are given when a replica has what they tell of."""
    if durable:
        return DurableChannel(where, sync_key(site), deadline_s=deadline_s, follows=follows)
    return Channel(where, deadline_s=deadline_s, follows=follows)


async def one_answer(panel: Panel, place: Place, *words: Word) -> Any:
    """One command to one server of a panel, refusals raised."""
    (answer,) = await panel.ask_one(place, words)
    if isinstance(answer, ServerError):
        raise answer
    return answer
