"""Agents: who they are, and whether they take calls."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from config.models import SitePlan
from config.people import AgentBody
from config.problems import pointer
from router.api.auth import require_self
from router.api.etag import check_preconditions, expected_version, is_conditional, not_modified, tag_of
from router.api.paging import Page, cut
from router.api.problem import Problem
from router.api.reply import Reply
from router.api.route import ADMIN, AGENT, SUPERVISOR, Ctx, Routes
from router.api.shapes import Answer, Body, Listing, Reason, When, listing
from router.api.times import rfc3339
from router.domain.errors import UnknownAgent
from router.domain.ladder import Profile
from router.seeds import card_of
from router.store.rows import AgentRow

agents = Routes("Agents")

AgentState = Literal["offline", "ready", "offered", "talking", "wrapping", "cooling", "break"]


class Agent(Answer):
    agent_id: str
    name: str
    groups: dict[str, int] = Field(description="group → level; level 1 is served before level 2")
    skills: list[str]
    endpoint: str
    language: str | None = Field(description="what the agent hears on the telephone; null: the site's")
    state: AgentState
    since: When
    reason: str | None
    next_state: Literal["break", "offline"] | None = Field(description="taken after the talk or the wrap-up")
    call_id: str | None = Field(description="the call offered or being talked to")
    offer_id: str | None


class StateChange(Body):
    state: Literal["ready", "break", "offline"]
    reason: Reason = ""


@agents.put("/v1/agents/{agent_id}", roles=ADMIN, answers={200: Agent, 201: Agent}, refusals=(412, 422))
async def put_agent(ctx: Ctx, body: AgentBody) -> Reply:
    """Create or change an agent; waiting calls are matched with the new groups and skills at once."""
    _check_agent(ctx.site.plan, body)
    agent_id = ctx.ids["agent_id"]
    current = await _card(ctx) if is_conditional(ctx.request) else None
    check_preconditions(ctx.request, None if current is None else tag_of(current))
    expected = expected_version(ctx.request, None, "-") and (current or "-")
    profile = Profile(dict(body.groups), frozenset(body.skills))
    _, created = await ctx.site.engine.put_agent(agent_id, profile, card_of(body), expected)
    return await _reply(ctx, 201 if created else 200)


@agents.get("/v1/agents", roles=SUPERVISOR, answers={200: Listing[Agent]})
async def list_agents(ctx: Ctx, query: Page) -> Reply:
    """All agents."""
    ids, cursor = cut(await ctx.site.engine.agent_ids(), query)
    rows = await ctx.site.engine.read_agents(list(ids)) if ids else []
    return Reply.json(listing([agent_body(row) for row in rows if row is not None], cursor))


@agents.get("/v1/agents/{agent_id}", roles=SUPERVISOR | AGENT, answers={200: Agent, 304: None}, refusals=(404,))
async def get_agent(ctx: Ctx) -> Reply:
    """One agent. The ETag is of what people edit, not of the state."""
    require_self(ctx.token, ctx.ids["agent_id"])
    return await _reply(ctx)


@agents.delete("/v1/agents/{agent_id}", roles=ADMIN, answers={204: None}, refusals=(404, 409, 412))
async def delete_agent(ctx: Ctx) -> Reply:
    """Remove an agent who is neither offered a call nor talking."""
    current = await _card(ctx) if is_conditional(ctx.request) else None
    check_preconditions(ctx.request, None if current is None else tag_of(current))
    await ctx.site.engine.delete_agent(ctx.ids["agent_id"], current or "")
    return Reply.nothing()


@agents.put("/v1/agents/{agent_id}/state", roles=SUPERVISOR | AGENT, answers={200: Agent}, refusals=(404, 422))
async def put_state(ctx: Ctx, body: StateChange) -> Reply:
    """Go ready, on a break or offline.

    While talking or wrapping a break waits until that is over; while offered it declines the call.
    """
    agent_id = ctx.ids["agent_id"]
    require_self(ctx.token, agent_id)
    if body.state == "ready":
        await ctx.site.engine.agent_ready(agent_id)
    else:
        await ctx.site.engine.agent_away(agent_id, body.state, body.reason)
    return await _reply(ctx)


@agents.post("/v1/agents/{agent_id}/wrapped", roles=SUPERVISOR | AGENT, answers={200: Agent}, refusals=(404,))
async def end_wrap_up(ctx: Ctx) -> Reply:
    """End wrap-up early; elsewhere it changes nothing."""
    require_self(ctx.token, ctx.ids["agent_id"])
    await ctx.site.engine.end_wrap_up(ctx.ids["agent_id"])
    return await _reply(ctx)


def agent_body(row: AgentRow) -> dict[str, Any]:
    card = json.loads(row.card or "{}")
    engaged = row.state in ("offered", "talking")
    return {
        "agent_id": row.agent_id,
        "name": card.get("name", ""),
        "groups": card.get("groups", {}),
        "skills": card.get("skills", []),
        "endpoint": card.get("endpoint", ""),
        "language": card.get("language"),
        "state": row.state,
        "since": rfc3339(row.since_ms),
        "reason": row.reason if row.state in ("break", "offline") else None,
        "next_state": row.next_state,
        "call_id": row.call_id if engaged else None,
        "offer_id": row.offer_id if engaged else None,
    }


def _check_agent(plan: SitePlan, body: AgentBody) -> None:
    unknown: list[tuple[tuple[str | int, ...], str]]
    unknown = [(("groups", name), "group") for name in body.groups if name not in plan.groups]
    unknown += [(("skills", place), "skill") for place, name in enumerate(body.skills) if name not in plan.skills]
    if unknown:
        errors = [{"pointer": pointer(at), "detail": f"the plan has no such {what}"} for at, what in unknown]
        raise Problem(422, "invalid", f"{errors[0]['pointer']}: {errors[0]['detail']}", errors=errors)


async def _card(ctx: Ctx) -> str | None:
    row = await ctx.site.engine.read_agent(ctx.ids["agent_id"])
    return None if row is None else row.card


async def _reply(ctx: Ctx, status: int = 200) -> Reply:
    row = await ctx.site.engine.read_agent(ctx.ids["agent_id"])
    if row is None:
        raise UnknownAgent
    etag = tag_of(row.card)
    if ctx.request.method == "GET" and not_modified(ctx.request, etag):
        return Reply(304, headers={"ETag": etag})
    return Reply.json(agent_body(row), status, etag=etag)
