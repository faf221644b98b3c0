"""What only one process knows: how long its look-ups and decisions took. Added up in the server, so that every process
shows the same sum.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from router.logging_ import say
from router.metrics import definitions as d
from router.metrics.tally import field_of
from router.store.reading import Pipelining

EVERY_S = 1.0
_MICRO = 1_000_000

log = logging.getLogger("vipline.metrics")


class Local:
    """One site's, in one process. `field` is the hash that all processes add to."""

    def __init__(self, connection: Pipelining, field: str) -> None:
        self._connection = connection
        self._field = field
        self._fresh: Counter[str] = Counter()

    def count(self, metric: d.Metric, *labels: str, by: int = 1) -> None:
        self._fresh[field_of(metric.name, *labels)] += by

    def observe(self, metric: d.Metric, seconds: float, *labels: str) -> None:
        """One measurement. Fields: `name;labels;b<bucket>` and the sum in microseconds."""
        field = field_of(metric.name, *labels)
        self._fresh[f"{field};b{bisect_left(metric.bounds, seconds)}"] += 1
        self._fresh[f"{field};sum"] += round(seconds * _MICRO)

    def looked_up(self, source: str, elapsed_ms: int, missed: Sequence[str]) -> None:
        """A look-up of who is calling. `source` and `missed` in the directory's words, of which there are few."""
        self.observe(d.LOOKUPS, elapsed_ms / 1000, source)
        for asked in missed:
            self.count(d.LOOKUPS_MISSED, asked)

    def decided(self, seconds: float) -> None:
        """A call's ladder was decided and entered."""
        self.observe(d.DECISION, seconds)

    async def run(self) -> None:
        """Hand over what was measured, every second and at the end."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """What a server that does not answer was told may have arrived: it is not told again."""
        fresh, self._fresh = self._fresh, Counter()
        commands = [["HINCRBY", self._field, field, str(by)] for field, by in fresh.items() if by]
        if not commands:
            return
        try:
            replies = await self._connection.call_many(commands)
        except Exception as error:
            say(log, logging.WARNING, "measurements lost", fields=len(commands), error=type(error).__name__)
            return
        if lost := sum(isinstance(reply, Exception) for reply in replies):
            say(log, logging.WARNING, "measurements lost", fields=lost)
