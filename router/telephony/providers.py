"""The providers of one process: their hooks are answered by each site's desk, and the outbox dials through them."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ivr.desk import Desk
from ivr.twilio.provider import Twilio
from ivr.twilio.rest import API
from router.site import Site
from router.store.connections import Store
from router.telephony.dispatch import Outbox

LOOK_EVERY_S = 2.0


class Providers:
    """`twilio_api`: another address only in tests."""

    def __init__(self, public_url: str, twilio_api: str = API) -> None:
        self._twilio = Twilio(public_url, twilio_api)

    def routes(self) -> list[web.RouteDef]:
        return self._twilio.routes()

    def serve(self, site: Site) -> None:
        self._twilio.serve(site.name, Desk(site), lambda: site.plan)

    async def dial(self, store: Store, site: Site) -> None:
        """Carry out what the site's engine decides, as soon as it has somebody to dial with, until cancelled."""
        while not self._twilio.has_account(site.name):
            await asyncio.sleep(LOOK_EVERY_S)
        connection = store.blocking()
        try:
            await Outbox(site, self._twilio.gateway, connection).run()
        finally:
            await connection.aclose()

    async def close(self) -> None:
        await self._twilio.close()
