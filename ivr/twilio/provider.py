"""All of Twilio in one process: routes at once, sites as they come up."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from config.models import SitePlan
from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import NO_SECRETS, Keyring, Keys
from ivr.twilio.payloads import PROVIDER
from ivr.twilio.rest import API, Rest
from ivr.twilio.webhooks import Desk, HookedSite, TwilioHooks


class Twilio:
    """`api` is Twilio's REST API, another address only in tests. Close it when the process stops."""

    def __init__(self, public_url: str, api: str = API) -> None:
        self._rings: dict[str, Keyring] = {}
        self._hooks = TwilioHooks(public_url)
        self.gateway = TwilioGateway(public_url, self._keys, Rest(api))

    def routes(self) -> list[web.RouteDef]:
        return self._hooks.routes()

    def serve(self, site: str, desk: Desk, plan: Callable[[], SitePlan]) -> None:
        """From now on `desk` answers the site's hooks. `plan` gives the plan of the moment."""
        ring = self._rings[site] = Keyring(lambda: plan().telephony.get(PROVIDER, NO_SECRETS))
        self._hooks.serve({site: HookedSite(desk, self.gateway, lambda: ring.keys, lambda: plan().language)})

    def has_account(self, site: str) -> bool:
        """Whether the site can call anybody: its plan names an account whose secrets are there."""
        return bool(self._keys(site).accounts)

    async def close(self) -> None:
        await self.gateway.close()

    def _keys(self, site: str) -> Keys:
        return self._rings[site].keys
