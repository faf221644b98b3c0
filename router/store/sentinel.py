"""A master that Sentinel may replace."""

from __future__ import annotations

import asyncio
import logging

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel
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
        self.admin = sentinel.master_for(address.service, socket_timeout=self._channel.deadline_s)

    @classmethod
    async def open(cls, address: Address, deadline_s: float) -> SentinelStore:
        options = client_options(address)
        plain = {"socket_timeout": _SENTINEL_TIMEOUT_S, "socket_connect_timeout": _SENTINEL_TIMEOUT_S, "protocol": 2}
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
        client: Redis = self._sentinel.master_for(self.address.service, socket_timeout=BLOCKING_TIMEOUT_S)
        return client

    async def close(self) -> None:
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        await self._channel.close()
        await self.admin.aclose()
        for sentinel in self._sentinel.sentinels:
            await sentinel.aclose()

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
            try:
                master = await self._ask()
            except ConnectionLost:
                continue
            if self._master and master != self._master:
                log.warning("Sentinel names another master, going there")
                self._channel.renew()
                await self.admin.connection_pool.disconnect()
