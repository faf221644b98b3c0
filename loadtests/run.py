"""One load: the service in processes of its own, the far end here, locust in another; then the judgement."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

from aiohttp import web

from loadtests.curves import Weight, moments
from loadtests.demo.stages import STAGES
from loadtests.demo.terminal import Terminal
from loadtests.farend import FarEnd
from loadtests.figures import write_figures
from loadtests.judgement import Judge, Judgement
from loadtests.killing import Killer
from loadtests.meter import Meter
from loadtests.options import ENVIRONMENT, Options
from loadtests.outages import again, assign
from loadtests.report import Effort, page, print_report
from loadtests.services import ground
from loadtests.site import OPEN, TARGET_S, agents_for, head_starts
from loadtests.tape import Tape
from router.clock import RunningClock

SETTLE_S, LEFT_S, BACK_S = 1.5, 15.0, 60.0


async def run(options: Options, out: TextIO) -> Judgement:
    """Everything of one run; nothing of it is left but the reports in `options.folder`."""
    terminal = Terminal(out)
    terminal.say(
        f"{options.rate:g} calls a second for {options.minutes:g} minutes, {agents_for(options)} agents, "
        f"{options.pace:g} times as fast as life; "
        + ", ".join(f"{share:.0%} {way}" for way, share in options.mix.items())
        + (f"; killed meanwhile: {', '.join(options.kill)}" if options.kill else "")
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
            far_end.listen()
            tape, meter = Tape(far_end.sees), Meter(options.seconds)
            token = secrets.token_hex(24)
            site = await stack.enter_async_context(ground(folder, options, stages, token))
            for stage in stages.values():
                stage.wire(site.base, [OPEN])
                stack.push_async_callback(stage.carrier.fall_silent)
            stack.push_async_callback(far_end.stop)
            for pid in (*site.server_pids, *(service.pid for service in site.services)):
                meter.watch_service(pid)
            killer = Killer(site, meter, options.kill, options.seconds)
            killing = asyncio.create_task(killer.run(far_end.began))
            following = [asyncio.create_task(tape.follow(site.redis)), asyncio.create_task(meter.run())]
            exit_code = await _users(options, far_end, meter, site.base, token)
            left = await _through(killing)
            await _settled(far_end)
            meter.read()
            for task in following:
                task.cancel()
            await asyncio.wait(following)
            left += await tape.compare(site.redis)
            blame = assign(killer.outages, far_end.answers, meter.full)
            left += far_end.left() + far_end.troubles() + blame.faults
        kept = "".join(f"{event.entry_id} {event.raw}\n" for event in tape.events)
        (options.folder / "events.txt").write_text(kept, encoding="utf-8")
        terminal.say(f"{len(tape.events):,} events; judging …")
        judge = Judge(head_starts(options), round(TARGET_S * 1000 / options.pace))
        judge.read(tape.events)
        if exit_code:
            left.append(f"locust ended with {exit_code}: see locust.log")
        found = judge.close(
            far_end.created(),
            left,
            far_end.answers.hooks,
            0 if options.plain else options.minutes,
            connected=far_end.connected,
            finished=far_end.finished,
        )
        found.began_s = tape.events[0].at_ms / 1000 if tape.events else 0.0
        found.late += [words for words in blame.faults if words in blame.late]
        found.strained, found.passing = [*far_end.strained(), *blame.strained], blame.passing
        found.outages, found.again = killer.outages, again(far_end.answers)
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


async def _settled(far_end: FarEnd) -> None:
    """Until the carriers have told their last; on a busy machine that takes longer."""
    until = time.monotonic() + LEFT_S
    await asyncio.sleep(SETTLE_S)
    while far_end.left() and time.monotonic() < until:
        await asyncio.sleep(SETTLE_S / 10)


async def _through(killing: asyncio.Task[None]) -> list[str]:
    """Until all that was killed is back. Answers what went wrong with that."""
    if not killing.done():
        await asyncio.wait({killing}, timeout=BACK_S)
    if not killing.done():
        killing.cancel()
        await asyncio.wait({killing})
        return ["not everything that was to be killed was, or came back: the run was too short"]
    error = killing.exception()
    return [f"what was killed did not come back: {type(error).__name__}: {error}"] if error else []


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
                *("--exit-code-on-error", "0", "--loglevel", "WARNING"),
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
