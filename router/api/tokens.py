"""Tokens: made once, shown once, revoked within a second."""

from __future__ import annotations

import time
from typing import Any

from pydantic import Field

from router.api.auth import require_site
from router.api.ids import Name
from router.api.paging import Page, cut
from router.api.problem import Problem, invalid, not_found
from router.api.reply import Reply
from router.api.route import ADMIN, Ctx, Routes
from router.api.shapes import Answer, Body, Instant, Listing, When, listing
from router.api.times import ms_of, rfc3339
from router.store.tokens import Role, Token

tokens = Routes("Tokens")


class NewToken(Body):
    """`site` left out: every site the asking token may enter. `agent_id` belongs to role `agent`, and only there."""

    role: Role
    site: Name | None = None
    agent_id: Name | None = None
    expires_at: Instant | None = None


class TokenInfo(Answer):
    token_id: str
    role: Role
    site: str | None = Field(description="null: every site")
    agent_id: str | None
    created_at: When
    expires_at: When | None


class MadeToken(TokenInfo):
    secret: str | None = Field(description="what to send as Bearer; shown once, null when the answer is repeated")


@tokens.post("/v1/tokens", roles=ADMIN, answers={201: MadeToken}, refusals=(422,), in_site=False)
async def create_token(ctx: Ctx, body: NewToken) -> Reply:
    """Make a token."""
    if (body.role == "agent") != (body.agent_id is not None):
        raise invalid("/agent_id", "needed for role agent, and for no other")
    expires_at = None if body.expires_at is None else ms_of(body.expires_at)
    if expires_at is not None and expires_at <= time.time() * 1000:
        raise invalid("/expires_at", "must lie in the future")
    site = body.site or ctx.token.site
    if site is None and body.role == "agent":
        raise invalid("/site", "an agent belongs to one site; name it")
    if site is not None:
        require_site(ctx.token, site)
        ctx.service.site(site)
    token, secret = await ctx.service.tokens.create(body.role, site, body.agent_id, expires_at)
    shown = _shown(token)
    return Reply.json(shown | {"secret": secret}, 201).remembered_as(shown | {"secret": None})


@tokens.get("/v1/tokens", roles=ADMIN, answers={200: Listing[TokenInfo]}, in_site=False)
async def list_tokens(ctx: Ctx, query: Page) -> Reply:
    """All tokens, without their secrets."""
    visible = {token.token_id: token for token in await ctx.service.tokens.all() if _may_see(ctx, token)}
    ids, cursor = cut(sorted(visible), query)
    return Reply.json(listing([_shown(visible[token_id]) for token_id in ids], cursor))


@tokens.get("/v1/tokens/{token_id}", roles=ADMIN, answers={200: TokenInfo}, refusals=(404,), in_site=False)
async def get_token(ctx: Ctx) -> Reply:
    """One token, without its secret."""
    return Reply.json(_shown(await _find(ctx)))


@tokens.delete("/v1/tokens/{token_id}", roles=ADMIN, answers={204: None}, refusals=(404,), in_site=False)
async def delete_token(ctx: Ctx) -> Reply:
    """Revoke a token: it is refused everywhere within a second."""
    token = await _find(ctx)
    if token.token_id == ctx.token.token_id:
        raise Problem(409, "own-token", "A token cannot revoke itself; use another.")
    await ctx.service.tokens.delete(token)
    return Reply.nothing()


async def _find(ctx: Ctx) -> Token:
    for token in await ctx.service.tokens.all():
        if token.token_id == ctx.ids["token_id"] and _may_see(ctx, token):
            return token
    raise not_found("unknown-token-id", "No such token here.")


def _may_see(ctx: Ctx, token: Token) -> bool:
    return ctx.token.site in (None, token.site)


def _shown(token: Token) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "role": token.role,
        "site": token.site,
        "agent_id": token.agent_id,
        "created_at": rfc3339(token.created_at),
        "expires_at": None if token.expires_at is None else rfc3339(token.expires_at),
    }
