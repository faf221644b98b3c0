"""Queues: one for each group, with what waits there and who serves it."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from config.models import SitePlan
from router.api.call_view import CallSummary, Estimate, call_summaries, estimate_shown
from router.api.paging import Page, cursor_at
from router.api.problem import invalid, not_found
from router.api.reply import Reply
from router.api.route import SUPERVISOR, Ctx, Routes
from router.api.shapes import Answer, Body, Instant, Listing, When, listing
from router.api.times import ms_of, rfc3339
from router.domain.events import AGENT_STATES
from router.events.levels import WINDOW_MS, Level, level
from router.relay import live_calls
from router.site import Site
from router.store.rows import CallFacts

queues = Routes("Queues")

IN_LINE = frozenset({b"w", b"q"})


class ServiceLevel(Answer):
    variant: str = Field(description="`net`: answered within the target / (answered + abandoned − short abandoned)")
    window_ms: int
    within_ms: int
    target_percent: float
    percent: float | None = Field(description="null when no call counts yet")


class TierLine(Answer):
    tier: str
    waiting: int
    longest_wait_ms: int | None
    service_level: ServiceLevel
    estimate_ms: Estimate | None = Field(description="the wait of such a caller coming now; null over all groups")


class Queue(Answer):
    group: str
    title: str
    open: bool
    until: When | None = Field(description="when a closed queue opens by itself")
    message: str | None
    waiting: int
    longest_wait_ms: int | None
    agents: dict[str, int] = Field(description="agents of the group by state")
    service_level: ServiceLevel
    estimate_ms: Estimate | None = Field(description="the wait of a caller who would come last; null until known")
    tiers: list[TierLine]


class Queues(Answer):
    """`tiers` counts every caller once, also those who stand in an owner's line only."""

    queues: list[Queue]
    tiers: list[TierLine]


class QueueChange(Body):
    open: bool
    message: Annotated[str, StringConstraints(max_length=500)] = ""
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A caller in line: the groups of her lanes, and since when she waits, ms."""

    groups: frozenset[str]
    tier: str
    accepted_ms: int


@queues.get("/v1/queues", roles=SUPERVISOR, answers={200: Queues})
async def list_queues(ctx: Ctx) -> Reply:
    """Every group and tier: who waits, how long, who serves, and the service level of the last hour."""
    site, now_ms = ctx.site, ctx.site.now_ms()
    standing = await _standing(site)
    counts = await site.levels.read(now_ms)
    agents = await _agents(site)
    closed = {group: await _closure(site, group) for group in await site.engine.closed_groups()}
    shown = [_queue(site, group, standing, counts, agents, closed, now_ms) for group in site.plan.groups]
    return Reply.json({"queues": shown, "tiers": _tiers(site.plan, None, standing, counts, now_ms, lambda *_: None)})


@queues.get("/v1/queues/{group}/calls", roles=SUPERVISOR, answers={200: Listing[CallSummary]}, refusals=(404,))
async def list_queue_calls(ctx: Ctx, query: Page) -> Reply:
    """Who stands in the queue, in the order they will be served."""
    site, group = ctx.site, _group(ctx)
    offset = query.offset()
    ranked: dict[str, float] = {}
    for lane in await site.engine.lanes():
        if lane.partition("+")[0] == group:
            end = offset + query.limit
            flat = await site.channel.call("ZRANGE", site.keys.lane(lane), 0, end, "WITHSCORES")
            ranked |= {flat[at].decode(): float(flat[at + 1]) for at in range(0, len(flat), 2)}
    ordered = sorted(ranked, key=lambda call_id: (ranked[call_id], call_id))
    items = await call_summaries(site, ordered[offset : offset + query.limit])
    more = len(ordered) > offset + query.limit
    return Reply.json(listing(items, cursor_at(str(offset + query.limit)) if more else None))


@queues.put("/v1/queues/{group}", roles=SUPERVISOR, answers={200: Queues}, refusals=(404, 422))
async def put_queue(ctx: Ctx, body: QueueChange) -> Reply:
    """Close a queue at once, or open it; its waiting calls take the ladder's next step or the exit."""
    site, group = ctx.site, _group(ctx)
    if body.open:
        await site.engine.open_group(group, by=ctx.who())
        await site.channel.call("HDEL", site.keys.own("closed"), group)
        return await list_queues(ctx)
    until_ms = None if body.until is None else ms_of(body.until)
    if until_ms is not None and until_ms <= ctx.site.now_ms():
        raise invalid("/until", "must lie in the future")
    await site.channel.call("HSET", site.keys.own("closed"), group, json.dumps({"message": body.message}))
    await site.engine.close_group(group, until_ms=until_ms, by=ctx.who(), message=body.message)
    return await list_queues(ctx)


