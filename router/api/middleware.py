"""Around every request: refusals become problem+json, pages get their headers, and one line is logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from router.api.failures import problem_of
from router.app_keys import FLIGHTS, LIMITS
from router.logging_ import current_call, say

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
HEADERS = {
    "Server": "vipline",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}

log = logging.getLogger("vipline.http")


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one middleware."""
    started = time.perf_counter()
    current_call.set("")
    request.app[LIMITS].came_in(request)
    flights = request.app[FLIGHTS]
    flights.begin()
    try:
        response = await handler(request)
    except Exception as error:
        response = problem_of(error).response()
    finally:
        flights.end()
    if flights.stopping:
        response.force_close()
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    route = _route(request)
    if route not in QUIET or response.status >= 400:
        # The route, never the address: a query may hold a phone number, a page's address a token.
        level = logging.INFO if response.status < 500 else logging.WARNING
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        say(log, level, "request", method=request.method, route=route, status=response.status, ms=took_ms)
    return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
