"""Every failure as a problem. What a client can cause has a 4xx; a 500 is a mistake of ours."""

from __future__ import annotations

import logging

from aiohttp import web

from config.problems import PlanInvalid
from router.api.body import MAX_BODY, too_large
from router.api.problem import Problem, busy
from router.directory.errors import InvalidCustomer, TooManyEdits
from router.domain.errors import PlanMoved, Refused, SiteFull
from router.logging_ import say
from router.store.channel import ChannelError, ServerError

log = logging.getLogger("vipline.http")


def problem_of(error: Exception) -> Problem:
    """The problem a client is told of."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidCustomer):
        errors = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
        return Problem(422, "invalid", str(error), errors=errors)
    if isinstance(error, PlanMoved | SiteFull | TooManyEdits):
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
        return Problem(400, "broken-body", "The body ended early or is not what its headers say.")
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
    return Problem(error.status, "refused", error.reason or "Refused.")
