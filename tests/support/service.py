"""The whole service in this process, over a real socket, on a database of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import redis
from aiohttp import web
from yarl import URL

from config.settings import Settings
from config.source import read_source
from ivr.adapter import Adapter
from router.api.server import Runner
from router.app import create_app
from router.app_keys import SERVICE
from router.process import port_of
from router.site import Site
from tests.support.waiting import wait_until

SECRET = "a-secret-of-the-test"
SAMPLE = Path(__file__).resolve().parents[2] / "config"
DATABASE = 1
LONG_S = 15.0

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Answered:
    """A response, read."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def slug(self) -> str:
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.text
        return str(self.json["type"])


class Api:
    """A client with a token. `as_` gives one with another."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str | None, app: web.Application) -> None:
        self._session = session
        self.base = base
        self.token = token
        self.app = app

    @property
    def site(self) -> Site:
        return self.app[SERVICE].sites["main"]

    async def ask(self, method: str, path: str, body: Any = None, raw: Any = None, **headers: str) -> Answered:
        """Header names are written with underscores; `body` is sent as JSON, `raw` as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        url = URL(self.base + path, encoded=True)
        async with self._session.request(
            method, url, data=raw, headers=sent, allow_redirects=False, skip_auto_headers=("Content-Type",)
        ) as response:
            return Answered(response.status, response.headers.copy(), await response.text())

    async def get(self, path: str, **headers: str) -> Answered:
        return await self.ask("GET", path, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> Answered:
        return await self.ask("PUT", path, body, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answered:
        return await self.ask("POST", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Answered:
        return await self.ask("DELETE", path, **headers)

    async def as_(self, role: str, **more: Any) -> Api:
        made = await self.post("/v1/tokens", {"role": role, **more})
        assert made.status == 201, made.text
        return self.with_token(made.json["secret"])

    def with_token(self, token: str | None) -> Api:
        return Api(self._session, self.base, token, self.app)

    async def ready(self, *agent_ids: str) -> None:
        for agent_id in agent_ids:
            answered = await self.put(f"/v1/agents/{agent_id}/state", {"state": "ready"})
            assert answered.status == 200, answered.text

    async def call(self, call_id: str, number: str | None = None, **more: Any) -> Any:
        answered = await self.post("/v1/calls", {"call_id": call_id, "from": number, "to": "+12025550199", **more})
        assert answered.status in (200, 201), answered.text
        return answered.json

    async def look(self, call_id: str) -> Any:
        return (await self.get(f"/v1/calls/{call_id}")).json

    async def accept(self, call: Any) -> Any:
        """The agent a call is offered to takes it."""
        offer = call["offer"]
        agent = await self.as_("agent", site="main", agent_id=offer["agent_id"])
        answered = await agent.post(f"/v1/offers/{offer['offer_id']}/accept")
        assert answered.status == 200, answered.text
        return answered.json


@dataclass
class Watched:
    """A service whose calls and agents are waited for."""

    api: Api

    async def until(self, call_id: str, **expected: Any) -> None:
        async def holds() -> bool:
            found = await self.api.look(call_id)
            return all(found.get(name) == value for name, value in expected.items())

        await wait_until(holds, timeout=LONG_S)

    async def agent_is(self, agent_id: str, *states: str, **more: Any) -> None:
        async def holds() -> bool:
            found = (await self.api.get(f"/v1/agents/{agent_id}")).json
            return found["state"] in states and all(found.get(name) == value for name, value in more.items())

        await wait_until(holds, timeout=LONG_S)


def write_config(folder: Path, change: Change | None = None, sites: tuple[str, ...] = ()) -> Path:
    """The sample site's files, its plan changed; `sites` get copies."""
    places = [folder, *(folder / "sites" / name for name in sites)]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        for file in SAMPLE.glob("*.yaml"):
            shutil.copy(file, place / file.name)
    if change is not None:
        write_plan(folder, change)
    return folder


def changed(text: str, change: Change) -> bytes:
    """The plan with something changed."""
    plan = read_source(text, "plan.yaml").value
    change(plan)
    return json.dumps(plan).encode()  # which is YAML as well, and much faster to write


def write_plan(folder: Path, change: Change) -> None:
    path = folder / "plan.yaml"
    path.write_bytes(changed(path.read_text(), change))


def listening() -> tuple[socket.socket, str]:
    """Where a service will be, for those who must know before it is: give `serving` the socket."""
    found = socket.create_server(("127.0.0.1", 0))
    return found, f"http://127.0.0.1:{found.getsockname()[1]}"


@contextlib.asynccontextmanager
async def serving(
    server: str,
    config: Path,
    *,
    at: socket.socket | None = None,
    adapters: Sequence[Adapter] | None = None,
    **settings: Any,
) -> AsyncIterator[Api]:
    """A running service with its admin's client."""
    chosen = Settings(
        **{"listen": "127.0.0.1:0", "data": config, "config": config, "redis": f"{server}?db={DATABASE}", **settings}
    )
    app = create_app(chosen, SECRET, adapters=adapters)
    runner = Runner(app, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.SockSite(runner, at or listening()[0]).start()
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield Api(session, f"http://127.0.0.1:{port_of(runner)}", SECRET, app)
    finally:
        await runner.cleanup()


def flush(server: str) -> None:
    with redis.Redis.from_url(f"{server}?db={DATABASE}") as client:
        client.flushdb()
