"""Several serving processes on one port: a parent that starts them, keeps them running, and stops them in order.

The parent serves nothing. It owns the embedded server and the listening sockets, so that a worker's death costs nobody
else anything, and a worker can be replaced by another while calls come in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from pydantic import SecretStr

from config.loading import Broken, read_config
from config.settings import Settings
from router.admin_token import admin_token
from router.banner import SAMPLE_TITLE, banner
from router.environment import warn_of_unknown
from router.kept_plans import kept_sites
from router.logging_ import say
from router.posts import Door, Worker
from router.store.connect import open_store
from router.store.embedded import EmbeddedServer

GRACE_S = 10.0
LASTING_S = 10.0
SLOWEST_RESTART_S = 5.0
START_PATIENCE_S = 60.0
CANNOT_SERVE = 2
"""The exit code of `vipline serve` whose settings or plan are wrong."""
REPLACE = signal.SIGUSR2
"""To the parent: replace all workers, one after another. To a worker: another one stands where you do, go."""

log = logging.getLogger("vipline.workers")


async def supervise(settings: Settings) -> int:
    """Run `settings.workers` workers until SIGTERM or SIGINT, or until they say that they can never serve.

    Answers the exit code. Raises PlanInvalid, OSError, and what EmbeddedServer.start raises.
    """
    warn_of_unknown()
    files, broken = read_config(settings.config)
    sample = "main" in files and files["main"].plan.site.title == SAMPLE_TITLE
    token = admin_token(settings)
    server = EmbeddedServer(settings.data) if settings.redis == "embedded" else None
    doors = _doors(settings)
    port = doors[0].port
    keeper = None
    try:
        if server is not None:
            server.start()
            keeper = asyncio.create_task(server.keep_alive())
        url = server.url if server is not None else settings.redis
        if broken:
            # Without a plan to go on with, the parent ends; workers would only die of it one after another.
            await _check_kept(url, settings.prefix, files, broken)
        environment = _environment(settings, port, url)
        crew = _Crew(settings, doors, environment)
        printed = banner(settings, token, port, sample=sample, terminal=sys.stdout.isatty())
        return await crew.run(lambda: print(printed, flush=True))
    finally:
        for door in doors:
            door.close()
        if keeper is not None and server is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            server.stop()


async def _check_kept(url: str, prefix: str, sound: Collection[str], broken: Broken) -> None:
    """Raises PlanInvalid, and what `open_store` raises."""
    store = await open_store(url)
    try:
        await kept_sites(store, prefix, sound, broken)
    finally:
        await store.close()


class _Crew:
    """`announce` is called once, when the first worker serves."""

    def __init__(self, settings: Settings, doors: list[Door], environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._doors = doors
        self._environment = environment
        self._workers: dict[Door, Worker] = {}
        self._stop = asyncio.Event()
        self._code = 0
        self._announced = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._replacing: asyncio.Task[None] | None = None

    async def run(self, announce: Callable[[], None]) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._signal_all, signal.SIGHUP)
        loop.add_signal_handler(REPLACE, self._begin_replacing)
        keepers = [self._begin(self._keep(door, announce)) for door in self._doors]
        try:
            await self._stop.wait()
        finally:
            for door in self._doors:
                door.close()  # refused is better than queued where nobody will accept
            if self._replacing is not None:
                self._replacing.cancel()
            self._signal_all(signal.SIGTERM)
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._settings.drain_s + self._settings.linger_s + GRACE_S)
            self._signal_all(signal.SIGKILL)
            await asyncio.gather(*keepers, *self._tasks, return_exceptions=True)
        return self._code

    async def _keep(self, door: Door, announce: Callable[[], None]) -> None:
        """One worker after another behind this door, from the first on."""
        pause = 0.0
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            worker = self._workers[door] = await door.open(self._environment)
            self._begin(self._announce(worker, announce))
            code = await self._last_behind(door)
            if code == CANNOT_SERVE and not self._announced:
                # Settings or plan are wrong from the start; later the other workers go on, and the files may be mended.
                self._code = code
                self._stop.set()
            if self._stop.is_set():
                return
            say(log, logging.ERROR, "worker ended, starting another", door=self._doors.index(door), code=code)
            door.shut()
            lasted = asyncio.get_running_loop().time() - began
            pause = 0.0 if lasted > LASTING_S else min(SLOWEST_RESTART_S, pause * 2 + 0.2)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _last_behind(self, door: Door) -> int:
        """The exit code of the last worker behind the door, once it ends; those replaced before are not waited for."""
        while True:
            worker = self._workers[door]
            code = await worker.process.wait()
            if self._workers[door] is worker:
                del self._workers[door]
                return code

    async def _announce(self, worker: Worker, announce: Callable[[], None]) -> None:
        await _first(worker.serves.wait(), worker.process.wait())
        if worker.serves.is_set() and not self._announced:
            self._announced = True
            announce()

    # ------------------------------------------------------------------ replacing

    def _begin_replacing(self) -> None:
        if self._replacing is None or self._replacing.done():
            self._replacing = self._begin(self._replace_all())

    async def _replace_all(self) -> None:
        """Each worker makes room when another stands beside it and serves; if that one does not, nothing changes."""
        for door in self._doors:
            before = self._workers.get(door)
            if before is None:
                continue  # a new one is being started as it is
            worker = await door.open(self._environment)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_PATIENCE_S):
                    await _first(worker.serves.wait(), worker.process.wait())
            if not worker.serves.is_set() or self._workers.get(door) is not before:
                say(log, logging.ERROR, "workers not replaced", door=self._doors.index(door))
                _send(worker, signal.SIGKILL)
                await worker.process.wait()
                return
            self._workers[door] = worker
            _send(before, REPLACE)
        say(log, logging.INFO, "workers replaced")

    # ------------------------------------------------------------------ both

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _signal_all(self, number: int) -> None:
        for worker in self._workers.values():
            _send(worker, number)


def _send(worker: Worker, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.process.send_signal(number)


async def _first(*ways: Coroutine[Any, Any, Any]) -> None:
    """Return when one of them has."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _doors(settings: Settings) -> list[Door]:
    """One a worker, so that the kernel shares calls out evenly. Port 0 becomes one port for all."""
    doors = [Door(settings.host, settings.port)]
    try:
        while len(doors) < settings.workers:
            doors.append(Door(settings.host, doors[0].port))
    except OSError:
        for door in doors:
            door.close()
        raise
    return doors


def _environment(settings: Settings, port: int, redis_url: str) -> dict[str, str]:
    """What a worker is told: the parent's settings, one worker, this port, this server."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    own = {"listen": f"{host}:{port}", "redis": redis_url, "workers": 1}
    told = {}
    for name, value in (dict(settings) | own).items():
        if value is not None:
            told[f"VIPLINE_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return os.environ | told
