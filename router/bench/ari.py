"""What we add to Asterisk's own time between the key that takes a call and the talk.

    python -m router.bench.ari                100 calls a second, commands that take 4 ms

The service runs here, Asterisk's stand-in in a process of its own (loadtests/carriers/ari/load.py). One command is on
the way from the key to the talk. `own_ms` is what Asterisk took from there on, `ours_ms` everything before: the event's
way to us, the transition, a look at where the caller is, the command's way back. Each as median, 90 %, 99 %.

The same is measured first with a client that decides nothing (`ari_floor.py`), as on a busy machine sockets alone take
long. `over_ms`, the difference, is what the decision costs, and what the goal is about.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
import yaml
from aiohttp import web

from config.settings import Settings
from ivr.ari.pace import set_second
from router.api.server import Runner
from router.app import create_app
from router.app_keys import SERVICE
from router.bench.ari_floor import Floor

AGENTS = 600
GOAL_MS = 3.0
SPEED = 10.0

FarEnd = Callable[[], Awaitable[dict[str, Any]]]


def plan(base: str, folder: Path) -> dict[str, Any]:
    """One group, an Asterisk, no wrap-up; texts are files that hold them."""
    (folder / "password").write_text("bench")
    return {
        "language": "en",
        "region": "US",
        "timezone": "UTC",
        "tiers": [{"name": "standard", "ladder": "all"}],
        "default_tier": "standard",
        "groups": {"all": {}},
        "ladders": {"all": [{"step": "all", "to": "all"}]},
        "timing": {"wrap_up": 0, "retain_ended": "10s", "tombstone": "60s"},
        "voice": {"callback_key": None, "interval": "10m"},
        "telephony": {
            "ari": {
                "asterisks": {"pbx1": {"url": base, "user": "vipline", "password": {"file": str(folder / "password")}}},
                "speak": {"command": ["tee", "{file}"], "folder": str(folder / "sounds")},
                "devices": False,
            }
        },
    }


@asynccontextmanager
async def far_end(folder: Path, rate: float, seconds: float, delay_ms: float) -> AsyncIterator[tuple[str, FarEnd]]:
    """Its address, and a way to let it begin and hear what it measured."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.carriers.ari.load", "--rate", str(rate), "--seconds", str(seconds),
        "--delay", str(delay_ms), "--sounds", str(folder / "sounds"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    there, back = process.stdin, process.stdout

    async def begin() -> dict[str, Any]:
        there.write(b"go\n")
        await there.drain()
        found: dict[str, Any] = json.loads(await back.readline())
        return found

    try:
        yield json.loads(await back.readline())["base"], begin
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def measure_floor(rate: float, seconds: float, delay_ms: float) -> dict[str, Any]:
    """The same calls with nobody who decides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with far_end(folder, rate, seconds, delay_ms) as (base, begin):
            begun = asyncio.Event()
            running = asyncio.create_task(Floor(base, folder / "sounds").run(base, begun))
            await begun.wait()
            try:
                return await begin()
            finally:
                running.cancel()


async def measure(rate: float, seconds: float, delay_ms: float) -> dict[str, Any]:
    set_second(1 / SPEED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with far_end(folder, rate, seconds, delay_ms) as (base, begin):
            (folder / "plan.yaml").write_text(yaml.safe_dump(plan(base, folder), sort_keys=False))
            agents = [
                {"agent_id": f"agent-{number}", "groups": {"all": 1}, "endpoint": f"PJSIP/{number}"}
                for number in range(AGENTS)
            ]
            (folder / "agents.yaml").write_text(yaml.safe_dump({"agents": agents}))
            app = create_app(Settings(listen="127.0.0.1:0", data=folder, config=folder), "bench-admin-secret")
            runner = Runner(app, shutdown_timeout=1)
            await runner.setup()
            try:
                await _ready(app)
                gc.freeze()  # as a serving process does when it has started
                before = time.process_time()
                found = await begin()
                found["cpu_ms_a_call"] = round((time.process_time() - before) * 1_000 / found["calls"], 2)
                return found
            finally:
                await runner.cleanup()


async def _ready(app: web.Application) -> None:
    """Every agent free, and Asterisk connected."""
    engine = app[SERVICE].sites["main"].engine
    for number in range(AGENTS):
        await engine.agent_ready(f"agent-{number}")
    await asyncio.sleep(2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--delay", type=float, default=4.0)
    chosen = parser.parse_args()
    load = (chosen.rate, chosen.seconds, chosen.delay)
    floor, found = uvloop.run(measure_floor(*load)), uvloop.run(measure(*load))
    over = [round(ours - least, 2) for ours, least in zip(found["ours_ms"], floor["ours_ms"], strict=False)]
    sys.stdout.write(json.dumps({"floor": floor, "service": found, "over_ms": over, "goal_ms": GOAL_MS}) + "\n")
    sys.exit(0 if over and over[0] <= GOAL_MS else 1)


if __name__ == "__main__":
    main()
