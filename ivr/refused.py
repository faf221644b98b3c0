"""Requests of providers that are turned away: by whose and why (`twilio: signature`); never by call or number."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import Counter

from ivr.adapter import Hearer
from router.logging_ import say

REFUSED = Counter("vipline_hooks_refused", "Requests of providers that were turned away", ("cause",))
"""Of this process, whatever site was asked for; what a site turned away is among its metrics too."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("vipline.hooks")


class Refusal(Exception):
    """`cause` is one of a few words of ours; `answer` says no more than it must."""

    def __init__(self, cause: str, answer: web.HTTPException) -> None:
        super().__init__(cause)
        self.cause = cause
        self.answer = answer


def counted(provider: str, desk_of: Callable[[str], Hearer | None], handler: Handler) -> Handler:
    """The handler, its refusals counted. `desk_of`: whose desk a site's is, None where there is no such site."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            note(provider, refusal.cause, desk_of(request.match_info["site"]))
            raise refusal.answer from None

    return handle


def note(provider: str, cause: str, desk: Hearer | None) -> None:
    REFUSED.labels(f"{provider}: {cause}").inc()
    say(log, logging.WARNING, "request refused", provider=provider, cause=cause)
    if desk is not None:
        desk.turned_away(provider, cause)
