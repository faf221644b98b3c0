"""The outbox: what the engine decides reaches the providers once, in order, by one process of a site at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from ivr.gateway import Gateway
from router.events.stream import Connection
from router.logging_ import say
from router.site import Site
from router.telephony.carrying import PAUSE_S, Carrier
from router.telephony.claims import CLAIM_MS, Claims
from router.telephony.leader import LEASE_MS, Leader
from router.telephony.pace import Pace
from router.telephony.term import RETRY_S, Term

BLOCK_MS = 1_000

log = logging.getLogger("vipline.telephony")


class Outbox:
    """One site's, in one process. `gateways`: by provider. `connection` is its own: it waits in the server.

    `beside`: what else only the process that leads does, begun with each term and cancelled with it.
    """

    def __init__(
        self,
        site: Site,
        gateways: Mapping[str, Gateway],
        connection: Connection,
        *,
        lease_ms: int = LEASE_MS,
        claim_ms: int = CLAIM_MS,
        pause_s: float = PAUSE_S,
        beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        self._site = site
        self._gateways = gateways
        self._connection = connection
        self._lease_ms = lease_ms
        self._claim_ms = claim_ms
        self._pause_s = pause_s
        self._pace = Pace()
        self._beside = beside

    async def run(self) -> None:
        """Lead whenever nobody else does, until cancelled; a server that is away is tried again."""
        while True:
            try:
                await self.lead()
            except Exception as error:
                say(log, logging.WARNING, "outbox failed", site=self._site.name, error=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def lead(self) -> None:
        """One term; returns when somebody else leads."""
        name = secrets.token_hex(8)
        channel, keys = self._site.channel, self._site.keys
        leader = Leader(channel, keys.own("outbox:by"), name, self._lease_ms)
        if not await leader.leads():
            return
        claims = Claims(channel, keys, name, self._claim_ms)
        carrier = Carrier(self._site, claims, self._pace, self._pause_s)
        term = Term(self._site, self._gateways, self._connection, carrier, self._pace)
        others = [asyncio.create_task(begin()) for begin in self._beside]
        try:
            await term.begin()
            await self._read(leader, term)
        finally:
            for task in others:
                task.cancel()
            try:
                await term.stop()
            finally:
                claims.leave()
                with contextlib.suppress(Exception):
                    await leader.resign()
            await asyncio.gather(*others, return_exceptions=True)

    async def _read(self, leader: Leader, term: Term) -> None:
        """Now and then from the beginning: one who woke up and thought to lead may have taken entries with them."""
        position, looked = "0", self._pace.now()
        while await leader.leads():
            if position == ">" and self._pace.now() - looked > self._lease_ms / 1000:
                position, looked = "0", self._pace.now()
            position = await term.read(position, min(BLOCK_MS, self._lease_ms // 4))
