"""Twilio's REST API: calls are created, changed, read and listed, queues removed. Knows HTTP, not what it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp

from ivr.carrier_api import CarrierApi
from ivr.gateway import GatewayRefused
from ivr.twilio.keyring import Credentials

BUSY_CODE = 20429
GONE_CODES = frozenset({20404, 21220})

_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")

Form = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What Twilio said. `code` is its own error number, 0 when there is none."""

    status: int
    body: Mapping[str, Any]

    @property
    def code(self) -> int:
        code = self.body.get("code")
        return code if isinstance(code, int) else 0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """There is no such call, or it has ended."""
        return self.status == 404 or self.code in GONE_CODES


def is_sid(word: object, kind: str) -> bool:
    """Whether `word` is an id of Twilio's of that kind: CA a call, AC an account, QU a queue."""
    return isinstance(word, str) and word.startswith(kind) and _SID.fullmatch(word) is not None


def created_ms(resource: Mapping[str, Any]) -> int:
    """When a call or queue was created, Unix ms; 0 when it does not say."""
    try:
        return int(parsedate_to_datetime(str(resource.get("date_created"))).timestamp() * 1_000)
    except (ValueError, TypeError):
        return 0


class Rest:
    """One client for all accounts."""

    def __init__(self, timeout_s: float = 5.0) -> None:
        self._api = CarrierApi(timeout_s)

    async def close(self) -> None:
        await self._api.close()

    async def create_call(self, account: str, given: Credentials, form: Form) -> Answer:
        return await self._ask("POST", _path(account, "Calls"), given, form)

    async def update_call(self, account: str, given: Credentials, call_sid: str, form: Form) -> Answer:
        return await self._ask("POST", _path(account, "Calls", call_sid), given, form)

    async def read_call(self, account: str, given: Credentials, call_sid: str) -> Answer:
        return await self._ask("GET", _path(account, "Calls", call_sid), given)

    async def list_calls(self, account: str, given: Credentials, query: Form) -> Answer:
        return await self._ask("GET", f"{_path(account, 'Calls')}?{urlencode(query)}", given)

    async def create_queue(self, account: str, given: Credentials, name: str) -> Answer:
        return await self._ask("POST", _path(account, "Queues"), given, (("FriendlyName", name),))

    async def list_queues(self, account: str, given: Credentials) -> Answer:
        return await self._ask("GET", f"{_path(account, 'Queues')}?PageSize=1000", given)

    async def delete_queue(self, account: str, given: Credentials, queue_sid: str) -> Answer:
        return await self._ask("DELETE", _path(account, "Queues", queue_sid), given)

    async def _ask(self, method: str, path: str, given: Credentials, form: Form = ()) -> Answer:
        """With each password in turn while they are refused: one may be on its way in or out.

        Raises GatewayBusy when nothing can have happened, GatewayUnknown when something may have.
        """
        answer, api = Answer(401, {}), given.api.rstrip("/")
        for password in given.passwords:
            answer = await self._try(method, api, path, aiohttp.encode_basic_auth(given.user, password), form)
            if answer.status != 401:
                break
        return answer

    async def _try(self, method: str, api: str, path: str, authorization: str, form: Form) -> Answer:
        headers = {"Authorization": authorization}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        said = await self._api.ask(method, api + path, headers, urlencode(form).encode() if form else None)
        answer = Answer(said.status, said.body if isinstance(said.body, dict) else {})
        said.check(str(BUSY_CODE) if said.status == 429 or answer.code == BUSY_CODE else "")
        return answer


def _path(account: str, *parts: str) -> str:
    """Raises GatewayRefused for an id that is none of Twilio's: it never becomes part of an address."""
    for word, kind in ((account, "AC"), *zip(parts[1:], ("QU" if parts[0] == "Queues" else "CA",), strict=False)):
        if not is_sid(word, kind):
            raise GatewayRefused("network", "no such id")
    return f"/2010-04-01/Accounts/{account}/{'/'.join(parts)}.json"
