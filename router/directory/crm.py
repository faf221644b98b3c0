"""A customer system asked over HTTP while the caller waits: in time or not at all.

One question a number at a time, however many callers share it; a limited number of questions open; and a breaker, so
that a stalled system costs a few callers their budget and the rest nothing. A late answer is still kept for next time.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
from pydantic import ValidationError
from yarl import URL

from config.parts import Crm as CrmPlan
from config.people import CustomerSeed
from config.secrets import read_secret
from router.directory.breaker import Breaker
from router.directory.customers import Customers
from router.directory.errors import InvalidCustomer
from router.directory.record import dump, with_numbers
from router.logging_ import say
from router.store.channel import ChannelError, ServerError

MAX_ANSWER = 64 * 1024
NOBODY = b"null"
_GIVE_UP_S = 2.0  # how long a late answer is waited for, to be kept

_log = logging.getLogger(__name__)


class Unanswered(Exception):
    """The CRM gave no usable answer in time. The message is one word for logs, without personal data."""


class Crm:
    """Asks the customer system of one site. `token` is the secret the plan names."""

    def __init__(self, plan: CrmPlan, customers: Customers, token: str | None = None) -> None:
        self.plan = plan
        self._customers = customers
        self._headers = _headers(plan, token)
        self._session: aiohttp.ClientSession | None = None
        self._flights: dict[str, asyncio.Task[bytes]] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self.breaker = Breaker(plan.failures, plan.rest / 1000)

    @classmethod
    def of(cls, plan: CrmPlan, customers: Customers) -> Crm:
        """With the secret the plan names. Without it the CRM is asked all the same, and will say what it thinks."""
        token = read_secret(plan.token) if plan.token else None
        if plan.token and token is None:
            say(_log, logging.ERROR, "crm.secret_missing", env=plan.token.env, file=plan.token.file)
        return cls(plan, customers, token)

    @property
    def budget_s(self) -> float:
        return self.plan.budget / 1000

    async def ask(self, number: str, budget_s: float) -> bytes:
        """The record of whoever the number belongs to, or NOBODY. Raises Unanswered, at the latest after the budget."""
        flight = self._flights.get(number) or self._start(number)
        done, _ = await asyncio.wait({flight}, timeout=max(budget_s, 0))
        if not done:
            raise Unanswered("late")
        return flight.result()

    async def close(self) -> None:
        tasks = [*self._flights.values(), *self._keeping]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def _start(self, number: str) -> asyncio.Task[bytes]:
        if len(self._flights) >= self.plan.at_once:
            raise Unanswered("busy")
        if not self.breaker.allow():
            raise Unanswered("resting")
        flight = self._flights[number] = asyncio.create_task(self._fly(number))
        flight.add_done_callback(lambda done: self._landed(number, done))
        return flight

    def _landed(self, number: str, flight: asyncio.Task[bytes]) -> None:
        del self._flights[number]
        if not flight.cancelled():
            flight.exception()  # everybody who asked may have gone meanwhile

    async def _fly(self, number: str) -> bytes:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.budget_s
        late = loop.call_at(deadline, self._failed, "late")
        try:
            async with asyncio.timeout(_GIVE_UP_S):
                answer = await self._get(number)
        except (Unanswered, aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) if isinstance(error, Unanswered) else type(error).__name__
            if loop.time() < deadline:
                self._failed(why)
            raise Unanswered(why) from None
        finally:
            late.cancel()
        if loop.time() < deadline:
            self.breaker.succeeded()
        self._keep_soon(number, answer)
        return answer

    def _failed(self, why: str) -> None:
        self.breaker.failed()
        say(_log, logging.WARNING, "crm.unanswered", reason=why, resting=self.breaker.is_open)

    async def _get(self, number: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        url = self.plan.url.replace("{phone}", quote(number, safe=""))
        async with self._session.get(URL(url, encoded=True), headers=self._headers, allow_redirects=False) as reply:
            if reply.status in (204, 404):
                return NOBODY
            if reply.status != 200:
                raise Unanswered(f"status {reply.status}")
            body = bytearray()
            async for chunk in reply.content.iter_any():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise Unanswered("too large")
        return self._record(number, bytes(body))

    def _record(self, number: str, body: bytes) -> bytes:
        """The CRM's answer as a record of ours, kept to what we know; raises Unanswered for anything else."""
        try:
            answer = json.loads(body)
            if answer is None:
                return NOBODY
            seed = CustomerSeed.model_validate({"phones": [number], **read_fields(answer, self.plan.fields)})
            return dump(with_numbers(seed, self._customers.region))
        except (ValueError, RecursionError, ValidationError, InvalidCustomer):
            raise Unanswered("not a customer") from None

    def _keep_soon(self, number: str, answer: bytes) -> None:
        keeping = asyncio.create_task(self._keep(number, answer))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)

    async def _keep(self, number: str, answer: bytes) -> None:
        try:
            await self._customers.keep_answer(number, answer, self.plan.keep)
        except (ChannelError, ServerError) as error:
            say(_log, logging.WARNING, "crm.answer_not_kept", error=type(error).__name__)


def read_fields(answer: Any, fields: Mapping[str, str]) -> dict[str, Any]:
    """Our fields of a CRM's answer, found by their dotted paths; all under our own names when none are given.

    Numbers stand for names where a name is asked for; what is null or empty is absent. Raises ValueError when the
    answer is no object.
    """
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    found: dict[str, Any] = {}
    for ours, path in (fields or {name: name for name in CustomerSeed.model_fields}).items():
        value = _at(answer, path.split("."))
        if value in (None, "", [], {}):
            continue
        if isinstance(value, int) and ours in _NAMES:
            value = str(value)
        outer, _, inner = ours.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[outer] = value
    return found


_NAMES = frozenset(("customer_id", "tier", "owner", "account.account_id"))


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _headers(plan: CrmPlan, token: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if token:
        headers[plan.header] = f"Bearer {token}" if plan.header.lower() == "authorization" else token
    return headers
