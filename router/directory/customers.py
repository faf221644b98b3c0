"""Customers in the server, found by id or by any of their numbers."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from config.people import CustomerLine, CustomerSeed, pin_of
from router.directory.contacts import KEPT, Contact, unpack
from router.directory.errors import Fault, InvalidCustomer, StaleCustomer, TooManyEdits, UnknownCustomer, faults_of
from router.directory.meeting import Meeting
from router.directory.pins import hash_of
from router.directory.record import Stored, dump, merged, with_numbers
from router.directory.scripts import Arguments, Scripts

Outcome = Literal["created", "updated", "unchanged", "taken"]
"""`taken`: another customer has that customer number; nothing was changed."""
Check = Callable[[CustomerSeed], None]
"""Raises InvalidCustomer for a tier or skill the site's plan does not have."""

ABSENT = "-"
TAKEN = Fault("/number", "another customer has this number")
MAX_SHARING = 100
_ATTEMPTS = 12
_PAUSE_S = 0.004


@dataclass(frozen=True, slots=True)
class Found:
    """Everybody behind a number. `many` counts them all; `answer` is what a CRM said last when there is nobody.

    Of a call that is coming in: `recent`, which of its number's calls it is lately; `others` that have not ended.
    """

    customers: tuple[Stored, ...]
    many: int = 0
    answer: bytes = b""
    recent: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A piece of the list. `cursor` None: it was the last."""

    customers: tuple[Stored, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What led to a person now forgotten, for the parts that keep references of their own."""

    numbers: tuple[str, ...]
    call_ids: tuple[str, ...]


