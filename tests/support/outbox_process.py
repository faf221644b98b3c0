"""An outbox in a process of its own, to be frozen and killed: its provider is whoever listens at an address.

`python -m tests.support.outbox_process REDIS CONFIG PROVIDER`
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from config.loading import load_config
from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayUnknown
from ivr.vocabulary import Action, Originate
from router.site import Site
from router.store.connect import open_store
from router.telephony.dispatch import Outbox
from tests.support.fake_gateway import ALL

LEASE_MS, CLAIM_MS = 400, 1_000


@dataclass
class FarGateway:
    """Asks whether it may send, then sends: a test may stop the process before, between and after."""

    base: str
    session: aiohttp.ClientSession
    capabilities: Capabilities = ALL

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        kind = type(action).__name__.lower()
        try:
            await self._post(f"before/{kind}/{action.leg_id}")
            return Done(await self._post(f"{kind}/{action.leg_id}/{leg or ''}") or leg)
        except aiohttp.ClientError:
            raise GatewayUnknown("lost") from None

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        return await self._post(f"find/{action.leg_id}") or None

    async def _post(self, path: str) -> str:
        async with self.session.post(f"{self.base}/{path}") as answer:
            return await answer.text()


@dataclass
class FarProvider:
    """`gates`: beginnings of paths that are not answered until somebody says so. `asked`: every path, in order."""

    base: str = ""
    asked: list[str] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FarProvider]:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield self
        for gate in self.gates.values():
            gate.set()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.asked.append(path)
        what, _, leg_id = path.partition("/")
        answer = ""
        if what == "originate":
            leg_id = leg_id.rstrip("/")
            self.placed.append(leg_id)
            answer = f"sid-{len(self.placed)}"
        elif what == "find" and leg_id in self.placed:
            answer = f"sid-{self.placed.index(leg_id) + 1}"
        for beginning, gate in list(self.gates.items()):
            if path.startswith(beginning):
                await gate.wait()
        return web.Response(text=answer)

    def ended(self) -> list[str]:
        """The provider's ids of the legs that were ended."""
        return [path.rpartition("/")[2] for path in self.asked if path.startswith("terminate/")]


@asynccontextmanager
async def outbox_process(server: str, config: Path, provider: FarProvider) -> AsyncIterator[asyncio.subprocess.Process]:
    """Leads as soon as it can; whatever was done to it, it is gone afterwards."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.outbox_process", server, str(config), provider.base,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        assert await asyncio.wait_for(child.stdout.readline(), 20) == b"running\n"
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def freeze(child: asyncio.subprocess.Process) -> None:
    os.kill(child.pid, signal.SIGSTOP)


def thaw(child: asyncio.subprocess.Process) -> None:
    os.kill(child.pid, signal.SIGCONT)


async def main(redis: str, config: str, provider: str) -> None:
    store = await open_store(redis)
    site = Site("main", store.channel_for("main"))
    await site.keeper.start(load_config(Path(config))["main"].plan)
    async with aiohttp.ClientSession() as session:
        gateway = FarGateway(provider, session)
        outbox = Outbox(
            site, {"fake": gateway}, store.blocking("main"), lease_ms=LEASE_MS, claim_ms=CLAIM_MS, pause_s=0.05
        )
        print("running", flush=True)
        await outbox.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
