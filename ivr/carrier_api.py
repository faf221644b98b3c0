"""A carrier's REST API as every gateway asks it: one session, and what a failure means for what may have happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from ivr.gateway import GatewayBusy, GatewayUnknown

MAX_ANSWER = 1_048_576
KEEP_S = 60.0
"""How long a connection waits for the next request: a new one costs a handshake while a caller listens to music."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a carrier answered. `body` is its JSON, `{}` where that is none."""

    status: int
    body: Any
    retry_after: str

    def check(self, busy: str) -> None:
        """`busy`: the carrier's word for "later", empty when it did not say so: then nothing has happened.

        Raises GatewayBusy; GatewayUnknown for an error of the carrier's own.
        """
        if busy:
            seconds = int(self.retry_after) if self.retry_after.isascii() and self.retry_after.isdigit() else 1
            raise GatewayBusy(min(max(seconds, 1), 60) * 1_000, busy)
        if self.status >= 500:
            raise GatewayUnknown(str(self.status))


class CarrierApi:
    """One client for all sites. Addresses come from plans; nothing a caller sends ever is part of one."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 2.0))
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Said:
        """Raises GatewayBusy when nothing can have happened, GatewayUnknown when something may have."""
        try:
            async with self._open().request(
                method, URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
            ) as response:
                raw = await response.content.read(MAX_ANSWER)
                return Said(response.status, _json(raw), response.headers.get("Retry-After", ""))
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            raise GatewayBusy(1_000, "unreachable") from None
        except (TimeoutError, aiohttp.ClientError) as error:
            raise GatewayUnknown(type(error).__name__) from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_S),
            )
        return self._session


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}
