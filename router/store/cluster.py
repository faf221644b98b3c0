"""Sites spread over the masters of a cluster."""

from __future__ import annotations

import asyncio

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import RedisClusterException, RedisError

from router.store.address import Address
from router.store.channel import Channel, ConnectionLost
from router.store.connections import BLOCKING_TIMEOUT_S, Store, login_options

_TOPOLOGY_TIMEOUT_S = 1.0
_NO_TOPOLOGY = (RedisError, RedisClusterException, OSError)  # the second is none of the first


class ClusterStore(Store):
    """Each site has a channel of its own, to the master of its slot."""

    admin: RedisCluster

    def __init__(self, address: Address, topology: RedisCluster, deadline_s: float) -> None:
        super().__init__(address)
        self.admin = topology
        self._deadline_s = deadline_s
        self._channels: dict[str, Channel] = {}

    @classmethod
    async def open(cls, address: Address, deadline_s: float) -> ClusterStore:
        store = cls(address, _cluster(address, _TOPOLOGY_TIMEOUT_S), deadline_s)
        try:
            await store.admin.initialize()
        except _NO_TOPOLOGY as error:
            await store.close()
            raise ConnectionLost(f"no node of the cluster {address} answers: {error}") from error
        return store

    def channel_for(self, site: str) -> Channel:
        channel = self._channels.get(site)
        if channel is None:
            slot = self.admin.keyslot(f"{{{site}}}")
            channel = Channel(lambda: self._find_master(slot), deadline_s=self._deadline_s, follows=True)
            self._channels[site] = channel
        return channel

    def blocking(self) -> RedisCluster:
        return _cluster(self.address, BLOCKING_TIMEOUT_S)

    async def close(self) -> None:
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        await self.admin.aclose()

    async def _find_master(self, slot: int) -> Address:
        """Where the slot's master is by the cluster's newest word: we only ask when connecting, so something moved."""
        try:
            await self.admin.nodes_manager.initialize()
        except _NO_TOPOLOGY as error:
            raise ConnectionLost(f"the cluster does not say where its slots are: {error}") from error
        nodes = self.admin.nodes_manager.slots_cache.get(slot)
        if not nodes:
            raise ConnectionLost(f"no node of the cluster holds slot {slot}")
        return self.address.at(nodes[0].host, int(nodes[0].port))


def _cluster(address: Address, timeout_s: float) -> RedisCluster:
    nodes = [ClusterNode(host, port) for host, port in address.hosts]
    options = login_options(address)
    return RedisCluster(startup_nodes=nodes, socket_timeout=timeout_s, socket_connect_timeout=1.0, **options)
