"""Is the process alive, may it be sent calls, and what can it do."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from router.api import live_page
from router.api.auth import COOKIE
from router.api.docs import STYLE, page
from router.api.reply import Reply
from router.api.route import Routes
from router.api.shapes import Answer
from router.app_keys import DOCUMENT, FLIGHTS, SERVICE
from router.domain.events import order
from router.events.history import GROUP
from router.events.trimmer import HARD_LIMIT, Trimmer
from router.service import Service

health = Routes("Service")

FRESH_S = 1.0
LAG_MAX_MS = 60_000
LOOK_S = 1.0


class Alive(Answer):
    status: str
    version: str


class Readiness(Answer):
    ready: bool
    problems: list[str] = Field(description="what keeps it from serving")
    warnings: list[str] = Field(description="what should be looked at")


class Ready:
    """Looks at most once a second, whoever asks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._until = 0.0
        self._last: dict[str, Any] = {}
        self._looking = asyncio.Lock()

    async def look(self) -> dict[str, Any]:
        async with self._looking:
            if time.monotonic() >= self._until:
                problems, warnings = await self._examine()
                self._last = {"ready": not problems, "problems": problems, "warnings": warnings}
                self._until = time.monotonic() + FRESH_S
            return self._last

    async def _examine(self) -> tuple[list[str], list[str]]:
        names = list(self._service.sites)
        try:
            async with asyncio.timeout(LOOK_S):
                problems = await self._service.store.problems()
            if problems:
                return problems, []
        except TimeoutError:
            return ["the store does not answer"], []
        troubles = await asyncio.gather(*map(self._site_troubles, names))
        found = [f"site {name}: {trouble}" for name, trouble in zip(names, troubles, strict=True) if trouble]
        broken = [f"site {name}: {what}" for name, what in self._service.broken.items()]
        # A site that is full, behind or away refuses or waits by itself; only when none can serve are we of no use.
        return (found, broken) if all(troubles) else ([], found + broken)

    async def _site_troubles(self, name: str) -> str:
        try:
            async with asyncio.timeout(LOOK_S):
                return await self._look_at(name)
        except Exception as error:
            return f"its store does not answer ({type(error).__name__})"

    async def _look_at(self, name: str) -> str:
        site = self._service.sites[name]
        length = await site.channel.call("XLEN", site.keys.events)
        if length >= HARD_LIMIT:
            return "its event stream is full, new calls are refused"
        trimmer = Trimmer(site.channel, site.keys)
        for group in await trimmer.groups() if length else ():
            if group.name != GROUP or group.owes is None:
                continue
            behind_ms = await trimmer.server_ms() - order(group.owes)[0]
            if behind_ms > LAG_MAX_MS:
                return f"timelines are {behind_ms // 1000} s behind"
        return ""


READINESS = web.AppKey("readiness", Ready)


@health.get("/healthz", roles=None, answers={200: Alive}, in_site=False)
async def alive(request: web.Request) -> Reply:
    """Whether the process runs."""
    return Reply.json({"status": "ok", "version": request.app[SERVICE].version})


@health.get("/readyz", roles=None, answers={200: Readiness, 503: Readiness}, in_site=False)
async def ready(request: web.Request) -> Reply:
    """Whether it may be sent calls: the store is reachable and fit, scripts run, streams are not lagging."""
    if request.app[FLIGHTS].stopping:
        return Reply.json({"ready": False, "problems": ["this process is stopping"], "warnings": []}, 503)
    state = await request.app[READINESS].look()
    return Reply.json(state, 200 if state["ready"] else 503)


@health.get("/openapi.json", roles=None, answers={200: dict[str, Any]}, in_site=False)
async def openapi(request: web.Request) -> Reply:
    """This description."""
    return Reply.json(request.app[DOCUMENT]())


@health.get("/docs", roles=None, answers={200: "text/html"}, in_site=False)
async def docs(request: web.Request) -> Reply:
    """This description, to read."""
    described = request.app[DOCUMENT]()
    return Reply(200, page(described).encode(), "text/html")


@health.get("/docs.css", roles=None, answers={200: "text/css"}, in_site=False)
async def style(request: web.Request) -> Reply:
    """How it looks."""
    return Reply(200, STYLE.encode(), "text/css")


@health.get("/live", roles=None, answers={200: "text/html"}, in_site=False)
async def live_view(request: web.Request) -> Reply:
    """The supervisor's page: queues, agents and calls as they change, and why."""
    return live_page.page()


@health.get("/", roles=None, answers={303: None}, in_site=False)
async def home(request: web.Request) -> Reply:
    """The live view. `?token=` is kept in this browser first, good for reading only.

    An empty one signs out; one that nobody knows changes nothing, and the page says so.
    """
    secret = request.query.get("token")
    if secret is None:
        return Reply(303, headers={"Location": "live"})
    if secret and await request.app[SERVICE].tokens.find(secret) is None:
        return Reply(303, headers={"Location": "live#refused=1"})
    secure = "; Secure" if request.scheme == "https" else ""
    cookie = f"{COOKIE}={quote(secret, safe='')}; Path=/; HttpOnly; SameSite=Strict{secure}"
    return Reply(303, headers={"Location": "live", "Set-Cookie": cookie if secret else f"{cookie}; Max-Age=0"})
