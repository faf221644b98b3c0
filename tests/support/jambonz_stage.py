"""Our jambonz adapter and jambonz's stand-in, talking over real sockets; or the whole service and the stand-in."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ivr.jambonz.addresses import OVERRIDES
from ivr.jambonz.provider import Jambonz
from loadtests.carriers.jambonz import FakeJambonz, JambonzLeg, Person
from tests.support.plans import site as small_site
from tests.support.service import Change, Watched, listening, serving, write_config
from tests.support.tiny_desk import TinyDesk

SIGNED = "a-webhook-secret-of-the-test"
MAIN = "+12025550199"
CALLER = "+12025550123"
TRUNK = "carrier-a"
SCHEMA_VERSION = "0.4.15"


def schemas_folder() -> Path | None:
    """Where `.ci/jambonz-schema` has put the schemas; None where it has not been run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = os.environ.get("VIPLINE_JAMBONZ_SCHEMA")
    folder = Path(named) if named else cache / "vipline-jambonz-schema" / SCHEMA_VERSION / "package"
    return folder if folder.is_dir() else None


def needed_schemas() -> Path:
    """The same, for a test that is nothing without them."""
    folder = schemas_folder()
    if folder is None:
        pytest.skip("no schemas of jambonz: .ci/jambonz-schema fetches them, or VIPLINE_JAMBONZ_SCHEMA names a folder")
    return folder


def section(folder: Path, jambonz: FakeJambonz) -> dict[str, Any]:
    """The plan's part, its secrets in files below `folder`."""
    found = {"account_sid": jambonz.account, "api_key": jambonz.key, "webhook_secret": jambonz.secret}
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in found.items():
        (folder / name).write_text(value)
    return {
        "api": jambonz.base,
        "account_sid": {"file": str(folder / "account_sid")},
        "api_key": {"file": str(folder / "api_key")},
        "webhook_secrets": [{"file": str(folder / "webhook_secret")}, {"file": str(folder / "webhook_secret_next")}],
        "speech": {"voices": {"en": {"voice": "en-US-Neural2-C", "language": "en-US"}}},
        "trunks": {TRUNK: {"headers": True, "plus": True}, "carrier-b": {}},
    }


@dataclass
class Stage:
    jambonz: FakeJambonz
    desk: TinyDesk
    adapter: Jambonz
    base: str
    folder: Path

    def url(self, path: str) -> str:
        return f"{self.base}/hooks/jambonz/main/{path}"


@asynccontextmanager
async def stage(folder: Path, speed: float = 50.0) -> AsyncIterator[Stage]:
    """The adapter with a tiny desk. `folder` keeps the secrets' files."""
    jambonz = FakeJambonz(SIGNED, speed=speed, schemas=schemas_folder())
    at, base = listening()
    async with jambonz.running():
        adapter, desk = Jambonz(base), TinyDesk()
        plan = small_site(telephony={"jambonz": section(folder, jambonz)})
        adapter.serve("main", desk, lambda: plan)
        app = web.Application()
        app.add_routes(adapter.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, auto_decompress=False)
        await runner.setup()
        await web.SockSite(runner, at).start()
        found = Stage(jambonz, desk, adapter, base, folder)
        jambonz.number(MAIN, found.url("voice") + OVERRIDES, found.url("status"))
        try:
            yield found
        finally:
            await jambonz.fall_silent()
            await adapter.close()
            await runner.cleanup()


@dataclass
class House(Watched):
    """The service as it runs, and the stand-in between it, its callers and its agents."""

    fake: FakeJambonz

    def call(self, number: str, person: Person | None = None, **extra: str) -> JambonzLeg:
        asserted = f"<sip:{number}@192.0.2.17;verstat=TN-Validation-Passed-A>"
        return self.fake.call(number, MAIN, person, **{"trunk": TRUNK, "P_Asserted_Identity": asserted, **extra})


@asynccontextmanager
async def house_of(database: str, folder: Path, change: Change | None = None) -> AsyncIterator[House]:
    fake = FakeJambonz(SIGNED, schemas=schemas_folder())
    at, base = listening()

    def named(plan: dict[str, Any]) -> None:
        plan["telephony"] = {"jambonz": section(folder / "secrets", fake)}
        if change is not None:
            change(plan)

    async with (
        fake.running(),
        serving(database, write_config(folder / "config", named), at=at, public_url=base) as api,
    ):
        hooks = f"{base}/hooks/jambonz/main"
        fake.number(MAIN, f"{hooks}/voice{OVERRIDES}", f"{hooks}/status")
        yield House(api, fake)
        await fake.fall_silent()
