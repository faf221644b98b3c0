"""Around every request: refusals become problem+json, pages get their headers, and one line is logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from config.problems import PlanInvalid
from router.api.body import MAX_BODY, too_large
from router.api.problem import Problem, busy
from router.directory.errors import InvalidCustomer
from router.domain.errors import PlanMoved, Refused, SiteFull
from router.logging_ import current_call, say
from router.store.channel import ChannelError, ServerError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
HEADERS = {
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
    try:
        response = await handler(request)
    except Exception as error:
        response = problem_of(error).response()
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    route = _route(request)
    if route not in QUIET or response.status >= 400:
        # The route, never the address: a query may hold a phone number, a page's address a token.
        level = logging.INFO if response.status < 500 else logging.WARNING
        took_ms = round((time.perf_counter() - started) * 1000, 1)
        say(log, level, "request", method=request.method, route=route, status=response.status, ms=took_ms)
    return response


def problem_of(error: Exception) -> Problem:
    """Every failure as a problem. What a client can cause has a 4xx; a 500 is a mistake of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidCustomer):
        errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
        return Problem(422, "invalid", str(error), errors=errors)
    if isinstance(error, PlanMoved | SiteFull):
        return busy(error.slug, str(error))
    if isinstance(error, Refused):
        return Problem(error.status, error.slug, str(error))
    if isinstance(error, PlanInvalid):
        return Problem(422, "invalid-plan", str(error.errors[0]))
    if isinstance(error, ChannelError):
        return busy("store-away", "The store does not answer right now; send the request again.")
    if isinstance(error, ServerError):
        say(log, logging.ERROR, "the store refused", code=error.code)
        return busy("store-refuses", "The store cannot carry this out right now; send the request again.", 5)
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    if isinstance(error, ConnectionError | web.RequestPayloadError):
        return Problem(400, "broken-body", "The body ended early or is not encoded as its headers say.")
    log.error("request failed", exc_info=error)
    return Problem(500, "internal", "Something went wrong here; it has been logged.")


def _of_http(error: web.HTTPException) -> Problem:
    """aiohttp's own refusals."""
    if error.status == 404:
        return Problem(404, "unknown-path", "There is nothing at this path; /openapi.json lists what there is.")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(405, "wrong-method", f"This path takes {allowed}.", headers={"Allow": allowed})
    if error.status == 413:
        return too_large(MAX_BODY)
    headers = {"Location": error.headers["Location"]} if "Location" in error.headers else {}
    return Problem(error.status, "refused", error.reason or "Refused.", headers=headers)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
