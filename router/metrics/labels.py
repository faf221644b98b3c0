"""Which values a label may have: a site's own names, and no more, however many it is asked about."""

from __future__ import annotations

from collections.abc import Collection

from config.models import SitePlan

OTHER = "other"


class Labels:
    """The values labels may have: what the plan names, and `other`."""

    def __init__(self, plan: SitePlan) -> None:
        self.plan = plan
        self._tiers = frozenset(tier.name for tier in plan.tiers)
        self._queues = frozenset(plan.groups)
        rungs = [rung for rungs in plan.rungs.values() for rung in rungs]
        self._owner_steps = frozenset(rung.name for rung in rungs if rung.kind == "owner")
        # A transfer's steps are called after what they ask: an agent, that agent's groups, or a group.
        self._steps = frozenset(rung.name for rung in rungs) | self._queues | {"agent", "group"}

    def tier(self, name: str) -> str:
        return name if name in self._tiers else OTHER

    def queue(self, name: str) -> str:
        return name if name in self._queues or not name else OTHER

    def step(self, name: str) -> str:
        return name if name in self._steps else OTHER

    def owner(self, entered: Collection[str], lanes: Collection[str]) -> str:
        """The dedicated agent among those a new call asks, "" for none."""
        if not self._owner_steps.intersection(entered):
            return ""
        return next((lane[1:] for lane in lanes if lane.startswith("@")), "")
