"""All platforms that only ask, in one process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiohttp import web

from config.models import SitePlan
from config.node import Node as Section
from config.parts import Secret
from ivr.adapter import Hearer
from ivr.desk import Desk
from ivr.node.decisions import Decisions
from ivr.node.gateway import NoGateway
from ivr.node.webhooks import NAME, AskedSite, NodeHooks
from ivr.watched import Watched
from router.logging_ import say

SWEEP_EVERY_S = 0.5

log = logging.getLogger("vipline.node")


class Node:
    """The adapter. It takes no document from the desk, only whose desk it is."""

    name = NAME

    def __init__(self, sweep_every_s: float = SWEEP_EVERY_S) -> None:
        self._hooks = NodeHooks()
        self._sites: dict[str, AskedSite] = {}
        self._sweep_every_s = sweep_every_s
        self.gateway = NoGateway()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return self._hooks.routes()

    def serve(self, site: str, desk: Hearer, plan: Callable[[], SitePlan]) -> None:
        assert isinstance(desk, Desk)

        def section() -> Section | None:
            return plan().telephony.node

        def named() -> tuple[Secret, ...]:
            found = section()
            return found.secrets if found else ()

        def asked() -> Section:
            found = section()
            assert found is not None, "questions are refused where the plan has no such section"
            return found

        watched = Watched(named)
        decisions = Decisions(desk.site, asked)
        found = AskedSite(desk, decisions, section, lambda: [value for value in watched.values if value])
        self._sites[site] = found
        self._hooks.serve(site, found)

    def can_dial(self, site: str) -> bool:
        return False

    async def run(self, site: str) -> None:
        """Give up what platforms have fallen silent about; every process does."""
        found = self._sites[site]
        while True:
            await asyncio.sleep(self._sweep_every_s)
            node = found.node()
            if node is None:
                continue
            try:
                await found.decisions.books.sweep(node)
            except Exception as error:
                say(log, logging.WARNING, "calls not swept", site=site, error=type(error).__name__)

    async def close(self) -> None:
        """There is nothing open."""
