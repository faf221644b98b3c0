"""From VIPLINE_REDIS to connections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from router.store.address import Address, parse_address
from router.store.channel import DEADLINE_S, Channel
from router.store.cluster import ClusterStore
from router.store.connections import BLOCK_MAX_MS, BLOCKING_S, Store, new_channel
from router.store.embedded import EmbeddedServer
from router.store.fitness import Ask
from router.store.sentinel import SentinelStore

__all__ = ["BLOCK_MAX_MS", "Store", "open_store"]


async def open_store(url: str, *, data: Path | str = "var", deadline_s: float = DEADLINE_S) -> Store:
    """Connections to `url`; `embedded` starts a server in the folder `data` first (then: from the main thread).

    `deadline_s` is for each command and for connecting. Raises ValueError for a URL that is none, ConnectionLost or
    ServerError when the server does not let us in, and what EmbeddedServer.start raises.
    """
    if url == "embedded":
        server = EmbeddedServer(data)
        server.start()
        try:
            return await SingleStore.open(parse_address(server.url), deadline_s, server)
        except BaseException:
            server.stop()
            raise
    address = parse_address(url)
    if address.scheme == "redis+sentinel":
        return await SentinelStore.open(address, deadline_s)
    if address.scheme == "redis+cluster":
        return await ClusterStore.open(address, deadline_s)
    return await SingleStore.open(address, deadline_s)


class SingleStore(Store):
    """One server: embedded, on a socket or on the network."""

    def __init__(self, address: Address, deadline_s: float, server: EmbeddedServer | None) -> None:
        super().__init__(address)
        self._deadline_s = deadline_s
        self._channel = new_channel(self._where, "vipline", deadline_s, durable=address.durable)
        self._server = server
        self._keeper = asyncio.create_task(server.keep_alive()) if server else None

    @classmethod
    async def open(cls, address: Address, deadline_s: float, server: EmbeddedServer | None = None) -> SingleStore:
        store = cls(address, deadline_s, server)
        await store._channel.connected()
        return store

    def channel_for(self, site: str) -> Channel:
        return self._channel

    def blocking(self, site: str) -> Channel:
        return new_channel(self._where, site, self._deadline_s + BLOCKING_S)

    def servers(self) -> Mapping[str, Ask]:
        return {"the server": self._channel.call}

    async def close(self) -> None:
        await self._channel.close()
        if self._keeper and self._server:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._server.stop()

    async def _where(self) -> Address:
        return self.address
