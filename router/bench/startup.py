"""How long the embedded server takes from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from router.store.connect import open_store
from router.store.embedded import EmbeddedServer
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.script_loader import load_all

STARTS = 7


@dataclass(frozen=True, slots=True)
class Start:
    """Medians, ms, each start in an empty folder: the server alone, and until the scripts are read and loaded."""

    server: float
    ready: float


async def start() -> Start:
    alone, ready = [], []
    for _ in range(STARTS):
        with TemporaryDirectory(prefix="vipline-start-") as folder:
            started = perf_counter()
            server = EmbeddedServer(Path(folder))
            server.start()
            alone.append(perf_counter() - started)
            server.stop()
        with TemporaryDirectory(prefix="vipline-start-") as folder:
            load_all.cache_clear()
            started = perf_counter()
            store = await open_store("embedded", data=folder)
            await Engine(store.channel_for("main"), Keyspace("main")).load_scripts()
            ready.append(perf_counter() - started)
            await store.close()
    return Start(median(alone) * 1000, median(ready) * 1000)
