"""Who is calling? One question with one budget; whatever fails, the caller is answered as nobody in particular."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from config.models import SitePlan
from router.directory.contacts import Contact, last_agent
from router.directory.crm import NOBODY, Crm, Unanswered
from router.directory.customers import Customers, Found
from router.directory.meeting import Meeting
from router.directory.phones import CallerIdentity
from router.directory.record import Stored
from router.domain.customer import Caller, Customer
from router.domain.tiers import choose_caller
from router.logging_ import say

Source = Literal["directory", "crm", "cache", "default"]

BUDGET_S = 0.3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One customer the number may belong to, with the last contacts, newest first; the rest as in `Stored`."""

    customer: Customer
    contacts: tuple[Contact, ...] = ()
    reached: bool = False
    has_pin: bool = False
    numbers: int = 0

    @classmethod
    def of(cls, stored: Stored) -> Self:
        return cls(stored.customer, stored.contacts, stored.reached, stored.has_pin, stored.numbers)

    def last_agent(self, within_ms: int, now_ms: int) -> str | None:
        """The agent the customer spoke to last, if that was within the window."""
        return last_agent(self.contacts, now_ms - within_ms)


@dataclass(frozen=True, slots=True)
class LookUp:
    """Everybody the caller may be. `source` says who knew: ours, the CRM, its kept answer, or nobody (`default`).

    `missed` names what was asked and gave no usable answer in time: `directory`, `crm`. `recent`: which of its number's
    calls this one is lately, 0 when nobody counted; `others`: of that number that have not ended.
    """

    candidates: tuple[Candidate, ...]
    source: Source
    elapsed_ms: int
    missed: tuple[str, ...] = ()
    recent: int = 0
    others: int = 0

    @property
    def customers(self) -> tuple[Customer, ...]:
        return tuple(candidate.customer for candidate in self.candidates)

    def caller(self, plan: SitePlan) -> Caller | None:
        """The one the call is routed for."""
        if len(self.candidates) == 1:
            only = self.candidates[0]
            return Caller(only.customer, False, only.reached, only.numbers)
        chosen = choose_caller(self.customers, plan)
        candidate = self.candidate(chosen.customer.customer_id) if chosen else None
        if chosen is None or candidate is None:
            return chosen
        return replace(chosen, reached=candidate.reached, numbers=candidate.numbers)

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

    async def look_up(self, identity: CallerIdentity, meeting: Meeting | None = None) -> LookUp:
        """Never raises but for cancellation, and takes no longer than the budget: the CRM's own, or 300 ms.

        `meeting`: the call that is coming in, which is counted on the way.
        """
        started = time.monotonic()
        missed: list[str] = []
        ours: Found | None = None

        def found(source: Source, candidates: Sequence[Candidate] = ()) -> LookUp:
            took_ms = round((time.monotonic() - started) * 1000)
            counts = (ours.recent, ours.others) if ours else (0, 0)
            return LookUp(tuple(candidates), source, took_ms, tuple(missed), *counts)

        if not identity.known:
            return found("default")
        deadline = started + (self._crm.budget_s if self._crm else BUDGET_S)
        ours = await self._ours(identity, meeting, deadline)
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

    async def _ours(self, identity: CallerIdentity, meeting: Meeting | None, deadline: float) -> Found | None:
        key = identity.key
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await (self.customers.meet(key, meeting) if meeting else self.customers.find(key))
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
            found.append(Candidate.of(record))
        except Exception as error:
            say(_log, logging.ERROR, "directory.broken_record", error=type(error).__name__)
    return found
