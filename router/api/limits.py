"""How often the API may be asked: by one address before anything is read, by one token once it is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aiohttp import web

from config.settings import Network
from router.api.problem import Problem
from router.limits import Buckets, current_source, source_of

FAILURE_COST = 20
"""An unknown token costs its sender as much as so many requests."""


class Limits:
    """Of one process. A rate of 0 is no limit. `proxies`: whose `X-Forwarded-For` is believed."""

    def __init__(self, per_source: int, per_token: int, proxies: Sequence[Network] = ()) -> None:
        self._per_source = per_source
        self._per_token = per_token
        self._proxies = proxies
        self._sources = Buckets()
        self._tokens = Buckets()

    def came_in(self, request: web.Request) -> None:
        """Notes where the request comes from."""
        forwarded = request.headers.getall("X-Forwarded-For", ()) if self._proxies else ()
        current_source.set(source_of(request.remote, forwarded, self._proxies))

    def check_source(self) -> None:
        """Raises a 429."""
        _check(self._sources, current_source.get(), self._per_source)

    def check_token(self, token_id: str) -> None:
        """Raises a 429."""
        _check(self._tokens, token_id, self._per_token)

    def unknown_token(self) -> None:
        if self._per_source:
            self._sources.drain(current_source.get(), self._per_source, FAILURE_COST)


def _check(buckets: Buckets, whom: str, per_second: int) -> None:
    waits = buckets.take(whom, per_second) if per_second else 0.0
    if waits:
        headers = {"Retry-After": str(math.ceil(waits))}
        raise Problem(
            429, "too-many-requests", "More requests than are served at once; wait a little.", headers=headers
        )
