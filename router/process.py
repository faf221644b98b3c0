"""One serving process: starts, prints where it is, serves until told to stop, lets requests in flight finish."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys

from aiohttp import web

from config.settings import Settings
from router.admin_token import admin_token
from router.api import accepting
from router.api.server import Runner
from router.app import create_app, reload
from router.app_keys import FLIGHTS, SERVICE
from router.banner import SAMPLE_TITLE, banner
from router.environment import warn_of_unknown
from router.logging_ import say
from router.posts import BACKLOG, Post

SHUTDOWN_S = 1.0
REPLACED_S = 3.0
"""How long one who was replaced goes on with connections that are open: their clients come back on new ones."""
SHORT_SECRET = 16
COLLECT_AFTER = 20_000
"""Objects made beyond those let go, before the collector looks: nearly all of ours go by themselves."""

log = logging.getLogger("vipline.process")


async def serve(settings: Settings, post: Post | None = None) -> None:
    """Serve until SIGTERM or SIGINT. `post`: of one of several workers, whose parent does the talking.

    Raises OSError when the address cannot be had, and what create_app's start raises.
    """
    token = admin_token(settings)
    if post is None:
        warn_of_unknown()
    if token.path is None and len(token.secret) < SHORT_SECRET:
        say(log, logging.WARNING, "VIPLINE_ADMIN_TOKEN is short, and can be guessed")
    app = create_app(settings, token.secret)
    runner = Runner(app, shutdown_timeout=SHUTDOWN_S)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def on_hangup() -> None:
        task = asyncio.create_task(reload(app, settings))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    replaced = asyncio.Event()

    def on_replaced() -> None:
        replaced.set()
        stop.set()

    # Before anything is built: a signal that comes while starting must end the start, not the interpreter.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if post is not None:
        loop.add_signal_handler(signal.SIGUSR2, on_replaced)
    await runner.setup()
    try:
        loop.add_signal_handler(signal.SIGHUP, on_hangup)
        # What start-up made stays for good: left to the collector, a full collection stops every call for 45 ms.
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
        assert runner.server is not None
        site: web.BaseSite
        if post is not None:
            site = web.SockSite(runner, post.socket, backlog=BACKLOG)
            await accepting.start(site, runner.server)
            post.report_serving()
        else:
            site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
            await accepting.start(site, runner.server)
            terminal = sys.stdout.isatty()
            print(banner(settings, token, port_of(runner), sample=is_sample(app), terminal=terminal), flush=True)
        say(log, logging.INFO, "serving", port=port_of(runner), sites=len(app[SERVICE].sites))
        await stop.wait()
        say(log, logging.INFO, "stopping", drain_s=settings.drain_s)
        await app[FLIGHTS].stop()
        if not replaced.is_set():
            await asyncio.sleep(settings.linger_s)
        await site.stop()
        if replaced.is_set():
            await _until_left(runner)
        # Before aiohttp's own end, which drops the rest of a body that is still coming.
        left = await app[FLIGHTS].drain(settings.drain_s)
        say(log, logging.INFO, "drained", left=left)
    finally:
        await runner.cleanup()


async def _until_left(runner: web.AppRunner) -> None:
    """Until nobody is connected any more, or long enough."""
    give_up_at = asyncio.get_running_loop().time() + REPLACED_S
    while runner.server and runner.server.connections and asyncio.get_running_loop().time() < give_up_at:
        await asyncio.sleep(0.05)


def port_of(runner: web.AppRunner) -> int:
    return int(runner.addresses[0][1])


def is_sample(app: web.Application) -> bool:
    main = app[SERVICE].sites.get("main")
    return main is not None and main.plan.title == SAMPLE_TITLE
