"""One contact centre: everything that belongs to it, built once."""

from __future__ import annotations

import time

from config.models import SitePlan
from router.directory.customers import Customers
from router.directory.lookup import Directory
from router.directory.scripts import Scripts
from router.estimates import Estimates
from router.events.history import History
from router.events.levels import Levels
from router.metrics.local import Local
from router.plan_keeper import ActivePlan, PlanKeeper
from router.store.callbacks import Callbacks
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.plans import Plans


class Site:
    """`channel` is shared by all sites of a server; the rest is the site's own."""

    def __init__(self, name: str, channel: Channel, prefix: str = "") -> None:
        self.name = name
        self.channel = channel
        self.keys = Keyspace(name, prefix)
        self.engine = Engine(channel, self.keys)
        self.customers = Customers(Scripts(channel, self.keys.root), None)
        self.directory = Directory(self.customers)
        self.callbacks = Callbacks(channel, self.keys.callbacks)
        self.history = History(channel, self.keys, self.engine.timing.retain_ended_ms)
        self.levels = Levels(channel, self.keys, lambda: self.plan)
        self.estimates = Estimates(self.engine, self.now_ms)
        self.local = Local(channel, self.keys.own("mt:p"))
        self.keeper = PlanKeeper(Plans(channel, self.keys.own("plans")), self.engine, self._go_by)

    def now_ms(self) -> int:
        """Unix ms by the site's clock, which is the world's unless the site is virtual."""
        clock = self.engine.clock
        return int(time.time() * 1000) if clock is None else clock.now_ms

    @property
    def active(self) -> ActivePlan:
        return self.keeper.active

    @property
    def plan(self) -> SitePlan:
        return self.keeper.active.plan

    def _go_by(self, plan: SitePlan) -> None:
        """What a new plan changes in this process."""
        self.engine.timing = plan.engine_timing()
        self.directory.follow(plan)
        self.history.retain_ms = plan.timing.retain_ended
