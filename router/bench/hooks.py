"""What a signed hook costs this process: beside a handler that only reads the same form, in the same process.

Everything from the socket to the reply is in it: parsing, signature, desk, scripts, document. Readers of the event
stream and log lines are not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import web

from config.people import CustomerSeed
from ivr.desk import Desk
from ivr.twilio.provider import Twilio
from router.api.middleware import around
from router.bench.beside import Beside, Floor
from router.bench.carrier import (
    CALLER,
    PUBLIC,
    Requests,
    call_ids,
    fields_of,
    pages,
    request_of,
    voices,
)
from router.bench.goals import FIRST_HOOKS, FURTHER_HOOKS
from router.bench.plan import bench_plan
from router.bench.serving import FLOOR, form_only, listening, sending
from router.domain.estimates import Forecast
from router.domain.fitting import Curve
from router.domain.ladder import Ladder, Profile, Step
from router.domain.talks import Talks
from router.site import Site
from router.store.channel import Channel

CALLS = 400
ROUNDS = 7
FIRST, ASKED, RUNG = FIRST_HOOKS
TICK, ANSWER, WHISPER, KEY, BRIDGE = FURTHER_HOOKS

_sites = count(1)


@asynccontextmanager
async def hooked_site(url: str) -> AsyncIterator[tuple[Site, Twilio]]:
    """A site with Twilio's hooks on a server of the bench; waits are known, so that they are announced."""
    channel = await Channel.open(url)
    site, twilio = Site(f"hooks{next(_sites)}", channel), Twilio(PUBLIC)
    with bench_plan() as plan:
        await site.engine.load_scripts()
        await site.keeper.start(plan)
        await _teach(site)
        twilio.serve(site.name, Desk(site), lambda: site.plan)
        try:
            yield site, twilio
        finally:
            await twilio.close()
            await site.directory.close()
            await channel.close()


async def _teach(site: Site) -> None:
    """As if it had learned: waits are announced."""
    talks = Talks()
    for _ in range(30):
        talks = talks.learn(180)
    curve = Curve(100, 60.0, 30.0, (0.8,) * 4, (2.0,) * 4)
    await site.channel.call("RPUSH", site.keys.own("est:f"), Forecast(0, {";": curve}, {}, talks).dump())
    await site.channel.call("HINCRBY", site.keys.own("est"), "forecasts", 1)
    await site.estimates.refresh()


async def cpu_ratios(url: str, rounds: int = ROUNDS, cores: Iterable[int] = ()) -> dict[str, float]:
    """Hook → its CPU ÷ the floor's around it, the median of paired rounds; and `floor`, µs.

    `cores`: where the process that sends may run.
    """
    async with (
        hooked_site(url) as (site, twilio),
        listening(twilio.routes(), around) as port,
        listening([web.post("/form", form_only)]) as bare,
        sending(cores) as sender,
    ):
        form = request_of("/form", fields_of("CA" + "1" * 32, CALLER))
        beside = Beside(sender, port, Floor(bare, FLOOR, [form] * CALLS), (*FIRST_HOOKS, *FURTHER_HOOKS))
        return await beside.ratios(Play(site, beside), rounds)


class Play:
    """Callers who wait, callers who are asked, callers who are rung for: every hook once a round."""

    def __init__(self, site: Site, beside: Beside) -> None:
        self._site, self._beside = site, beside
        self._ids = call_ids()
        self._numbers = (f"+1202{number}" for number in count(2_000_000))

    async def open(self) -> None:
        """An owner who talks, and is on duty for those who wait."""
        await self._put("busy", "asked", "vip")
        step = Step("own", ("@busy",))
        version = self._site.active.version
        routed = await self._site.engine.route_call("talk", Ladder(0, (step,), 3_600_000), plan_version=version)
        await self._site.engine.accept_offer("talk", "busy", routed.offer_id or "")

    async def round(self, number: int) -> None:
        calls = await self._come(f"wait-{number}", "nobody", FIRST, b"<Enqueue")
        await self._beside.block(TICK, self._pages("hold", dict.fromkeys(calls, "1")), b"Expected wait")
        await self._leave(calls)
        calls = await self._come(f"ask-{number}", "busy", ASKED, b"another customer")
        await self._beside.block(ANSWER, self._pages("question", dict.fromkeys(calls, "1"), Digits="2"), b"<Enqueue")
        await self._leave(calls)
        await self._ring(number)

    async def _ring(self, number: int) -> None:
        engine, agents = self._site.engine, [f"agent-{number}-{place}" for place in range(CALLS)]
        await asyncio.gather(*(self._put(agent, "vip") for agent in agents))
        calls = await self._come(f"ring-{number}", "nobody", RUNG, b"<Enqueue")
        rows = await engine.read_calls(calls)
        offers = {row.call_id: row.offer_id or "" for row in rows if row is not None}
        await self._beside.block(WHISPER, self._pages("whisper", offers), b"Press 1")
        await self._beside.block(KEY, self._pages("accept", offers, Digits="1"), b"<Redirect")
        await self._beside.block(BRIDGE, self._pages("bridged", offers), b"<Response/>")
        await asyncio.gather(*(engine.complete_call(call) for call in calls))
        await asyncio.gather(*(engine.delete_agent(agent) for agent in agents))

    async def _come(self, name: str, owner: str, hook: str, expected: bytes) -> list[str]:
        """New gold customers, each with a number of her own, call."""
        numbers, calls = [next(self._numbers) for _ in range(CALLS)], [next(self._ids) for _ in range(CALLS)]
        seeds = [
            CustomerSeed(
                customer_id=f"{name}-{place}", name=f"Ada Example {place}", title="Ms", phones=(number,),
                annual_value=12_000, owner=owner, birthday="1984-05-03", notes="prefers mornings", tags=("key",),
            )
            for place, number in enumerate(numbers)
        ]  # fmt: skip
        await self._site.customers.put_many(seeds)
        await self._beside.block(hook, voices(self._site.name, calls, numbers), expected)
        return calls

    def _pages(self, page: str, steps: Mapping[str, str], **more: str) -> Requests:
        return pages(self._site.name, page, steps, **more)

    async def _leave(self, calls: Sequence[str]) -> None:
        await asyncio.gather(*(self._site.engine.abandon_call(call) for call in calls))

    async def _put(self, agent_id: str, *groups: str) -> None:
        levels = dict.fromkeys(groups, 1)
        card = json.dumps({"name": "Chen Jie", "groups": levels, "skills": [], "endpoint": "client:a"})
        await self._site.engine.put_agent(agent_id, Profile(levels, frozenset()), card)
        await self._site.engine.agent_ready(agent_id)
