"""From a free agent to the command that rings their telephone: engine, event stream, outbox, the gateway's door."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence

from ivr.capabilities import Capabilities
from ivr.gateway import Done
from ivr.vocabulary import Action, Originate
from router.bench.hooks import hooked_site
from router.domain.ladder import Ladder, Profile, Step
from router.site import Site
from router.store.channel import Channel
from router.telephony.dispatch import Outbox

TIMES, WARM = 300, 20
PROVIDER = "bench"
LONGEST_S, WAITS_S = 5.0, 15.0


class Carrier:
    """A gateway that notes when it is told to ring."""

    capabilities = Capabilities(
        interrupt=True, dtmf_in_hold=True, whisper=True, native_tts=True, amd=False, stir=False, answer_control=False,
        max_document_bytes=64_000, answer_within_ms=15_000,
    )  # fmt: skip

    def __init__(self) -> None:
        self.rung: asyncio.Queue[float] = asyncio.Queue()

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        if isinstance(action, Originate):
            self.rung.put_nowait(time.perf_counter())
        return Done(action.leg_id)

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        return None


async def rings(url: str, times: int = TIMES) -> list[float]:
    """How long each took, ms, shortest first; one after the other, nothing else going on."""
    carrier = Carrier()
    async with hooked_site(url) as (site, _):
        connection = await Channel.open(url, deadline_s=WAITS_S)
        running = asyncio.create_task(Outbox(site, {PROVIDER: carrier}, connection).run())
        try:
            took = [await _one(site, carrier, number) for number in range(times + WARM)]
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await connection.close()
    return sorted(took[WARM:])


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _one(site: Site, carrier: Carrier, number: int) -> float:
    """A caller waits, the agent becomes free and is rung, the caller hangs up."""
    engine, call_id = site.engine, f"ring-{number}"
    card = json.dumps({"name": "Ann", "groups": {"vip": 1}, "skills": [], "endpoint": "client:ann"})
    await engine.put_agent("ann", Profile({"vip": 1}, frozenset()), card)
    ladder = Ladder(0, (Step("vip", ("vip",)),), 600_000)
    meta = json.dumps({"to": "+12025550199", "provider": PROVIDER})
    await engine.route_call(call_id, ladder, plan_version=site.active.version, kind="adapter", meta=meta)
    started = time.perf_counter()
    await engine.agent_ready("ann")
    async with asyncio.timeout(LONGEST_S):
        rung = await carrier.rung.get()
    await engine.abandon_call(call_id)
    await engine.agent_away("ann", "offline")
    return (rung - started) * 1000
