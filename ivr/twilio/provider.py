"""All of Twilio in one process: routes at once, sites as they come up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiohttp import web

from config.models import SitePlan
from config.telephony import Twilio as Section
from ivr.adapter import Hearer
from ivr.gateway import GatewayError
from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import Keyring, Keys
from ivr.twilio.payloads import PROVIDER
from ivr.twilio.rest import Rest
from ivr.twilio.webhooks import HookedSite, TwilioHooks
from router.logging_ import say

SWEEP_EVERY_S = 600.0
NOT_NAMED = Section()

log = logging.getLogger("vipline.twilio")


class Twilio:
    """The adapter."""

    name = PROVIDER

    def __init__(self, public_url: str, sweep_every_s: float = SWEEP_EVERY_S) -> None:
        self._rings: dict[str, Keyring] = {}
        self._hooks = TwilioHooks(public_url)
        self._sweep_every_s = sweep_every_s
        self.gateway = TwilioGateway(public_url, self._keys, Rest())

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return self._hooks.routes()

    def serve(self, site: str, desk: Hearer, plan: Callable[[], SitePlan]) -> None:
        def section() -> Section:
            return plan().telephony.twilio or NOT_NAMED

        ring = self._rings[site] = Keyring(lambda: section().secrets, lambda: section().api)
        self._hooks.serve({site: HookedSite(desk, self.gateway, lambda: ring.keys, plan)})

    def can_dial(self, site: str) -> bool:
        return bool(self._keys(site).accounts)

    async def run(self, site: str) -> None:
        """Remove the queues that were left behind by calls whose end nobody told us."""
        while True:
            await asyncio.sleep(self._sweep_every_s)
            try:
                await self.gateway.sweep(site)
            except GatewayError as error:
                say(log, logging.WARNING, "queues not swept", site=site, error=str(error))

    async def close(self) -> None:
        await self.gateway.close()

    def _keys(self, site: str) -> Keys:
        return self._rings[site].keys
