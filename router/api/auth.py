"""Who asks, and for which site. 401: we do not know the token. 403: we do, and it may not."""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import unquote

from aiohttp import web

from router.api.ids import NAME
from router.api.problem import Problem
from router.store.tokens import Token, Tokens

COOKIE = "vipline_token"
_SITE = re.compile(NAME)
_SAFE = frozenset({"GET", "HEAD"})


async def identify(request: web.Request, tokens: Tokens) -> Token:
    """The token the request carries.

    A browser that opened `/?token=…` has it in a cookie, good for reading only: a foreign page can make a browser send
    cookies, so whatever changes something needs the header.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer":
            raise _unknown("Send Authorization: Bearer <token>.")
    elif request.method in _SAFE:
        secret = _cookie(request)
    else:
        secret = ""
    if not secret:
        raise _unknown("Send Authorization: Bearer <token>.")
    token = await tokens.find(secret.strip())
    if token is None:
        raise _unknown("The token is unknown, expired or revoked.")
    return token


def require_role(token: Token, roles: frozenset[str]) -> None:
    if token.role != "admin" and token.role not in roles:
        allowed = ", ".join(sorted(roles | {"admin"}))
        raise Problem(403, "wrong-role", f"The token's role is {token.role}; this needs {allowed}.")


def site_name(request: web.Request, token: Token) -> str:
    """The site asked for (`X-Site`, default `main`), if the token may enter it."""
    name = request.headers.get("X-Site", "main")
    if not _SITE.fullmatch(name):
        raise Problem(404, "unknown-site", "No such site here.")
    require_site(token, name)
    return name


def require_site(token: Token, name: str) -> None:
    if token.site is not None and token.site != name:
        raise Problem(403, "wrong-site", "The token belongs to another site.")


def require_self(token: Token, agent_id: str) -> None:
    """An agent's token reaches only that agent."""
    if token.role == "agent" and token.agent_id != agent_id:
        raise Problem(403, "wrong-agent", "An agent's token reaches only that agent's own state and offers.")


def _cookie(request: web.Request) -> str:
    try:
        cookies = SimpleCookie(request.headers.get("Cookie", ""))
    except CookieError:
        return ""
    return unquote(cookies[COOKIE].value) if COOKIE in cookies else ""


def _unknown(detail: str) -> Problem:
    return Problem(401, "unknown-token", detail, headers={"WWW-Authenticate": "Bearer"})
