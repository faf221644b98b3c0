"""What a request over the API costs this process: beside a handler that only reads the same JSON, in the same process.

From the socket to the reply: token, body, limits, look-up, policy, scripts, document; and the reader of the stream that
keeps timelines, since an answer shows one, and reads what the reader has not come to yet. Other readers and log lines
are not in it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import web

from router.api.agents import agents
from router.api.calls import calls
from router.api.middleware import around
from router.api.server import routes_of
from router.bench.beside import Beside, Floor
from router.bench.carrier import Requests
from router.bench.goals import CREATED, CREATED_OFFERED, READY, READY_OFFERED
from router.bench.plan import bench_plan
from router.bench.serving import ANSWER, json_only, listening, sending
from router.domain.ladder import Profile
from router.events.history import GROUP, TYPES
from router.events.stream import GroupReader
from router.service import Service
from router.site import Site
from router.store.connect import Store, open_store
from router.store.keyspace import service_key
from router.store.tokens import Tokens

COUNT = 400
"""Requests of a block, and agents."""
ROUNDS = 7
BEARER, CALLED = "the-bench", "+12025550199"
STEPS = (CREATED, READY_OFFERED, CREATED_OFFERED, READY)

_sites = count(1)


async def cpu_ratios(url: str, rounds: int = ROUNDS, cores: Iterable[int] = ()) -> dict[str, float]:
    """What is asked → its CPU ÷ the floor's around it, the median of paired rounds; and `floor`, µs.

    `cores`: where the process that sends may run.
    """
    store = await open_store(url)
    try:
        site = Site(f"api{next(_sites)}", store.channel_for("api"))
        channel = store.channel_for("vipline")
        tokens = Tokens(channel, service_key("tokens", site.name), BEARER)
        service = Service(store, channel, tokens, {site.name: site}, "bench")
        await site.engine.load_scripts()
        with bench_plan() as plan:
            await site.keeper.start(plan)
        async with (
            listening(routes_of((*calls.all, *agents.all)), around, service=service) as port,
            listening([web.route("*", "/{what:.*}", json_only)]) as bare,
            keeping_timelines(store, site),
            sending(cores) as sender,
        ):
            beside = Beside(sender, port, Floor(bare, ANSWER), STEPS)
            ratios = await beside.ratios(Play(site, beside), rounds)
        await site.directory.close()
        return ratios
    finally:
        await store.close()


@asynccontextmanager
async def keeping_timelines(store: Store, site: Site) -> AsyncIterator[None]:
    """Reads the stream meanwhile, as the service does."""
    connection = store.blocking(site.name)
    reading = asyncio.create_task(
        GroupReader(connection, site.keys.events, GROUP, "bench", site.history.handle, TYPES).run()
    )
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        await connection.close()


class Play:
    """Calls that wait, agents who take them, calls that are offered at once, agents for whom nobody waits."""

    def __init__(self, site: Site, beside: Beside) -> None:
        self._site, self._beside = site, beside
        self._numbers = (f"+1202{number}" for number in count(2_000_000))
        self._agents = [f"agent-{number}" for number in range(COUNT)]

    async def open(self) -> None:
        """Agents of the group that serves everybody; none is ready."""
        card = json.dumps({"name": "Chen Jie", "groups": {"general": 1}, "skills": [], "endpoint": "client:a"})
        profile = Profile({"general": 1}, frozenset())
        await asyncio.gather(*(self._site.engine.put_agent(agent, profile, card) for agent in self._agents))

    async def round(self, number: int) -> None:
        waiting, ready = f"wait-{number}", f"ready-{number}"
        await self._beside.block(CREATED, self._calls(waiting), b'"waiting"', 201)
        await self._beside.block(READY_OFFERED, self._states(), b'"offered"')
        await self._leave(waiting)
        await self._away()
        await self._beside.block(READY, self._states(), b'"ready"')
        await self._beside.block(CREATED_OFFERED, self._calls(ready), b'"offered"', 201)
        await self._leave(ready)
        await self._away()

    def _calls(self, name: str) -> Requests:
        bodies = [{"call_id": f"{name}-{at}", "from": next(self._numbers), "to": CALLED} for at in range(COUNT)]
        return [self._request("POST", "/v1/calls", body) for body in bodies]

    def _states(self) -> Requests:
        return [self._request("PUT", f"/v1/agents/{agent}/state", {"state": "ready"}) for agent in self._agents]

    def _request(self, method: str, path: str, body: dict[str, str]) -> bytes:
        raw = json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: bench.example\r\nAccept: */*\r\nX-Site: {self._site.name}\r\n"
            f"Authorization: Bearer {BEARER}\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        return head.encode() + raw

    async def _leave(self, name: str) -> None:
        await asyncio.gather(*(self._site.engine.abandon_call(f"{name}-{at}") for at in range(COUNT)))

    async def _away(self) -> None:
        await asyncio.gather(*(self._site.engine.agent_away(agent, "break", "") for agent in self._agents))
