"""The service as it runs, and Asterisk's stand-in between it, its callers and its agents."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ivr.ari.hooks import AriHooks
from ivr.ari.pace import set_second
from ivr.ari.provider import AriAdapter
from loadtests.carriers.ari import AriLeg, FakeAsterisk, Person
from router.app_keys import FLIGHTS
from tests.support import service
from tests.support.service import Change, Watched, listening, write_config
from tests.support.waiting import wait_until

OPEN = "+12025550199"
PASSWORD = "a-password-of-the-test"
SPEED = 50.0
TEXT_AS_SOUND = ["tee", "{file}"]
"""The shortest command that speaks: a file that holds the text, which the far end reads again."""


@dataclass
class House(Watched):
    fake: FakeAsterisk
    adapter: AriAdapter

    def call(self, number: str, person: Person | None = None, **extra: str) -> AriLeg:
        return self.fake.call(number, OPEN, person, **{"verstat": "TN-Validation-Passed-A", **extra})

    async def connected(self) -> None:
        """Until the service has found out what is left on the line."""
        await wait_until(lambda: self.fake.wires.connected and self.adapter.is_ready("main"))


def descriptions(request: pytest.FixtureRequest) -> Path | None:
    """The reference folder; None where it is absent: the stories are told all the same, only less strictly."""
    try:
        found: Path = request.getfixturevalue("reference")
    except pytest.skip.Exception:
        return None
    return found / "ari"


def section(folder: Path, *fakes: FakeAsterisk) -> dict[str, Any]:
    """The plan's part for these Asterisks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text(PASSWORD)
    return {
        "asterisks": {
            fake.name: {"user": fake.user, "password": {"file": str(folder / "password")}}
            | ({} if fake.connects_to else {"url": fake.base})
            for fake in fakes
        },
        "number": "PJSIP/{number}@trunk",
        "trusted": ["trunk"],
        "speak": {"command": TEXT_AS_SOUND, "folder": str(fakes[0].sounds)},
    }


def told_apart(*fakes: FakeAsterisk) -> None:
    """The sample agents' telephones, by the names their plan knows them by."""
    for fake in fakes:
        fake.aliases.update({f"PJSIP/{number}": f"sip:{number}@pbx" for number in range(1, 8)})


def adapter_of(app: web.Application) -> AriAdapter:
    """The one that the application made for itself."""
    for resource in app.router.resources():
        for route in resource:
            hooks = getattr(route.handler, "__self__", None)
            if isinstance(hooks, AriHooks):
                adapter = getattr(hooks._part, "__self__", None)
                assert isinstance(adapter, AriAdapter)
                return adapter
    raise AssertionError("no adapter")


@asynccontextmanager
async def house_of(
    database: str, folder: Path, fake: FakeAsterisk, *others: FakeAsterisk, change: Change | None = None
) -> AsyncIterator[House]:
    """The service on `fake`, which runs as long; `others` are in the plan too, and run already."""
    at, base = listening()
    if fake.connects_to == "service":
        fake.connects_to = f"{base}/hooks/ari/main/{fake.name}"
    told_apart(fake, *others)
    set_second(1 / fake.speed)
    try:
        async with fake.running(), serving(database, folder, at, fake, *others, change=change) as found:
            yield found
            await fake.fall_silent()
    finally:
        set_second(1.0)


@asynccontextmanager
async def serving(
    database: str,
    folder: Path,
    at: socket.socket,
    *fakes: FakeAsterisk,
    change: Change | None = None,
    leads: bool = True,
) -> AsyncIterator[House]:
    """One service process in this one. `leads`: it is to speak with Asterisk before anything else happens."""

    def there(plan: dict[str, Any]) -> None:
        plan["telephony"] = {"ari": section(folder, *fakes)}
        if change is not None:
            change(plan)

    config = write_config(folder / "config", there)
    base = f"http://127.0.0.1:{at.getsockname()[1]}"
    async with service.serving(database, config, at=at, public_url=base) as api:
        house = House(api, fakes[0], adapter_of(api.app))
        if leads:
            await wait_until(lambda: house.adapter.is_ready("main"))
        try:
            yield house
        finally:
            api.app[FLIGHTS].stopping = True
