"""Queues: one for each group, with what waits there and who serves it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from config.models import SitePlan
from config.parts import in_language
from config.values import Language
from router.api.call_shapes import CallSummary, Estimate
from router.api.call_view import call_summaries, estimate_shown
from router.api.paging import Page, cursor_at
from router.api.problem import invalid, not_found
from router.api.reply import Reply
from router.api.route import SUPERVISOR, Ctx, Routes
from router.api.shapes import Answer, Body, Instant, Listing, When, listing
from router.api.times import ms_of, rfc3339
from router.domain.events import AGENT_STATES
from router.events.levels import WINDOW_MS, level, target_of
from router.metrics.now import Now, Place, standing_now
from router.site import Site
from router.store.agent_transitions import OFF_DUTY

queues = Routes("Queues")

Saying = Annotated[str, StringConstraints(max_length=500)]
Said = Saying | Annotated[dict[Language, Saying], Field(min_length=1, max_length=50)]


class ServiceLevel(Answer):
    variant: str = Field(description="`net`: answered within the target / (answered + abandoned − short abandoned)")
    window_ms: int
    within_ms: int | None = Field(description="null where calls held to different targets are added up")
    target_percent: float | None = Field(description="null where they are")
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
    message: Said | None = Field(description="what those it sends away are told, as it was put")
    waiting: int
    longest_wait_ms: int | None
    agents: dict[str, int] = Field(description="agents of the group by state")
    service_level: ServiceLevel
    estimate_ms: Estimate | None = Field(description="the wait of a caller who would come last; null until known")
    tiers: list[TierLine]


class Queues(Answer):
    """`tiers` counts every caller once, also those in an owner's line only. Callbacks wait for nobody's ear."""

    queues: list[Queue]
    tiers: list[TierLine]


class QueueChange(Body):
    """`message`: a text in the site's language, or one for each, of which a caller hears the own."""

    open: bool
    message: Said = ""
    until: Instant | None = None


@queues.get("/v1/queues", roles=SUPERVISOR, answers={200: Queues})
async def list_queues(ctx: Ctx) -> Reply:
    """Every group and tier: who waits, how long, who serves, and the service level of the last hour."""
    site = ctx.site
    now = await standing_now(site.channel, site.keys)
    now_ms = site.now_ms()
    counts = await site.levels.read(now_ms)
    ahead = await _ahead(site, now_ms)
    closed = {group: await _closure(site, group) for group in await site.engine.closed_groups()}
    shown = [_queue(site, group, now, counts, ahead, closed, now_ms) for group in site.plan.groups]
    return Reply.json({"queues": shown, "tiers": _tiers(site.plan, None, now, counts, now_ms, lambda _: None)})


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
    audited, _ = in_language(body.message, site.plan.language, site.plan.language)
    await site.engine.close_group(group, until_ms=until_ms, by=ctx.who(), message=audited)
    return await list_queues(ctx)


def _group(ctx: Ctx) -> str:
    group = ctx.ids["group"]
    if group not in ctx.site.plan.groups:
        raise not_found("unknown-group", "The plan has no such group.")
    return group


async def _ahead(site: Site, now_ms: int) -> dict[tuple[str, str], int]:
    """(group, tier) → how many stand before such a caller who came now."""
    plan, keys = site.plan, site.keys
    asked = [
        (lane, lane.partition("+")[0], tier)
        for lane in await site.engine.lanes()
        if lane.partition("+")[0] in plan.groups
        for tier in plan.tiers
    ]
    commands = [["ZCOUNT", keys.lane(lane), "-inf", f"({(now_ms - tier.head_start) * 1000}"] for lane, _, tier in asked]
    found: Counter[tuple[str, str]] = Counter()
    for (_, group, tier), count in zip(asked, await site.channel.call_many(commands) if commands else (), strict=True):
        found[group, tier.name] += int(count)
    return found


async def _closure(site: Site, group: str) -> tuple[str | None, Said | None]:
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
    now: Now,
    counts: Counter[tuple[str, str, str]],
    ahead: Mapping[tuple[str, str], int],
    closed: dict[str, tuple[str | None, Said | None]],
    now_ms: int,
) -> dict[str, Any]:
    plan = site.plan
    until, message = closed.get(group, (None, None))
    by_state = now.agents.get(group, Counter())
    on_duty = by_state.total() - sum(by_state[state] for state in OFF_DUTY)
    waits = _waits(now, [(tier.name, group) for tier in plan.tiers], now_ms)

    def said(tier: str) -> dict[str, int] | None:
        if group in closed or not on_duty:
            return None
        idle = not waits["waiting"] and by_state["ready"] > 0
        before = ahead.get((group, tier), 0) if tier else waits["waiting"]
        return {"p50": 0, "p90": 0} if idle else estimate_shown(site.estimates.arriving(group, tier, before))

    return {
        "group": group,
        "title": plan.groups[group].title,
        "open": group not in closed,
        "until": until,
        "message": message,
        **waits,
        "agents": {state: by_state[state] for state in AGENT_STATES.values()},
        "service_level": service_level(plan, counts, group),
        "estimate_ms": said(""),
        "tiers": _tiers(plan, group, now, counts, now_ms, said),
    }


def _tiers(
    plan: SitePlan,
    group: str | None,
    now: Now,
    counts: Counter[tuple[str, str, str]],
    now_ms: int,
    said: Callable[[str], dict[str, int] | None],
) -> list[dict[str, Any]]:
    return [
        {
            "tier": tier.name,
            **_waits(now, [(tier.name, group or "")], now_ms),
            "service_level": service_level(plan, counts, group, tier.name),
            "estimate_ms": said(tier.name),
        }
        for tier in plan.tiers
    ]


def _waits(now: Now, places: Sequence[Place], now_ms: int) -> dict[str, Any]:
    since = min((now.oldest_ms[place] for place in places if place in now.oldest_ms), default=None)
    return {
        "waiting": sum(now.waiting.get(place, 0) for place in places),
        "longest_wait_ms": None if since is None else max(0, now_ms - since),
    }


def service_level(
    plan: SitePlan, counts: Counter[tuple[str, str, str]], group: str | None = None, tier: str | None = None
) -> dict[str, Any]:
    """Of a group (None: of all) and a tier (None: of all), and the target if all calls in it were held to the same."""
    places = {(at, of) for at, of, _ in counts if group in (None, at) and tier in (None, of)}
    nobody_yet = {(group or "", one.name) for one in plan.tiers if tier in (None, one.name)}
    found = (target_of(plan, at, of) for at, of in places or nobody_yet)
    targets = {(target.within, target.percent) for target in found}
    within_ms, percent = targets.pop() if len(targets) == 1 else (None, None)
    return {
        "variant": "net",
        "window_ms": WINDOW_MS,
        "within_ms": within_ms,
        "target_percent": percent,
        "percent": level(counts, group, tier).percent,
    }
