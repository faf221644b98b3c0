"""jambonz's REST API: calls are created, changed and listed. Knows HTTP, not what it is for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from ivr.gateway import GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.jambonz.keys import Keys
from ivr.jambonz.payloads import is_sid

MAX_ANSWER = 1_048_576
KEEP_S = 60.0
"""How long a connection waits for the next request: a new one costs a handshake while a caller listens to music."""
NO_SERVER = 480
"""No feature server is free: nothing has happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What jambonz said. `calls`: a list of them, where one was asked for."""

    status: int
    body: Mapping[str, Any]
    calls: Sequence[Mapping[str, Any]] = ()

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """There is no such call any more."""
        return self.status == 404 or (self.status == 422 and "gone" in self.message)

    @property
    def not_now(self) -> bool:
        """The call is there, but not in a state for this."""
        return self.status == 422 and not self.gone

    @property
    def message(self) -> str:
        found = self.body.get("msg") or self.body.get("message")
        return found if isinstance(found, str) else ""


class Rest:
    """One client for all sites. Addresses come from plans; nothing a caller sends ever is part of one."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 2.0))
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def create_call(self, keys: Keys, body: Mapping[str, Any]) -> Answer:
        return await self._ask("POST", keys, "", body)

    async def update_call(self, keys: Keys, call_sid: str, body: Mapping[str, Any]) -> Answer:
        if not is_sid(call_sid):
            raise GatewayRefused("network", "no such id")
        return await self._ask("POST", keys, f"/{call_sid}", body)

    async def list_calls(self, keys: Keys, query: Mapping[str, str]) -> Answer:
        return await self._ask("GET", keys, f"?{urlencode(query)}" if query else "")

    async def _ask(self, method: str, keys: Keys, rest: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Raises GatewayBusy when nothing can have happened, GatewayUnknown when something may have."""
        if not (keys.can_dial and is_sid(keys.account)):
            raise GatewayRefused("network", "no credentials")
        try:
            async with self._open().request(
                method,
                URL(f"{keys.api}/v1/Accounts/{keys.account}/Calls{rest}", encoded=True),
                json=body,
                headers={"Authorization": f"Bearer {keys.key}"},
                allow_redirects=False,
            ) as response:
                return _judge(response.status, response.headers.get("Retry-After", ""), await _read(response))
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


def _judge(status: int, retry_after: str, body: Any) -> Answer:
    if status in (429, NO_SERVER):
        seconds = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 1
        raise GatewayBusy(min(max(seconds, 1), 60) * 1_000, str(status))
    if status >= 500:
        raise GatewayUnknown(str(status))
    if isinstance(body, list):
        return Answer(status, {}, [call for call in body if isinstance(call, dict)])
    return Answer(status, body if isinstance(body, dict) else {})


async def _read(response: aiohttp.ClientResponse) -> Any:
    raw = await response.content.read(MAX_ANSWER)
    try:
        return json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        return {}
