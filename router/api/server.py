"""aiohttp's server, with its last plain-text answers made into problems too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from router.api.problem import Problem
from router.api.route import Route
from router.logging_ import say

MAX_LINE = 16_384
"""Bytes of a request line or header; a percent-encoded call id of the longest kind is far below."""

HEAD_S = 10.0
"""For the first request's line and headers to come."""

log = logging.getLogger("vipline.http")


class Runner(web.AppRunner):
    """Runs the application. Stopping lets requests in flight finish, for `shutdown_timeout` seconds."""

    def __init__(self, app: web.Application, *, shutdown_timeout: float) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=shutdown_timeout,
            keepalive_timeout=75.0,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            auto_decompress=False,
        )

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            **plain._kwargs,
        )


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(RequestHandler):
    """What cannot even be read as HTTP is answered like everything else, and logged without its text.

    Who connects and does not ask within HEAD_S is let go: silent connections would use up what can be open.
    """

    __slots__ = ("_head_due",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._head_due = self._loop.call_later(HEAD_S, self._let_go)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_due.cancel()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        if not self._request_count:
            self.force_close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("part of the answer has been sent already")
        kind = type(exc).__name__ if exc else ""
        if status >= 500:
            log.error("request failed", exc_info=exc)
            problem = Problem(status, "internal", "Something went wrong here; it has been logged.")
        else:
            say(log, logging.INFO, "not http", status=status, error=kind)
            problem = Problem(
                status, "bad-request", "This is not a request we can read: a line or header is malformed or too long."
            )
        response = problem.response()
        response.force_close()
        return response


async def expect(request: web.Request) -> web.StreamResponse | None:
    """Answers `Expect: 100-continue`; any other expectation is a 417."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None
    return Problem(417, "unknown-expectation", "The only expectation served is 100-continue.").response()


def routes_of(routes: Iterable[Route]) -> list[web.RouteDef]:
    """Our endpoints as aiohttp's."""
    return [web.route(route.method, route.path, route.__call__, expect_handler=expect) for route in routes]
