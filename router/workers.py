"""Several serving processes on one port: a parent that starts them, keeps them running, and stops them in order.

The parent serves nothing. It owns the embedded server, so that a worker's death costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial

from config.loading import load_config
from config.settings import Settings
from router.admin_token import admin_token
from router.banner import SAMPLE_TITLE, banner
from router.logging_ import say
from router.store.embedded import EmbeddedServer, die_with_parent

WORKER = "VIPLINE_WORKER"
GRACE_S = 10.0
SLOWEST_RESTART_S = 5.0
CANNOT_SERVE = 2
"""The exit code of `vipline serve` whose settings or plan are wrong."""

log = logging.getLogger("vipline.workers")


async def supervise(settings: Settings) -> int:
    """Run `settings.workers` workers until SIGTERM or SIGINT, or until they say that they can never serve.

    Answers the exit code. Raises PlanInvalid, OSError, and what EmbeddedServer.start raises.
    """
    # A broken plan ends the parent, with file and line; workers would only die of it one after another.
    sample = load_config(settings.config)["main"].plan.site.title == SAMPLE_TITLE
    token = admin_token(settings)
    server = EmbeddedServer(settings.data) if settings.redis == "embedded" else None
    with _reserve(settings) as held:
        port = int(held.getsockname()[1])
        if server is not None:
            server.start()
        keeper = asyncio.create_task(server.keep_alive()) if server is not None else None
        try:
            environment = _environment(settings, port, server.url if server is not None else settings.redis)
            crew = _Crew(settings, environment)
            return await crew.run(lambda: print(banner(settings, token, port, sample=sample), flush=True), port)
        finally:
            if keeper is not None and server is not None:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)
                server.stop()


class _Crew:
    def __init__(self, settings: Settings, environment: dict[str, str]) -> None:
        self._settings = settings
        self._environment = environment
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        self._code = 0
        self._greeter: asyncio.Task[None]

    async def run(self, announce: Callable[[], None], port: int) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._signal_all, signal.SIGHUP)
        keepers = [asyncio.create_task(self._keep(place)) for place in range(self._settings.workers)]
        self._greeter = asyncio.create_task(_announce_when_up(self._settings.host, port, announce))
        try:
            await self._stop.wait()
        finally:
            self._greeter.cancel()
            self._signal_all(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.drain_s + GRACE_S):
                    await asyncio.gather(*keepers)
            self._signal_all(signal.SIGKILL)
            await asyncio.gather(*keepers, self._greeter, return_exceptions=True)
        return self._code

    async def _keep(self, place: int) -> None:
        """One worker after another in this place."""
        pause = 0.0
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "router",
                "serve",
                env=self._environment,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
            self._workers[place] = worker
            code = await worker.wait()
            del self._workers[place]
            if code == CANNOT_SERVE and not self._greeter.done():
                # Settings or plan are wrong from the start; later the other workers go on, and the files may be mended.
                self._code = code
                self._stop.set()
            if self._stop.is_set():
                return
            say(log, logging.ERROR, "worker ended, starting another", place=place, code=code)
            lasted = asyncio.get_running_loop().time() - began
            pause = 0.0 if lasted > 10 else min(SLOWEST_RESTART_S, pause * 2 + 0.2)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    def _signal_all(self, number: int) -> None:
        for worker in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(number)


def _reserve(settings: Settings) -> socket.socket:
    """Hold the port without listening, so that port 0 is one port for all workers and a taken one is noticed now."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind((settings.host, settings.port))
    except OSError:
        held.close()
        raise
    return held


def _environment(settings: Settings, port: int, redis_url: str) -> dict[str, str]:
    """What a worker is told: the parent's settings, one worker, this port, this server."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    told = {
        "VIPLINE_LISTEN": f"{host}:{port}",
        "VIPLINE_DATA": str(settings.data),
        "VIPLINE_CONFIG": str(settings.config),
        "VIPLINE_REDIS": redis_url,
        "VIPLINE_PREFIX": settings.prefix,
        "VIPLINE_WORKERS": "1",
        "VIPLINE_PUBLIC_URL": settings.public_url,
        "VIPLINE_TRUSTED_PROXIES": settings.trusted_proxies,
        "VIPLINE_SOURCE_RATE": str(settings.source_rate),
        "VIPLINE_TOKEN_RATE": str(settings.token_rate),
        "VIPLINE_DRAIN_S": str(settings.drain_s),
        WORKER: "1",
    }
    if settings.admin_token is not None:
        told["VIPLINE_ADMIN_TOKEN"] = settings.admin_token.get_secret_value()
    if settings.log is not None:
        told["VIPLINE_LOG"] = settings.log
    return os.environ | told


async def _announce_when_up(host: str, port: int, announce: Callable[[], None]) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        announce()
        return
