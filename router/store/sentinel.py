"""A master that Sentinel may replace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import cast
from weakref import WeakSet

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.exceptions import RedisError

from router.store.address import Address
from router.store.channel import Channel, ConnectionLost
from router.store.connections import BLOCKING_TIMEOUT_S, Store, client_options

log = logging.getLogger(__name__)

_SENTINEL_TIMEOUT_S = 1.0
_POLL_S = 1.0


class SentinelStore(Store):
    """The master's address is asked for at every connecting, and once a second."""

    admin: Redis

    def __init__(self, address: Address, sentinel: Sentinel, deadline_s: float) -> None:
        super().__init__(address)
        self._sentinel = sentinel
        self._master: Address | None = None
        self._channel = Channel(self._find_master, deadline_s=deadline_s, follows=True)
        self._watcher = asyncio.create_task(self._watch())
        self._clients: WeakSet[Redis] = WeakSet()
        self.admin = self._client(self._channel.deadline_s)

    @classmethod
    async def open(cls, address: Address, deadline_s: float) -> SentinelStore:
        options = client_options(address)
        plain = {"socket_timeout": _SENTINEL_TIMEOUT_S, "socket_connect_timeout": _SENTINEL_TIMEOUT_S, "protocol": 2}
        plain["retry"] = options["retry"]
        sentinel = Sentinel(address.hosts, sentinel_kwargs=plain, **options)  # type: ignore[no-untyped-call]
        store = cls(address, sentinel, deadline_s)
        try:
            await store._channel.connected()
        except BaseException:
            await store.close()
            raise
        return store

    def channel_for(self, site: str) -> Channel:
        return self._channel

    def blocking(self) -> Redis:
        return self._client(BLOCKING_TIMEOUT_S)

    async def close(self) -> None:
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        await self._channel.close()
        await self.admin.aclose()
        for sentinel in self._sentinel.sentinels:
            await sentinel.aclose()

    def _client(self, timeout_s: float) -> Redis:
        client: Redis = self._sentinel.master_for(self.address.service, socket_timeout=timeout_s)
        self._clients.add(client)
        return client

    async def _find_master(self) -> Address:
        self._master = await self._ask()
        return self._master

    async def _ask(self) -> Address:
        try:
            host, port = await self._sentinel.discover_master(self.address.service)
        except RedisError as error:
            raise ConnectionLost(f"no Sentinel names a master {self.address.service!r}: {error}") from error
        return self.address.at(host, int(port))

    async def _watch(self) -> None:
        """The old master's connections may live on, cut off from everybody else: leave them when told."""
        while True:
            await asyncio.sleep(_POLL_S)
            with contextlib.suppress(ConnectionLost, RedisError, OSError):
                master = await self._ask()
                if self._master and master != self._master:
                    log.warning("Sentinel names another master, going there")
                    self._channel.renew()
                for client in list(self._clients):
                    # Looked at every time: a connection in use can slip through a disconnect.
                    pool = cast(SentinelConnectionPool, client.connection_pool)
                    if pool.master_address not in (None, master.hosts[0]):
                        await pool.disconnect()
