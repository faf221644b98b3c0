"""Our Twilio adapter and Twilio's stand-in, talking over real sockets."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from config.parts import Secret
from ivr.twilio.addresses import OVERRIDES
from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import Keyring, Section
from ivr.twilio.rest import Rest
from ivr.twilio.webhooks import HookedSite, TwilioHooks
from loadtests.carriers.twilio import FakeTwilio
from tests.support.plans import site as a_plan
from tests.support.tiny_desk import TinyDesk

TOKEN = "a-token-of-the-test"
MAIN = "+12025550100"
CALLER = "+12025550123"


@dataclass
class Stage:
    twilio: FakeTwilio
    desk: TinyDesk
    gateway: TwilioGateway
    base: str
    folder: Path

    def url(self, path: str) -> str:
        return f"{self.base}/hooks/twilio/main/{path}"


def descriptions(request: pytest.FixtureRequest) -> Path | None:
    """The reference folder; None where it is absent: the stories are told all the same, only less strictly."""
    try:
        found: Path = request.getfixturevalue("reference")
    except pytest.skip.Exception:
        return None
    return found


@asynccontextmanager
async def stage(folder: Path, reference: Path | None, speed: float = 50.0) -> AsyncIterator[Stage]:
    """`folder` keeps the secrets' files; `reference` (or None) the descriptions everything is checked by."""
    twilio = FakeTwilio(TOKEN, speed=speed, reference=reference)
    (folder / "account").write_text(twilio.account)
    (folder / "token").write_text(TOKEN)
    section: Section = {
        "account_sid": Secret(file=str(folder / "account")),
        "auth_token": Secret(file=str(folder / "token")),
    }
    keyring = Keyring(lambda: section, lambda: twilio.base, look_every_s=0)
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with twilio.running():
        rest = Rest(timeout_s=0.5)
        gateway = TwilioGateway(base, lambda site: keyring.keys, rest)
        desk = TinyDesk()
        app = web.Application()
        hooks = TwilioHooks(base)
        hooks.serve({"main": HookedSite(desk, gateway, lambda: keyring.keys, a_plan)})
        app.add_routes(hooks.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, auto_decompress=False)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        found = Stage(twilio, desk, gateway, base, folder)
        twilio.number(MAIN, found.url("voice") + OVERRIDES, found.url("status"), found.url("fallback"))
        try:
            yield found
        finally:
            await twilio.fall_silent()
            await gateway.close()
            await runner.cleanup()
