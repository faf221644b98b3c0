"""Who is let in at all. Only new calls are turned away: whoever is in line stays there, however many come."""

from __future__ import annotations

from config.models import SitePlan
from router.directory.lookup import LookUp
from router.limits import Buckets, current_source


class Door:
    """One site's, in one process."""

    def __init__(self) -> None:
        self._sources = Buckets()

    def is_rushed(self, plan: SitePlan) -> bool:
        """Whether more new calls come from where this one does than are taken a second."""
        source = current_source.get()
        return bool(source) and self._sources.take(source, plan.limits.per_second) > 0

    @staticmethod
    def is_flooded(found: LookUp, plan: SitePlan) -> bool:
        """Whether the number calls too often, or stands in line with too many calls already."""
        return found.recent > plan.limits.calls or found.others >= plan.limits.at_once
