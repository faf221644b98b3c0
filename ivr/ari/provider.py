"""All of ARI in one process: routes at once, Asterisks of the sites this process leads.

One process speaks with a site's Asterisks: the one whose outbox carries the site's actions, so that what is heard, what
is played and what is asked for meet in one place: docs/decisions/023.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web

from config.ari import Ari
from config.ari import Asterisk as Settings
from config.models import SitePlan
from ivr.adapter import Hearer
from ivr.ari.asterisk import passwords
from ivr.ari.counts import Counts
from ivr.ari.exchange import Exchange
from ivr.ari.gateway import AriGateway
from ivr.ari.hooks import AriHooks
from ivr.ari.player import PROVIDER
from ivr.ari.presence import Presence
from ivr.ari.reconcile import Reconciler
from ivr.ari.rest import NoAnswer, NotSent
from ivr.ari.sounds import Sounds
from ivr.office import Office
from router.logging_ import say

LOOK_EVERY_S = 1.0
LINGER_S = 5.0
"""So long the connections outlast a term of leading: the next may be ours again, and nobody on the line notices."""
AUDIT_S, SWEEP_S = 60.0, 3_600.0

log = logging.getLogger("vipline.ari")


class Kept:
    """One Asterisk that this process speaks with, and what runs for it."""

    def __init__(
        self, exchange: Exchange, settings: Settings, reconciler: Reconciler, presence: Presence | None
    ) -> None:
        self.exchange = exchange
        self.settings = settings
        self._reconciler = reconciler
        self._tasks = [asyncio.create_task(exchange.asterisk.keep()), asyncio.create_task(self._audit())]
        if presence is not None:
            self._tasks.append(asyncio.create_task(presence.run()))

    async def _audit(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_S)
            if self.exchange.known and self.exchange.legs:
                try:
                    await self._reconciler.audit(self.exchange)
                except (NotSent, NoAnswer):
                    continue

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.exchange.close()


class AriAdapter:
    """Close it when the process stops."""

    name = PROVIDER

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}
        self._sites: dict[str, tuple[Hearer, Callable[[], SitePlan]]] = {}
        self._sounds: dict[str, Sounds] = {}
        self._kept: dict[str, dict[str, Kept]] = {}
        self._closing: dict[str, asyncio.Task[None]] = {}
        self._hooks = AriHooks(self._part, self._exchange, self._refused)
        self._gateway = AriGateway(self._exchanges)

    @property
    def gateway(self) -> AriGateway:
        return self._gateway

    def routes(self) -> list[web.RouteDef]:
        return self._hooks.routes()

    def serve(self, site: str, desk: Hearer, plan: Callable[[], SitePlan]) -> None:
        self._sites[site] = (desk, plan)
        self._counts[site] = Counts(partial(desk.turned_away, PROVIDER))
        self._sounds[site] = Sounds(lambda: plan().telephony.ari, self._counts[site])

    @property
    def counts(self) -> Counter[str]:
        """What happened on all lines, in this process."""
        found: Counter[str] = Counter()
        for counts in self._counts.values():
            found.update(counts)
        return found

    def can_dial(self, site: str) -> bool:
        part = self._part(site)
        return part is not None and any(passwords(one) for one in part.asterisks.values())

    def is_ready(self, site: str) -> bool:
        """Whether this process speaks with every Asterisk of the site, and knows every leg."""
        kept = self._kept.get(site, {})
        return bool(kept) and all(one.exchange.known for one in kept.values())

    async def run(self, site: str) -> None:
        """Sweeps up the sounds that nobody hears any more."""
        while True:
            await asyncio.sleep(SWEEP_S)
            await self._sounds[site].sweep()

    async def lead(self, site: str, office: Office) -> None:
        """Speaks with the site's Asterisks as the plan of the moment names them."""
        if (closing := self._closing.pop(site, None)) is not None:
            closing.cancel()
        kept = self._kept.setdefault(site, {})
        for one in kept.values():
            one.exchange.leads = True
        try:
            while True:
                try:
                    await self._follow(site, kept, office)
                except Exception:
                    log.exception("plan not followed")
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for one in kept.values():
                one.exchange.leads = False
            self._closing[site] = asyncio.create_task(self._let_go(site, LINGER_S))

    async def _follow(self, site: str, kept: dict[str, Kept], office: Office) -> None:
        part = self._part(site)
        wanted = part.asterisks if part else {}
        for name in [name for name, one in kept.items() if wanted.get(name) != one.settings]:
            await kept.pop(name).close()
        for name, settings in wanted.items():
            if name not in kept:
                kept[name] = self._keep(site, name, settings, office)

    async def close(self) -> None:
        for task in self._closing.values():
            task.cancel()
        for site in list(self._kept):
            await self._let_go(site, 0)

    def _keep(self, site: str, name: str, settings: Settings, office: Office) -> Kept:
        desk, plan = self._sites[site]
        reconciler = Reconciler(office, lambda: self._exchanges(site).values())
        nonce, counts = secrets.token_hex(4), self._counts[site]
        exchange = Exchange(site, name, settings, desk, plan, self._sounds[site], counts, nonce, reconciler)
        part = self._part(site)
        presence = Presence(exchange, office) if part is not None and part.devices else None
        return Kept(exchange, settings, reconciler, presence)

    async def _let_go(self, site: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        kept = self._kept.pop(site, {})
        for one in kept.values():
            await one.close()
        if kept:
            say(log, logging.INFO, "asterisks left to others", site=site)

    def _part(self, site: str) -> Ari | None:
        known = self._sites.get(site)
        return known[1]().telephony.ari if known else None

    def _refused(self, site: str) -> None:
        if site in self._counts:
            self._counts[site].refuse("login")

    def _exchange(self, site: str, name: str) -> Exchange | None:
        kept = self._kept.get(site, {}).get(name)
        return kept.exchange if kept else None

    def _exchanges(self, site: str) -> Mapping[str, Exchange]:
        return {name: one.exchange for name, one in self._kept.get(site, {}).items()}
