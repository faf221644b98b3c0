"""What a site says of a wait: the forecasts of whichever process learns, put to one call or queue.

A call goes by the forecast of its acceptance. So its estimate changes with the calls ahead, and an owner's with the
owner; it never grows because time passes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from router.domain.estimates import Forecast, Forecasts, in_ms
from router.domain.judging import Announcement, Estimate, Quality, announce, may_announce
from router.domain.talks import until_free
from router.events.estimating import read_forecasts
from router.events.learning import group_of
from router.logging_ import say
from router.store.engine import Engine
from router.store.rows import AgentFacts, CallRow, CallView

FOLLOW_S = 0.5

log = logging.getLogger("vipline.estimates")


def wall_clock() -> int:
    return int(time.time() * 1000)


class Estimates:
    """One site's, in one process."""

    def __init__(self, engine: Engine, clock: Callable[[], int] = wall_clock) -> None:
        self._engine = engine
        self._clock = clock
        self._forecasts = Forecasts()
        self._seen = b""

    async def follow(self) -> None:
        """Keep up with what is learned, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception as error:
                say(log, logging.WARNING, "estimates not followed", error=type(error).__name__)
            await asyncio.sleep(FOLLOW_S)

    async def refresh(self) -> None:
        """Fetch the forecasts if there is a new one."""
        connection, keys = self._engine.connection, self._engine.keys
        count = await connection.call("HGET", keys.own("est"), "forecasts") or b""
        if count != self._seen:
            self._forecasts = read_forecasts(await connection.call("LRANGE", keys.own("est:f"), "0", "-1"))
            self._seen = count

    @property
    def quality(self) -> Quality:
        """How the last hour's answers agreed with what was said, for metrics."""
        newest = self._forecasts.newest
        return newest.quality if newest else Quality()

    @property
    def owners(self) -> Quality:
        """The same of what was said of owners."""
        newest = self._forecasts.newest
        return newest.owners if newest else Quality()

    def announcement(self, estimate: Estimate | None, of_owner: bool = False) -> Announcement | None:
        """What a caller may be told; None when it is not known, or would not be honest."""
        quality = self.owners if of_owner else self.quality
        return announce(estimate) if estimate is not None and may_announce(quality) else None

    def told(self, view: CallView, now_ms: int) -> Announcement | None:
        """What the caller of this call may be told now: nothing once the time it was told has passed."""
        told = view.told
        if told is not None and now_ms > told.at_ms + told.p90_ms:
            return None
        return self.announcement(self.seen(view), _for_owner(view.row))

    def arriving(self, group: str, tier: str = "", ahead: int = 0) -> Estimate | None:
        """The wait of a caller who would come to a group now."""
        newest = self._forecasts.newest
        return newest.wait(group, tier, ahead) if newest else None

    async def of(self, row: CallRow) -> Estimate | None:
        """What is left of a call's wait; None when nobody can say or serves it, or when it waits no longer."""
        view = await self._engine.view_call(row.call_id) if row.letter in "qwo" else None
        return self.seen(view) if view else None

    def seen(self, view: CallView) -> Estimate | None:
        """The same, by what was read of the call: nothing more is asked."""
        row = view.row
        forecast = self._forecasts.at(row.facts.accepted_ms)
        if forecast is None or row.rank is None or row.letter not in "qwo":
            return None
        if row.letter == "o":
            # An agent is being rung: any moment, at the latest when the offer ends.
            due_ms = view.agent.due_ms if view.agent else None
            return None if due_ms is None else Estimate(0, max(0, due_ms - self._clock()))
        groups = [lane for lane in row.lanes if group_of(lane)]
        if _for_owner(row):
            owners = [lane for lane in row.lanes if not group_of(lane)]
            return self._agent_free(view.agent, forecast, view.counts.get(owners[-1], 0)) if owners else None
        # Every further lane can only help: the soonest of them counts.
        served = [lane for lane in groups if lane not in view.deserted]
        found = [forecast.wait(group_of(lane), row.facts.tier, view.counts.get(lane, 0)) for lane in served]
        known = [each for each in found if each is not None]
        if not known:
            return None
        return Estimate(min(each.p50_ms for each in known), min(each.p90_ms for each in known))

    async def until_free(self, agent_id: str, accepted_ms: int, rank: int | None = None) -> Estimate | None:
        """When an agent will turn to a call accepted then, in the agent's own lane at that rank (None: last in it)."""
        forecast = self._forecasts.at(accepted_ms)
        if forecast is None:
            return None
        engine, below = self._engine, "+inf" if rank is None else f"({rank}"
        found, ahead, due = await engine.connection.call_many(
            [
                ["HMGET", engine.keys.agent(agent_id), "st", "sn"],
                ["ZCOUNT", engine.keys.lane(f"@{agent_id}"), "-inf", below],
                ["ZSCORE", engine.keys.deadlines, f"a:{agent_id}"],
            ]
        )
        words = [(word or b"").decode() for word in (*found, due)]
        return self._agent_free(AgentFacts.parse(";".join(words)) if words[0] else None, forecast, int(ahead))

    def _agent_free(self, agent: AgentFacts | None, forecast: Forecast, ahead: int) -> Estimate | None:
        rest = self._rest(agent, forecast)
        if rest is None or (ahead and not forecast.talks.known):
            return None
        return in_ms(until_free(forecast.talks, rest, self._engine.timing.wrap_up_ms / 1000, ahead))

    def _rest(self, agent: AgentFacts | None, forecast: Forecast) -> tuple[float, float] | None:
        """p50 and p90, s, of what the agent is at now; None for one who is away."""
        if agent is None or agent.letter in "xb":
            return None
        now_ms = self._clock()
        if agent.letter in "ot":
            if not forecast.talks.known:
                return None
            elapsed_s = max(0, now_ms - agent.since_ms) / 1000 if agent.letter == "t" else 0.0
            p50, p90 = forecast.talks.rest(elapsed_s)
            wrap_up_s = self._engine.timing.wrap_up_ms / 1000
            return p50 + wrap_up_s, p90 + wrap_up_s
        left_s = max(0.0, agent.due_ms - now_ms) / 1000 if agent.due_ms is not None and agent.letter in "wc" else 0.0
        return left_s, left_s


def _for_owner(row: CallRow) -> bool:
    """Whether a call's wait is one for its owner alone."""
    return row.letter == "q" or not any(map(group_of, row.lanes))
