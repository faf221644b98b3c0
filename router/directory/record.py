"""A customer as kept in the server: compact JSON of what was given, numbers normalised. Pure.

The version of a record is the hash of its bytes, so equal contents are equal versions and nothing counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from config.people import CustomerSeed
from router.directory.contacts import Contact
from router.directory.errors import Fault, InvalidCustomer
from router.directory.phones import identify
from router.domain.customer import Account, Customer, ValueParts


@dataclass(frozen=True, slots=True)
class Stored:
    """A customer as found in the directory. `contacts`: the last ten, newest first.

    Of a call that is coming in: `reached`, whether a talk from its number was completed before, `has_pin`, and
    from how many `numbers` the customer called lately.
    """

    raw: bytes
    contacts: tuple[Contact, ...] = ()
    reached: bool = False
    has_pin: bool = False
    numbers: int = 0

    @property
    def version(self) -> str:
        """The bare ETag."""
        return version_of(self.raw)

    @property
    def customer(self) -> Customer:
        return customer_of(json.loads(self.raw))

    def body(self) -> dict[str, Any]:
        """The customer as the API shows it: every field, absent ones null or empty."""
        full = CustomerSeed.model_validate_json(self.raw).model_dump(mode="json")
        return {"customer_id": full.pop("customer_id"), **full}


def version_of(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def with_numbers(seed: CustomerSeed, region: str | None) -> CustomerSeed:
    """The same customer, each number spelled as a caller's would be and named once. Raises InvalidCustomer."""
    numbers, faults = [], []
    for place, phone in enumerate(seed.phones):
        identity = identify(phone, region)
        if _may_be_found_by(identity.key) and (identity.dialled or identity.kind in ("sip", "client")):
            numbers.append(identity.key)
        else:
            faults.append(Fault(f"/phones/{place}", "no telephone number, short code, sip: or client: address"))
    if faults:
        raise InvalidCustomer(faults[:20])
    unique = tuple(dict.fromkeys(numbers))
    return seed if unique == seed.phones else seed.model_copy(update={"phones": unique})


def _may_be_found_by(key: str) -> bool:
    """Scripts list numbers with blanks between them."""
    return bool(key) and key.isprintable() and " " not in key


def dump(seed: CustomerSeed) -> bytes:
    """What is kept: fields at their defaults are left out."""
    return seed.model_dump_json(exclude_defaults=True).encode()


def customer_of(fields: dict[str, Any]) -> Customer:
    """The domain's value of a record. Tolerant: a field this release does not know is left out."""
    account, parts = fields.get("account"), fields.get("value_parts")
    known = {name: _frozen(value) for name, value in fields.items() if name in _FIELDS}
    known["account"] = Account(**_only(account, _ACCOUNT_FIELDS)) if account else None
    known["value_parts"] = ValueParts(**_only(parts, _PARTS_FIELDS)) if parts else None
    return Customer(**known)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _only(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


_FIELDS = frozenset(Customer.__dataclass_fields__)
_ACCOUNT_FIELDS = frozenset(Account.__dataclass_fields__)
_PARTS_FIELDS = frozenset(ValueParts.__dataclass_fields__)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386: members of `patch` replace those of `target`, null removes one, anything but an object replaces all."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