class Customers:
    """The directory of one site. `region` reads numbers written without a country."""

    def __init__(self, scripts: Scripts, region: str | None) -> None:
        self.scripts = scripts
        self.region = region

    async def put(self, seed: CustomerSeed, *, expected: str = "", pin: str | None = None) -> tuple[Outcome, Stored]:
        """Create or replace. `expected`: the version replaced, or ABSENT; raises StaleCustomer if it is another.

        `pin`: None as it is, '' none from now on. Raises InvalidCustomer when another has that customer number.
        """
        seed = with_numbers(seed, self.region)
        raw = dump(seed)
        [outcome] = await self._put([(seed, raw, await _kept(pin))], expected)
        if outcome == "stale":
            raise StaleCustomer
        if outcome == "taken":
            raise InvalidCustomer([TAKEN])
        return outcome, Stored(raw)

    async def put_many(self, seeds: Sequence[CustomerSeed]) -> list[Outcome]:
        """Create or replace each, numbers normalised already; the replies in order. Lines of an import hold PINs."""
        pins = [await _kept(pin_of(seed) if isinstance(seed, CustomerLine) else None) for seed in seeds]
        return await self._put([(seed, dump(seed), pin) for seed, pin in zip(seeds, pins, strict=True)], "")

    async def _put(self, records: Sequence[tuple[CustomerSeed, bytes, str]], expected: str) -> list[Any]:
        rows: list[Arguments] = [
            {
                "customer_id": seed.customer_id,
                "guard": expected,
                "record": raw,
                "numbers": " ".join(seed.phones),
                "own": seed.number or "",
                "pin": pin,
            }
            for seed, raw, pin in records
        ]
        return [reply[0].decode().lower() for reply in await self.scripts.run_many("put_customer", rows)]

    async def get(self, customer_id: str) -> Stored:
        """Raises UnknownCustomer."""
        reply = await self.scripts.run("read_customer", customer_id=customer_id)
        if reply[0] == b"UNKNOWN":
            raise UnknownCustomer
        return Stored(reply[1], unpack(reply[2]))

    async def patch(
        self,
        customer_id: str,
        patch: Any,
        *,
        expected: str = "",
        check: Check | None = None,
        pin: str | None = None,
    ) -> Stored:
        """RFC 7386 merge. Without `expected` it is repeated on whatever another writer left. `pin` as in `put`.

        Raises UnknownCustomer, InvalidCustomer, StaleCustomer, TooManyEdits.
        """
        for attempt in range(_ATTEMPTS):
            old = await self.get(customer_id)
            if expected not in ("", old.version):
                raise StaleCustomer
            seed = _patched(old, patch)
            if check:
                check(seed)
            try:
                return Stored((await self.put(seed, expected=old.version, pin=pin))[1].raw, old.contacts)
            except StaleCustomer:
                if expected:
                    raise
            await asyncio.sleep(random.uniform(0, _PAUSE_S * 2 ** min(attempt, 6)))
        raise TooManyEdits

    async def erase(self, customer_id: str, *, expected: str = "") -> Erased:
        """Forget the person. Raises UnknownCustomer, StaleCustomer."""
        reply = await self.scripts.run("erase_customer", customer_id=customer_id, guard=expected)
        if reply[0] == b"UNKNOWN":
            raise UnknownCustomer
        if reply[0] == b"STALE":
            raise StaleCustomer
        return Erased(tuple(reply[1].decode().split()), tuple(contact.call_id for contact in unpack(reply[2])))

    async def find(self, number: str, limit: int = MAX_SHARING) -> Found:
        """Everybody the number (an identity's key) leads to, in one round trip."""
        reply = await self.scripts.run("find_customers", number=number, limit=limit)
        if reply[0] == b"NOBODY":
            return Found((), answer=reply[1])
        pairs = zip(reply[2::2], reply[3::2], strict=True)
        return Found(tuple(Stored(raw, unpack(contacts)) for raw, contacts in pairs), many=reply[1])

    async def find_owner(self, own: str) -> Stored | None:
        """Whose customer number it is."""
        reply = await self.scripts.run("find_owner", own=own)
        return Stored(reply[1]) if reply[0] == b"FOUND" else None

    async def meet(self, number: str, meeting: Meeting) -> Found:
        """As `find`, for a call that is coming in, which is counted."""
        reply = await self.scripts.run("meet_caller", number=number, limit=MAX_SHARING, **meeting.arguments())
        recent, others = reply[1:3]
        if reply[0] == b"NOBODY":
            return Found((), answer=reply[3], recent=recent, others=others)
        rows = zip(reply[4::4], reply[5::4], reply[6::4], reply[7::4], strict=True)
        found = tuple(
            Stored(raw, unpack(contacts), b"r" in marks, b"p" in marks, numbers)
            for raw, contacts, marks, numbers in rows
        )
        return Found(found, many=reply[3], recent=recent, others=others)

    async def page(self, limit: int, cursor: str = "") -> CustomerPage:
        """The customers after `cursor` (empty: from the start). Raises ValueError for a cursor that is not ours."""
        shelf, _, after = cursor.partition(":")
        if cursor and not (shelf.isascii() and shelf.isdigit() and len(shelf) <= 4):
            raise ValueError("unknown cursor")
        found: list[Stored] = []
        while len(found) < limit:
            reply = await self.scripts.run(
                "list_customers", shelf=int(shelf or 0), after=after, limit=limit - len(found)
            )
            if reply[0] == b"END":
                return CustomerPage((*found, *map(Stored, reply[1:])), None)
            shelf, after = str(reply[1]), reply[2].decode()
            found.extend(map(Stored, reply[3:]))
        return CustomerPage(tuple(found), f"{shelf}:{after}")

    async def record_contact(self, customer_id: str, contact: Contact, number: str = "") -> bool:
        """Remember how a call went; False when there is no such customer. A repeat changes nothing.

        `number`: where a talk that was completed came from.
        """
        reply = await self.scripts.run(
            "record_contact",
            customer_id=customer_id,
            call_id=contact.call_id,
            contact=contact.pack(),
            keep=KEPT,
            number=number,
        )
        return bool(reply[0] == b"OK")

    async def keep_answer(self, number: str, answer: bytes, keep_ms: int) -> None:
        """What a CRM said of a number; `find` gives it back while nobody else is behind the number."""
        await self.scripts.run("keep_answer", number=number, answer=answer, keep_ms=keep_ms)


async def _kept(pin: str | None) -> str:
    """As the script takes it."""
    return await hash_of(pin) if pin else "-" if pin == "" else ""


def _patched(old: Stored, patch: Any) -> CustomerSeed:
    fields = json.loads(old.raw)
    result = merged(fields, patch)
    if not isinstance(result, dict) or result.get("customer_id") != fields["customer_id"]:
        raise InvalidCustomer([Fault("/customer_id", "a patch is an object and leaves the id as it is")])
    try:
        return CustomerSeed.model_validate_json(json.dumps(result), strict=True)
    except ValidationError as error:
        raise InvalidCustomer(faults_of(error)) from None
