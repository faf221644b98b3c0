"""Plays whole traces: rule after rule, several days at once, on a server of the replay's own."""

from __future__ import annotations

import asyncio
import datetime
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from router.replay import order, slots, staffed
from router.replay.callers import SlotDay, StaffedDay, by_day, judged
from router.replay.figures import Ending, Figures, count
from router.replay.order import Agreement
from router.replay.progress import Progress
from router.replay.rules import Rule
from router.replay.site import Site
from router.replay.trace import TraceCall
from router.store.channel import Channel
from router.store.embedded import EmbeddedServer
from router.store.engine import Engine
from router.store.keyspace import Keyspace

DAYS_AT_ONCE = 16
# A flush of many days is answered as a whole; on a busy machine that takes longer than any call may.
PATIENCE_S = 60.0


class Day(Protocol):
    """One day of a trace, in whatever form a mode plays it."""

    @property
    def date(self) -> datetime.date: ...


D = TypeVar("D", bound=Day)
T = TypeVar("T")


@asynccontextmanager
async def own_server() -> AsyncIterator[Channel]:
    """An embedded server in a temporary folder; it keeps no file, since all it loses can be replayed."""
    with tempfile.TemporaryDirectory(prefix="vipline-replay-") as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            channel = await Channel.open(server.url, deadline_s=PATIENCE_S)
            try:
                await channel.call("CONFIG", "SET", "appendonly", "no")
                await Engine(channel, Keyspace("replay")).load_scripts()
                yield channel
            finally:
                await channel.close()
        finally:
            server.stop()


async def agreements(
    traces: Mapping[str, Sequence[TraceCall]], rules: Sequence[Rule], progress: Progress
) -> dict[str, dict[str, Agreement]]:
    """Trace → rule → how often the engine's queue would have chosen as the log did."""
    found: dict[str, dict[str, Agreement]] = {}
    async with own_server() as channel:
        for name, calls in traces.items():
            days = [order.OrderDay(date, tuple(day)) for date, day in by_day(judged(calls)).items()]
            found[name] = {}
            for rule in rules:
                progress.label(f"{name}, {rule.title}")
                each = await _over_days(channel, days, partial(order.compare, rule=rule, tell=progress.advance))
                found[name][rule.name] = sum(each, Agreement())
    return found


async def waits(
    days: Sequence[SlotDay] | Sequence[StaffedDay], rules: Iterable[Rule], within_s: int, progress: Progress
) -> dict[str, Figures]:
    """Rule → figures. All rules meet the very same people."""
    found: dict[str, Figures] = {}
    async with own_server() as channel:
        for rule in rules:
            progress.label(rule.title)
            each = await _over_days(channel, days, partial(_play_day, rule=rule, tell=progress.advance))
            found[rule.name] = count((ending for endings in each for ending in endings), within_s)
    return found


async def _play_day(site: Site, day: SlotDay | StaffedDay, rule: Rule, tell: Callable[[int], None]) -> list[Ending]:
    if isinstance(day, SlotDay):
        return await slots.play(site, day, rule, tell)
    return await staffed.play(site, day, rule, tell)


async def _over_days(channel: Channel, days: Sequence[D], play: Callable[[Site, D], Awaitable[T]]) -> list[T]:
    """Each day on a site of its own, so days need not wait for one another's replies."""
    results: list[T] = []
    for start in range(0, len(days), DAYS_AT_ONCE):
        some = days[start : start + DAYS_AT_ONCE]
        results += await asyncio.gather(*(play(Site(channel, f"{day.date}", day.date), day) for day in some))
        await channel.call("FLUSHALL")
    return results
