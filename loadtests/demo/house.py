"""The service as `vipline serve` runs it, in this process: a server of its own in a folder of its own, a free port."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import yaml
from aiohttp import web

from config.loading import SiteFiles, load_config
from config.settings import Settings
from loadtests.demo.desk import Client
from loadtests.demo.stages import SITE, Stage
from router.admin_token import AdminToken, admin_token
from router.api.server import Runner
from router.app import create_app
from router.app_keys import SERVICE
from router.clock import RunningClock
from router.site import Site

FILES = Path(__file__).parent / "site"
READY_S = 20.0
BIRTHDAY = 5
"""Whose birthday it is: place among the customers."""


@dataclass
class House:
    """The running service. `files`: what its site was made of."""

    base: str
    token: AdminToken
    site: Site
    files: SiteFiles
    admin: Client


@asynccontextmanager
async def open_house(folder: Path, listen: str, stage: Stage, clock: RunningClock) -> AsyncIterator[House]:
    """Raises OSError when the address cannot be had."""
    os.environ.update(stage.environment)
    config = _write_config(folder, stage)
    host, _, port = listen.rpartition(":")
    with socket.create_server((host, int(port))) as listening:
        base = f"http://{host}:{listening.getsockname()[1]}"
        settings = Settings(listen=listen, data=folder, config=config, redis="embedded", public_url=base)
        token = admin_token(settings)
        app = create_app(settings, token.secret, adapters=stage.adapters, clock=clock)
        runner = Runner(app, shutdown_timeout=5)
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            async with aiohttp.ClientSession() as session:
                site = app[SERVICE].sites[SITE]
                stage.wire(base, list(site.plan.numbers))
                if stage.ready is not None:
                    async with asyncio.timeout(READY_S):
                        await stage.ready()
                yield House(base, token, site, load_config(config)[SITE], Client(session, base, token.secret))
        finally:
            await stage.carrier.fall_silent()
            await runner.cleanup()


def _write_config(folder: Path, stage: Stage) -> Path:
    """The demo's site, with its provider."""
    config = folder / "config"
    shutil.copytree(FILES, config)
    _have_a_birthday(config)
    with (config / "plan.yaml").open("a", encoding="utf-8") as plan:
        plan.write("\n" + yaml.safe_dump({"telephony": stage.section()}))
    return config


def _have_a_birthday(config: Path) -> None:
    """Somebody always has one, on the site's own day."""
    zone = yaml.safe_load((config / "plan.yaml").read_text(encoding="utf-8"))["timezone"]
    customers = config / "customers.yaml"
    found = yaml.safe_load(customers.read_text(encoding="utf-8"))
    found["customers"][BIRTHDAY]["birthday"] = datetime.now(ZoneInfo(zone)).date().replace(year=1980)
    customers.write_text(yaml.safe_dump(found, allow_unicode=True), encoding="utf-8")
