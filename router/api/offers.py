"""An offer is a lease: the agent takes it or not, while it lasts."""

from __future__ import annotations

from router.api.auth import require_self
from router.api.call_shapes import Call
from router.api.call_view import call_reply
from router.api.reply import Reply
from router.api.route import AGENT, Ctx, Routes
from router.api.shapes import Body, Reason

offers = Routes("Offers")


class Decline(Body):
    reason: Reason = ""


@offers.post("/v1/offers/{offer_id}/accept", roles=AGENT, answers={200: Call}, refusals=(409,))
async def accept(ctx: Ctx) -> Reply:
    """Take the call. 409 `offer-gone` when the lease has passed or the caller has left."""
    call_id, agent_id = await _held(ctx)
    await ctx.site.engine.accept_offer(call_id, agent_id, ctx.ids["offer_id"])
    return await call_reply(ctx, call_id)


@offers.post("/v1/offers/{offer_id}/decline", roles=AGENT, answers={200: Call}, refusals=(409,))
async def decline(ctx: Ctx, body: Decline) -> Reply:
    """Do not take the call: the caller keeps the place and looks again at once."""
    call_id, agent_id = await _held(ctx)
    await ctx.site.engine.decline_offer(call_id, agent_id, ctx.ids["offer_id"], reason=body.reason)
    return await call_reply(ctx, call_id)


async def _held(ctx: Ctx) -> tuple[str, str]:
    """Call and agent of the offer. Raises UnknownOffer."""
    call_id, agent_id = await ctx.site.engine.find_offer(ctx.ids["offer_id"])
    require_self(ctx.token, agent_id)
    return call_id, agent_id
