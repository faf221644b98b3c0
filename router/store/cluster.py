"""Sites spread over the masters of a cluster."""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import logging
from collections.abc import Mapping
from functools import partial
from weakref import WeakSet

from router.store.address import Address
from router.store.channel import Channel
from router.store.connections import BLOCKING_S, Store, new_channel, one_answer
from router.store.fitness import Ask
from router.store.topology import Topology
from router.store.wire import ConnectionLost

log = logging.getLogger(__name__)

_POLL_S = 1.0
_SLOTS = 16_384


class ClusterStore(Store):
    """Each site has a channel of its own, to the master of its slot."""

    def __init__(self, address: Address, deadline_s: float) -> None:
        super().__init__(address)
        self._deadline_s = deadline_s
        self._topology = Topology(address)
        self._channels: dict[str, Channel] = {}
        self._following: WeakSet[_Follower] = WeakSet()
        self._watcher = asyncio.create_task(self._watch())

    @classmethod
    async def open(cls, address: Address, deadline_s: float) -> ClusterStore:
        store = cls(address, deadline_s)
        try:
            async with asyncio.timeout(deadline_s):
                await store._topology.refresh()
        except (ConnectionLost, TimeoutError) as error:
            await store.close()
            raise ConnectionLost(f"no node of the cluster {address} answers") from error
        return store

    def channel_for(self, site: str) -> Channel:
        channel = self._channels.get(site)
        if channel is None:
            channel = self._channels[site] = self._channel(site, self._deadline_s, durable=self.address.durable)
        return channel

    def blocking(self, site: str) -> Channel:
        return self._channel(site, self._deadline_s + BLOCKING_S)

    def servers(self) -> Mapping[str, Ask]:
        return {
            f"{host}:{port}": partial(one_answer, self._topology.panel, (host, port))
            for host, port in self._topology.masters()
        }

    async def close(self) -> None:
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))
        await self._topology.close()

    def _channel(self, site: str, deadline_s: float, durable: bool = False) -> Channel:
        follower = _Follower(self.address, self._topology, slot_of(site))
        follower.channel = new_channel(follower.where, site, deadline_s, follows=True, durable=durable)
        self._following.add(follower)
        return follower.channel

    async def _watch(self) -> None:
        """A master that was cut off from the others may still answer us: leave it when they name another."""
        while True:
            await asyncio.sleep(_POLL_S)
            with contextlib.suppress(ConnectionLost):
                await self._topology.refresh()
                for follower in list(self._following):
                    follower.follow()


class _Follower:
    """Keeps one channel at the master of one slot. It lives as long as its channel."""

    channel: Channel

    def __init__(self, address: Address, topology: Topology, slot: int) -> None:
        self._address = address
        self._topology = topology
        self._slot = slot
        self._at: Address | None = None

    async def where(self) -> Address:
        """By the cluster's newest word: we only ask when connecting, so something has moved."""
        await self._topology.refresh()
        master = self._topology.master_of(self._slot)
        if master is None:
            raise ConnectionLost(f"no node of the cluster holds slot {self._slot}")
        self._at = self._address.at(*master)
        return self._at

    def follow(self) -> None:
        master = self._topology.master_of(self._slot)
        if master is not None and self._at is not None and self._at.hosts[0] != master:
            log.warning("the cluster names another master, going there")
            self.channel.renew()


def slot_of(tag: str) -> int:
    """The slot of all keys that have this tag."""
    return binascii.crc_hqx(tag.encode(), 0) % _SLOTS
