"""Who is calling? One question with one budget; whatever fails, the caller is answered as nobody in particular."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from config.models import SitePlan
from router.directory.contacts import Contact, last_agent
from router.directory.crm import NOBODY, Crm, Unanswered
from router.directory.customers import Customers, Found
from router.directory.phones import CallerIdentity
from router.directory.record import Stored
from router.domain.customer import Customer
from router.logging_ import say

Source = Literal["directory", "crm", "cache", "default"]

BUDGET_S = 0.3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer the number may belong to, with the last contacts, newest first."""

    customer: Customer
    contacts: tuple[Contact, ...] = ()

    def last_agent(self, within_ms: int, now_ms: int) -> str | None:
        """The agent the customer spoke to last, if that was within the window."""
        return last_agent(self.contacts, now_ms - within_ms)


@dataclass(frozen=True, slots=True)
class LookUp:
    """Everybody the caller may be. `source` says who knew: ours, the CRM, its kept answer, or nobody (`default`).

    `missed` names what was asked and gave no usable answer in time: `directory`, `crm`.
    """

    candidates: tuple[Candidate, ...]
    source: Source
    elapsed_ms: int
    missed: tuple[str, ...] = ()

    @property
    def customers(self) -> tuple[Customer, ...]:
        return tuple(candidate.customer for candidate in self.candidates)

    def candidate(self, customer_id: str) -> Candidate | None:
        """The one the policy chose."""
        return next((one for one in self.candidates if one.customer.customer_id == customer_id), None)


class Directory:
    """The customers of a site and, if its plan names one, its CRM."""

    def __init__(self, customers: Customers) -> None:
        self.customers = customers
        self._crm: Crm | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def follow(self, plan: SitePlan) -> None:
        """Go by this plan's region and CRM. A CRM that did not change keeps what it knows of its neighbour."""
        self.customers.region = plan.region
        if plan.crm == (self._crm.plan if self._crm else None):
            return
        old, self._crm = self._crm, Crm.of(plan.crm, self.customers) if plan.crm else None
        if old is not None:
            closing = asyncio.create_task(old.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End every open question."""
        if self._crm is not None:
            await self._crm.close()
        await asyncio.gather(*self._closing)

    async def look_up(self, identity: CallerIdentity) -> LookUp:
        """Never raises but for cancellation, and takes no longer than the budget: the CRM's own, or 300 ms."""
        started = time.monotonic()
        missed: list[str] = []

        def found(source: Source, candidates: Sequence[Candidate] = ()) -> LookUp:
            return LookUp(tuple(candidates), source, round((time.monotonic() - started) * 1000), tuple(missed))

        if not identity.known:
            return found("default")
        deadline = started + (self._crm.budget_s if self._crm else BUDGET_S)
        ours = await self._ours(identity, deadline)
        if ours is None:
            missed.append("directory")
        elif ours.customers and (candidates := _readable(ours.customers)):
            return found("directory", candidates)
        if self._crm is None or not identity.dialled:
            return found("default")
        try:
            answer = await self._crm.ask(identity.key, deadline - time.monotonic())
            return found("crm", _readable([Stored(answer)]))
        except Unanswered:
            missed.append("crm")
        if ours is None or not ours.answer:
            return found("default")
        return found("cache", _readable([Stored(ours.answer)]))

    async def _ours(self, identity: CallerIdentity, deadline: float) -> Found | None:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self.customers.find(identity.key)
        except Exception as error:
            say(_log, logging.WARNING, "directory.unanswered", error=type(error).__name__)
            return None


def _readable(records: Sequence[Stored]) -> list[Candidate]:
    """Those that can be read; a broken record must not cost the caller the call."""
    found = []
    for record in records:
        if record.raw == NOBODY:
            continue
        try:
            found.append(Candidate(record.customer, record.contacts))
        except Exception as error:
            say(_log, logging.ERROR, "directory.broken_record", error=type(error).__name__)
    return found
