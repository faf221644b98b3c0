"""A master that Sentinel may replace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakSet

from router.store.address import Address
from router.store.channel import Channel
from router.store.connections import BLOCKING_S, Store, new_channel
from router.store.fitness import Ask
from router.store.panel import Panel
from router.store.wire import ConnectionLost, ServerError

log = logging.getLogger(__name__)

_POLL_S = 1.0


class SentinelStore(Store):
    """The master's address is asked for at every connecting, and once a second."""

    def __init__(self, address: Address, deadline_s: float) -> None:
        super().__init__(address)
        # The login is the master's; Sentinels are asked without.
        self._panel = Panel(replace(address, username="", password="", db=0), address.hosts)
        self._master: Address | None = None
        self._deadline_s = deadline_s
        self._following: WeakSet[Channel] = WeakSet()
        self._channel = self._new_channel(deadline_s, durable=address.durable)
        self._watcher = asyncio.create_task(self._watch())

    @classmethod
    async def open(cls, address: Address, deadline_s: float) -> SentinelStore:
        store = cls(address, deadline_s)
        try:
            await store._channel.connected()
        except BaseException:
            await store.close()
            raise
        return store

    def channel_for(self, site: str) -> Channel:
        return self._channel

    def blocking(self, site: str) -> Channel:
        return self._new_channel(self._deadline_s + BLOCKING_S)

    def servers(self) -> Mapping[str, Ask]:
        return {"the server": self._channel.call}

    async def close(self) -> None:
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        await self._channel.close()
        await self._panel.close()

    def _new_channel(self, deadline_s: float, durable: bool = False) -> Channel:
        channel = new_channel(self._find_master, "vipline", deadline_s, follows=True, durable=durable)
        self._following.add(channel)
        return channel

    async def _find_master(self) -> Address:
        """Where most Sentinels, by the newest election, say that the master is."""
        name = self.address.service
        answers = await self._panel.ask(("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name), ("SENTINEL", "MASTER", name))
        known = [(_epoch(facts), place) for place, facts in answers.values() if place and not _refused(place, facts)]
        if not known:
            raise ConnectionLost(f"no Sentinel names a master {name!r}")
        _, (host, port) = max(known, key=lambda one: one[0])
        self._master = self.address.at(host.decode(), int(port))
        return self._master

    async def _watch(self) -> None:
        """The old master's connections may live on, cut off from everybody else: leave them when told."""
        while True:
            await asyncio.sleep(_POLL_S)
            before = self._master
            with contextlib.suppress(ConnectionLost):
                if await self._find_master() != before and before is not None:
                    log.warning("Sentinel names another master, going there")
                    for channel in list(self._following):
                        channel.renew()


def _refused(*answers: object) -> bool:
    return any(isinstance(answer, ServerError) for answer in answers)


def _epoch(facts: list[bytes]) -> int:
    """When the master was elected, from an answer to SENTINEL MASTER: `[b"name", b"calls", …]`."""
    return int(dict(zip(facts[::2], facts[1::2], strict=True)).get(b"config-epoch", 0))
