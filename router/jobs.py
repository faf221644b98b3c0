"""What a process does for a site beside answering requests: deadlines, readers of the stream, what is tidied away."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from router.clock import speed_of
from router.events import history, levels
from router.events.estimating import Learner
from router.events.stream import GroupReader, Handle
from router.events.trimmer import Trimmer
from router.logging_ import say
from router.metrics import definitions
from router.metrics.projector import Projector
from router.site import Site
from router.store.channel import Channel
from router.store.connect import Store
from router.sweeper import ROUND_S, Sweeper

TRIM_EVERY_S = 10.0

log = logging.getLogger("vipline.app")


def jobs(store: Store, site: Site) -> list[Coroutine[Any, Any, None]]:
    """Each runs until it is cancelled; any number of processes may run them for the same site."""
    return [
        Sweeper(site.engine, ROUND_S / speed_of(site.engine.clock)).run(),
        site.keeper.follow(),
        _read(store, site, history.GROUP, site.history.handle, history.TYPES),
        _read(store, site, levels.GROUP, site.levels.handle, levels.TYPES),
        _learn(store, site),
        site.estimates.follow(),
        site.local.run(),
        _project(store, site),
        _tidy(site),
    ]


@asynccontextmanager
async def _own_connection(store: Store, site: Site) -> AsyncIterator[Channel]:
    """One that may wait in the server."""
    connection = store.blocking(site.name)
    try:
        yield connection
    finally:
        await connection.close()


def _process() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def _claimant() -> str:
    """A name nobody else ever has, not even a process of this number on this host."""
    return f"{_process()}-{secrets.token_hex(4)}"


async def _read(store: Store, site: Site, group: str, handle: Handle, types: tuple[str, ...]) -> None:
    """Read the site's stream as `group`."""
    async with _own_connection(store, site) as connection:
        await GroupReader(connection, site.keys.events, group, _process(), handle, types).run()


async def _learn(store: Store, site: Site) -> None:
    """Learn the site's estimates whenever no other process does."""
    engine = site.engine
    async with _own_connection(store, site) as connection:
        await Learner(
            site.channel, connection, site.keys, _claimant(), engine.lanes, lambda: engine.timing.wrap_up_ms
        ).run()


async def _project(store: Store, site: Site) -> None:
    """Count the site's events for metrics whenever no other process does."""
    said = site.estimates
    async with _own_connection(store, site) as connection:
        await Projector(
            site.engine, connection, _claimant(), lambda: site.plan, lambda: said.quality, lambda: said.owners
        ).run()


async def _tidy(site: Site) -> None:
    """Trim what every reader is done with; any number of processes may."""
    trimmer = Trimmer(site.channel, site.keys)
    while True:
        await asyncio.sleep(TRIM_EVERY_S)
        try:
            before = trimmer.cut_off
            await trimmer.trim()
            site.local.count(definitions.CUT_OFF, by=trimmer.cut_off - before)
            await trimmer.forget_consumers()
            await site.callbacks.forget_old()
        except Exception as error:
            say(log, logging.WARNING, "not tidied", site=site.name, error=type(error).__name__)
