"""One load: the service as a process of its own, the far end here, locust in a third; then the judgement."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TextIO

import aiohttp
from aiohttp import web

from loadtests.curves import Weight, moments
from loadtests.demo.stages import STAGES, Stage
from loadtests.demo.terminal import Terminal
from loadtests.farend import FarEnd
from loadtests.figures import write_figures
from loadtests.judgement import Judge, Judgement
from loadtests.meter import Meter
from loadtests.options import ENVIRONMENT, Options
from loadtests.report import Effort, page, print_report
from loadtests.site import OPEN, TARGET_S, agents_for, head_starts, write_site
from loadtests.tape import Tape
from router.clock import RunningClock
from router.store.embedded import socket_path

START_S, END_S, SETTLE_S = 60.0, 30.0, 1.5
SHORT_S = 5.0


async def run(options: Options, out: TextIO) -> Judgement:
    """Everything of one run; nothing of it is left but the reports in `options.folder`."""
    terminal = Terminal(out)
    terminal.say(
        f"{options.rate:g} calls a second for {options.minutes:g} minutes, {agents_for(options)} agents, "
        f"{options.pace:g} times as fast as life; "
        + ", ".join(f"{share:.0%} {way}" for way, share in options.mix.items())
    )
    options.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vipline-load-") as name:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            stages = {way: STAGES[way](RunningClock(options.pace), folder) for way in options.mix if way != "api"}
            far_end = FarEnd(options, stages)
            for stage in stages.values():
                await stack.enter_async_context(stage.carrier.running())
            tape, meter = Tape(far_end.sees), Meter(options.seconds)
            token, base = secrets.token_hex(24), f"http://127.0.0.1:{_free_port()}"
            service = await stack.enter_async_context(_service(folder, options, stages, base, token))
            for stage in stages.values():
                stage.wire(base, [OPEN])
                stack.push_async_callback(stage.carrier.fall_silent)
            stack.push_async_callback(far_end.stop)
            url = f"unix://{socket_path(folder)}"
            meter.watch_service(service.pid)
            following = [asyncio.create_task(tape.follow(url)), asyncio.create_task(meter.run())]
            exit_code = await _users(options, far_end, meter, base, token)
            await asyncio.sleep(SETTLE_S)
            meter.read()
            for task in following:
                task.cancel()
            await asyncio.wait(following)
            left = far_end.left() + far_end.troubles()
        kept = "".join(f"{event.entry_id} {event.raw}\n" for event in tape.events)
        (options.folder / "events.txt").write_text(kept, encoding="utf-8")
        terminal.say(f"{len(tape.events):,} events; judging …")
        pace = options.pace
        judge = Judge(head_starts(options), round(TARGET_S * 1000 / pace), round(SHORT_S * 1000 / pace))
        judge.read(tape.events)
        if exit_code not in (0, 1):
            left.append(f"locust ended with {exit_code}")
        elif exit_code:
            left.append("some requests failed: see locust.html")
        found = judge.close(far_end.created(), left, far_end.all_samples, 0 if options.plain else options.minutes)
    ended = sum(bool(fate.outcome) for fate in judge.fates.values())
    used = meter.spent().cpu_s
    driven_s = used["far end"] + used["locust"]
    effort = Effort(used["service"] + used["server"], driven_s, ended, time.monotonic() - began)
    over_time = moments(tape.events, head_starts(options)) if tape.events else []
    weights = [Weight(at_s, service / 1e6, server / 1e6) for at_s, service, server in meter.memory()]
    report = options.folder / "report.html"
    report.write_text(page(found, options, effort, over_time, weights), encoding="utf-8")
    write_figures(options, found, judge, meter)
    print_report(terminal, found, options, effort)
    terminal.say(f"{report}")
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@asynccontextmanager
async def _service(
    folder: Path, options: Options, stages: Mapping[str, Stage], base: str, token: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`vipline serve`, up and ready."""
    telephony: dict[str, object] = {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIPLINE_")}
    for stage in stages.values():
        telephony |= stage.section()
        environment |= stage.environment
    environment |= {"VIPLINE_ADMIN_TOKEN": token, "VIPLINE_SOURCE_RATE": "0", "VIPLINE_TOKEN_RATE": "0"}
    config = write_site(folder, options, telephony)
    flags = ("--listen", base.removeprefix("http://"), "--data", str(folder), "--config", str(config))
    more = ("--public-url", base, "--workers", str(options.workers), "--log", "text")
    log = (options.folder / "service.log").open("wb")
    with log:
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "router", "serve", *flags, *more, stdout=log, stderr=log, env=environment
        )
        try:
            await _ready(service, base)
            yield service
        finally:
            if service.returncode is None:
                service.send_signal(signal.SIGTERM)
                await asyncio.wait_for(service.wait(), END_S)


async def _ready(service: asyncio.subprocess.Process, base: str) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(START_S):
        while True:
            if service.returncode is not None:
                raise RuntimeError("the service did not start: see service.log")
            try:
                async with session.get(f"{base}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def _users(options: Options, far_end: FarEnd, meter: Meter, base: str, token: str) -> int:
    """Locust until it is through; answers its exit code."""
    runner = web.AppRunner(far_end.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    far = f"http://127.0.0.1:{runner.addresses[0][1]}"
    environment = dict(os.environ) | {
        ENVIRONMENT: options.write(),
        "VIPLINE_LOAD_FAR": far,
        "VIPLINE_ADMIN_TOKEN": token,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    users = agents_for(options) + 1
    page = options.folder / "locust.html"
    try:
        with (options.folder / "locust.log").open("wb") as log:
            locust = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py")), "--headless", "--only-summary"),
                *("--host", base, "-u", str(users), "-r", str(users), "--html", str(page), "--stop-timeout", "1"),
                *("--exit-code-on-error", "1", "--loglevel", "WARNING"),
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
            )
            meter.watch_locust(locust.pid)
            try:
                return await locust.wait()
            finally:
                if locust.returncode is None:
                    locust.kill()
                    await locust.wait()
    finally:
        await runner.cleanup()
