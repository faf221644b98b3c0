"""jambonz's REST API: calls are created, changed and listed. Knows HTTP, not what it is for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ivr.carrier_api import CarrierApi
from ivr.gateway import GatewayRefused
from ivr.jambonz.keys import Keys
from ivr.jambonz.payloads import is_sid

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
    """One client for all sites."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._api = CarrierApi(timeout_s)

    async def close(self) -> None:
        await self._api.close()

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
        headers = {"Authorization": f"Bearer {keys.key}"}
        document = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            document = json.dumps(body).encode()
        url = f"{keys.api}/v1/Accounts/{keys.account}/Calls{rest}"
        said = await self._api.ask(method, url, headers, document)
        said.check(str(said.status) if said.status in (429, NO_SERVER) else "")
        if isinstance(said.body, list):
            return Answer(said.status, {}, [call for call in said.body if isinstance(call, dict)])
        return Answer(said.status, said.body if isinstance(said.body, dict) else {})
