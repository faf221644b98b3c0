"""All of jambonz in one process: routes at once, sites as they come up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from config.models import SitePlan
from config.telephony import Jambonz as Section
from config.telephony import Trunk
from ivr.adapter import Hearer
from ivr.jambonz.gateway import JambonzGateway
from ivr.jambonz.keys import Keys, Ring
from ivr.jambonz.meeting import Meetings
from ivr.jambonz.payloads import PROVIDER
from ivr.jambonz.rest import Rest
from ivr.jambonz.webhooks import HookedSite, JambonzHooks

NO_TRUNKS: Mapping[str, Trunk] = {}


class Jambonz:
    """The adapter."""

    name = PROVIDER

    def __init__(self, public_url: str) -> None:
        self._rings: dict[str, Ring] = {}
        self.gateway = JambonzGateway(public_url, self._keys, Rest())
        self._meetings = Meetings(self.gateway)
        self._hooks = JambonzHooks(public_url, self._meetings)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return self._hooks.routes()

    def serve(self, site: str, desk: Hearer, plan: Callable[[], SitePlan]) -> None:
        def section() -> Section | None:
            return plan().telephony.jambonz

        def trunks() -> Mapping[str, Trunk]:
            named = section()
            return named.trunks if named else NO_TRUNKS

        ring = self._rings[site] = Ring(section)
        self._hooks.serve(HookedSite(site, desk, lambda: ring.keys, trunks))

    def can_dial(self, site: str) -> bool:
        return self._keys(site).can_dial

    async def run(self, site: str) -> None:
        """There is nothing to keep up: calls stand at jambonz, rooms end with whoever leaves them."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        await self._meetings.close()
        await self.gateway.close()

    def _keys(self, site: str) -> Keys:
        return self._rings[site].keys
