"""The providers of one process: their requests are answered by each site's desk, and the outbox dials through them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from ivr.adapter import Adapter
from ivr.desk import Desk
from ivr.office import Leads, Office
from router.site import Site
from router.store.connections import Store
from router.telephony.dispatch import Outbox
from router.telephony.watch import Watch

LOOK_EVERY_S = 2.0


class Providers:
    """Close it when the process stops."""

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        self._adapters = adapters

    def routes(self) -> list[web.AbstractRouteDef]:
        return [route for adapter in self._adapters for route in adapter.routes()]

    def serve(self, site: Site) -> None:
        desk = Desk(site, site.now_ms)
        for adapter in self._adapters:
            adapter.serve(site.name, desk, lambda: site.plan)

    async def run(self, store: Store, site: Site) -> None:
        """All that is done beside requests for one site, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for adapter in self._adapters:
                group.create_task(adapter.run(site.name))
            group.create_task(self._dial(store, site))

    async def _dial(self, store: Store, site: Site) -> None:
        """Carry out what the site's engine decides, as soon as it has somebody to dial with."""
        while not any(adapter.can_dial(site.name) for adapter in self._adapters):
            await asyncio.sleep(LOOK_EVERY_S)
        connection = store.blocking(site.name)
        gateways = {adapter.name: adapter.gateway for adapter in self._adapters}
        office = Office(site)
        beside = [partial(adapter.lead, site.name, office) for adapter in self._adapters if isinstance(adapter, Leads)]
        try:
            await Outbox(site, gateways, connection, beside=[*beside, Watch(site, gateways).run]).run()
        finally:
            await connection.close()

    async def close(self) -> None:
        for adapter in self._adapters:
            await adapter.close()