def _group(ctx: Ctx) -> str:
    group = ctx.ids["group"]
    if group not in ctx.site.plan.groups:
        raise not_found("unknown-group", "The plan has no such group.")
    return group


async def _standing(site: Site) -> list[Standing]:
    """Everybody in line. Three fields a call: thousands may wait, and walls ask every second."""
    found: dict[str, Standing] = {}
    async for call_ids in live_calls(site):
        rows = await site.channel.call_many([("HMGET", site.keys.call(one), "st", "ln", "mx") for one in call_ids])
        for call_id, (letter, lanes, facts) in zip(call_ids, rows, strict=True):
            if letter in IN_LINE:
                groups = {lane.partition("+")[0] for lane in lanes.decode().split() if not lane.startswith("@")}
                read = CallFacts.parse(facts.decode())
                found[call_id] = Standing(frozenset(groups), read.tier, read.accepted_ms)
    return list(found.values())


async def _agents(site: Site) -> dict[str, Counter[str]]:
    """Group → state → agents."""
    found: dict[str, Counter[str]] = {}
    for row in await site.engine.read_agents(await site.engine.agent_ids()):
        if row is not None:
            for group in json.loads(row.card or "{}").get("groups", {}):
                found.setdefault(group, Counter())[row.state] += 1
    return found


async def _closure(site: Site, group: str) -> tuple[str | None, str | None]:
    """Until when a closed group stays so, and what callers are told."""
    due, kept = await site.channel.call_many(
        [("ZSCORE", site.keys.deadlines, f"g:{group}"), ("HGET", site.keys.own("closed"), group)]
    )
    until = rfc3339(int(float(due))) if isinstance(due, bytes) else None
    message = json.loads(kept)["message"] if isinstance(kept, bytes) else ""
    return until, message or None


def _queue(
    site: Site,
    group: str,
    standing: Sequence[Standing],
    counts: Counter[tuple[str, str, str]],
    agents: dict[str, Counter[str]],
    closed: dict[str, tuple[str | None, str | None]],
    now_ms: int,
) -> dict[str, Any]:
    plan = site.plan
    here = [one for one in standing if group in one.groups]
    until, message = closed.get(group, (None, None))
    by_state = agents.get(group, Counter())

    def said(tier: str, ahead: int) -> dict[str, int] | None:
        if group in closed:
            return None
        idle = not here and by_state["ready"] > 0
        return {"p50": 0, "p90": 0} if idle else estimate_shown(site.estimates.arriving(group, tier, ahead))

    return {
        "group": group,
        "title": plan.groups[group].title,
        "open": group not in closed,
        "until": until,
        "message": message,
        **_waits(here, now_ms),
        "agents": {state: by_state[state] for state in AGENT_STATES.values()},
        "service_level": service_level(plan, group, level(counts, group)),
        "estimate_ms": said("", len(here)),
        "tiers": _tiers(plan, group, here, counts, now_ms, said),
    }


def _tiers(
    plan: SitePlan,
    group: str | None,
    here: Sequence[Standing],
    counts: Counter[tuple[str, str, str]],
    now_ms: int,
    said: Callable[[str, int], dict[str, int] | None],
) -> list[dict[str, Any]]:
    starts = {tier.name: tier.head_start for tier in plan.tiers}
    ranks = sorted(one.accepted_ms - starts.get(one.tier, 0) for one in here)
    return [
        {
            "tier": tier.name,
            **_waits([one for one in here if one.tier == tier.name], now_ms),
            "service_level": service_level(plan, group, level(counts, group, tier.name)),
            "estimate_ms": said(tier.name, bisect_left(ranks, now_ms - tier.head_start)),
        }
        for tier in plan.tiers
    ]


def _waits(here: Iterable[Standing], now_ms: int) -> dict[str, Any]:
    waits = [max(0, now_ms - one.accepted_ms) for one in here]
    return {"waiting": len(waits), "longest_wait_ms": max(waits, default=None)}


def service_level(plan: SitePlan, group: str | None, reached: Level) -> dict[str, Any]:
    """Of a group, or of the whole site."""
    target = plan.service_level.groups.get(group or "", plan.service_level.default)
    return {
        "variant": "net",
        "window_ms": WINDOW_MS,
        "within_ms": target.within,
        "target_percent": target.percent,
        "percent": reached.percent,
    }
