"""From VIPLINE_REDIS to connections."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redis.asyncio import Redis

from router.store.address import Address, parse_address
from router.store.channel import DEADLINE_S, Channel
from router.store.cluster import ClusterStore
from router.store.connections import BLOCK_MAX_MS, BLOCKING_TIMEOUT_S, Store, client_options
from router.store.embedded import EmbeddedServer
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

    def __init__(self, address: Address, channel: Channel, server: EmbeddedServer | None) -> None:
        super().__init__(address)
        self._channel = channel
        self._server = server
        self._keeper = asyncio.create_task(server.keep_alive()) if server else None
        self.admin = Redis(**client_options(address), socket_timeout=channel.deadline_s)

    @classmethod
    async def open(cls, address: Address, deadline_s: float, server: EmbeddedServer | None = None) -> SingleStore:
        async def where() -> Address:
            return address

        channel = Channel(where, deadline_s=deadline_s)
        await channel.connected()
        return cls(address, channel, server)

    def channel_for(self, site: str) -> Channel:
        return self._channel

    def blocking(self) -> Redis:
        return Redis(**client_options(self.address), socket_timeout=BLOCKING_TIMEOUT_S, single_connection_client=True)

    async def close(self) -> None:
        await self._channel.close()
        await self.admin.aclose()
        if self._keeper and self._server:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._server.stop()
