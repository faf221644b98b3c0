"""What people do with a call: an agent completes or passes it on, a supervisor moves it. Each is in the timeline."""

from __future__ import annotations

import contextlib
import json
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from router.api.call_shapes import Call
from router.api.call_view import call_reply, read, shown
from router.api.ids import Name, OfferId
from router.api.problem import Problem, busy, invalid
from router.api.reply import Reply
from router.api.route import AGENT, SUPERVISOR, TELEPHONY, Ctx, Routes
from router.api.shapes import Body, Reason
from router.domain.errors import PlanMoved, UnknownCall, WrongState
from router.domain.ladder import Ladder
from router.domain.policy import transfer_to_agent, transfer_to_group
from router.routing import TRIES
from router.store.rows import CallRow

actions = Routes("Calls")

MAX_HEAD_START_MS = 366 * 86_400_000


class Completion(Body):
    """An agent's own token may leave `offer_id` out."""

    offer_id: OfferId | None = None
    outcome: Name = "resolved"
    notes: Annotated[str, StringConstraints(max_length=4_000)] = ""


class Target(Body):
    """One of the two."""

    agent_id: Name | None = None
    group: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> Target:
        if (self.agent_id is None) == (self.group is None):
            raise ValueError("name either agent_id or group")
        return self


class Transfer(Body):
    to: Target
    offer_id: OfferId
    note: Reason = ""


class Boost(Body):
    head_start_ms: Annotated[int, Field(ge=0, le=MAX_HEAD_START_MS)]
    why: Reason = ""


class Assignment(Body):
    agent_id: Name
    why: Reason = ""


class Withdrawal(Body):
    why: Reason = ""


@actions.post(
    "/v1/calls/{call_id}/complete",
    roles=AGENT | TELEPHONY | SUPERVISOR,
    answers={200: Call},
    refusals=(404, 409, 422),
)
async def complete(ctx: Ctx, body: Completion) -> Reply:
    """The talk has ended; the agent wraps up."""
    await read(ctx, ctx.call_id)
    if body.offer_id is None and ctx.token.agent_id is None:
        raise invalid("/offer_id", "say which offer this is about")
    await ctx.site.engine.complete_call(
        ctx.call_id, offer_id=body.offer_id, agent_id=ctx.token.agent_id, result=body.outcome
    )
    if body.notes:
        # With the call's cold facts, which an erasure finds; the event stream it does not.
        with contextlib.suppress(UnknownCall):  # completed so long ago that they are gone
            await ctx.site.engine.amend_call(ctx.call_id, {"notes": body.notes})
    return await call_reply(ctx, ctx.call_id)


@actions.post(
    "/v1/calls/{call_id}/transfer",
    roles=AGENT | TELEPHONY | SUPERVISOR,
    answers={200: Call},
    refusals=(404, 409, 422, 503),
)
async def transfer(ctx: Ctx, body: Transfer) -> Reply:
    """Pass the caller on: the agent wraps up, the caller waits with the original rank."""
    if ctx.token.role == "agent" and await _has_passed_on(ctx, body.offer_id):
        return await call_reply(ctx, ctx.call_id)
    row = await read(ctx, ctx.call_id)
    for _ in range(TRIES):
        version = ctx.site.active.version
        ladder = await _ladder(ctx, row, body)
        try:
            await ctx.site.engine.transfer_call(
                ctx.call_id, body.offer_id, ladder, plan_version=version, note=body.note
            )
        except PlanMoved:
            await ctx.site.keeper.catch_up()
            continue
        return await call_reply(ctx, ctx.call_id)
    raise busy("plan-moved", "The plan keeps changing; send it again.")


@actions.post("/v1/calls/{call_id}/boost", roles=SUPERVISOR, answers={200: Call}, refusals=(404, 409, 422))
async def boost(ctx: Ctx, body: Boost) -> Reply:
    """Set the head start of a waiting call anew."""
    await ctx.site.engine.boost_call(ctx.call_id, body.head_start_ms, by=ctx.who(), why=body.why)
    return await call_reply(ctx, ctx.call_id)


@actions.post("/v1/calls/{call_id}/assign", roles=SUPERVISOR, answers={200: Call}, refusals=(404, 409, 422))
async def assign(ctx: Ctx, body: Assignment) -> Reply:
    """Give a waiting call to one agent: at once when ready, else first in that agent's line by rank."""
    await ctx.site.engine.assign_call(ctx.call_id, body.agent_id, by=ctx.who(), why=body.why)
    return await call_reply(ctx, ctx.call_id)


@actions.post("/v1/calls/{call_id}/withdraw", roles=SUPERVISOR, answers={200: Call}, refusals=(404, 409, 422))
async def withdraw(ctx: Ctx, body: Withdrawal) -> Reply:
    """Take a waiting call out of line; it ends `withdrawn`."""
    await ctx.site.engine.withdraw_call(ctx.call_id, by=ctx.who(), why=body.why)
    row = await read(ctx, ctx.call_id)
    if row.outcome != "withdrawn":
        raise WrongState
    return await shown(ctx, row)


async def _has_passed_on(ctx: Ctx, offer_id: str) -> bool:
    """Whether this agent's transfer is done already and only its answer was lost: the call is no longer the agent's."""
    return any(
        event.type == "call.transferred"
        and (event.fields.get("offer"), event.fields.get("agent")) == (offer_id, ctx.token.agent_id)
        for event in await ctx.site.history.read(ctx.call_id)
    )


async def _ladder(ctx: Ctx, row: CallRow, asked: Transfer) -> Ladder:
    """The way to the target, by the plan in force."""
    plan, needs = ctx.site.plan, tuple(row.meta.get("needs", ()))
    head_start_ms = int(row.meta.get("head_start_ms", 0))
    to = asked.to
    if to.group is not None:
        if to.group not in plan.groups:
            raise invalid("/to/group", "the plan has no such group")
        return transfer_to_group(to.group, needs, head_start_ms, plan)
    assert to.agent_id is not None
    agent = await ctx.site.engine.read_agent(to.agent_id)
    if agent is None:
        raise invalid("/to/agent_id", "no such agent here")
    if to.agent_id == row.agent_id and asked.offer_id == row.offer_id:
        raise Problem(409, "own-call", "The caller is with this agent already.")
    groups = json.loads(agent.card).get("groups", {})
    return transfer_to_agent(to.agent_id, groups, needs, head_start_ms, plan)
