"""The plan a site goes by: published once, followed by every process within a second, shown to the calls in line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from config.lint_traps import unset_secrets
from config.loading import PlanFile, read_plan
from config.models import SitePlan
from router.domain.errors import Refused
from router.logging_ import say
from router.store.engine import Engine
from router.store.plans import Plans, PlanVersion, digest_of

FOLLOW_S = 0.25

log = logging.getLogger("vipline.plan")

OnChange = Callable[[SitePlan], None]


class StalePlan(Refused):
    """Another plan has been published since you read it; read it again."""

    slug = "stale"
    status = 412


@dataclass(frozen=True, slots=True)
class ActivePlan:
    """The plan in force and where it comes from."""

    published: PlanVersion
    plan: SitePlan

    @property
    def version(self) -> str:
        """As the scripts know it."""
        return str(self.published.version)

    @property
    def etag(self) -> str:
        return f'"{self.published.version}-{self.published.digest}"'


class PlanKeeper:
    """One site's. `on_change` is told of every plan this process adopts."""

    def __init__(self, plans: Plans, engine: Engine, on_change: OnChange | None = None) -> None:
        self.plans = plans
        self._engine = engine
        self._on_change = on_change
        self._active: ActivePlan | None = None
        self._adopting = asyncio.Lock()

    @property
    def active(self) -> ActivePlan:
        assert self._active is not None, "start() comes first"
        return self._active

    async def start(self, files: PlanFile | None) -> None:
        """Adopt the newest plan; publish the files if they are not those last published. None: one is stored."""
        if files is None or not await self.publish_files(files):
            newest = await self.plans.newest()
            assert newest is not None
            await self._adopt(newest)

    async def publish_files(self, files: PlanFile) -> bool:
        """True when the files were new. Of several processes that start at once, one publishes."""
        while True:
            newest = await self.plans.newest()
            if newest is not None and newest.files == digest_of(files.text):
                return False
            added = await self.plans.add(newest, files.text, "files", "file")
            if added is not None:
                await self._adopt(added)
                return True

    async def publish(self, text: str, author: str, allowed: Callable[[str], None]) -> ActivePlan:
        """Publish a plan somebody edited. `allowed` gets the ETag of the plan it replaces and may refuse.

        Raises PlanInvalid, StalePlan.
        """
        read_plan(text)
        while True:
            await self.refresh()
            allowed(self.active.etag)
            if self.active.published.text == text:
                return self.active
            added = await self.plans.add(self.active.published, text, author, "api")
            if added is not None:
                await self._adopt(added)
                return self.active

    async def refresh(self) -> None:
        """Adopt a newer plan if there is one."""
        known = self._active.published.version if self._active else 0
        newer = await self.plans.newer_than(known)
        if newer is not None:
            await self._adopt(newer)

    async def catch_up(self) -> None:
        """After a script refused our version: adopt a newer plan, or say again that ours is the newest.

        The latter when a process that had read an older one set it late, and died before it could notice.
        """
        before = self.active.published.version
        await self.refresh()
        if self.active.published.version == before:
            await self._engine.set_plan(self.active.version, self.active.plan.keep_free(), by="catch-up")

    async def follow(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            try:
                await self.refresh()
            except Exception as error:
                # Also a plan that a newer release wrote and this one cannot read: it keeps the one it has.
                say(log, logging.WARNING, "plan not followed", site=self._engine.keys.site, error=type(error).__name__)

    async def _adopt(self, published: PlanVersion) -> None:
        """Go by this plan. The script is told as well: its publisher may have died before it could."""
        async with self._adopting:
            if self._active is not None and self._active.published.version >= published.version:
                return
            plan = read_plan(published.text).site
            await self._engine.set_plan(str(published.version), plan.keep_free(), by=published.author)
            if self._on_change is not None:
                self._on_change(plan)
            self._active = ActivePlan(published, plan)
            site = self._engine.keys.site
            say(log, logging.INFO, "plan adopted", site=site, version=published.version, source=published.source)
            if unset := sorted({secret.env or str(secret.file) for _, secret in unset_secrets(plan)}):
                say(log, logging.WARNING, "secrets not set", site=site, named=", ".join(unset))
