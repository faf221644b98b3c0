"""Keep-place callbacks: the caller hangs up, a callback stands in the very place, and is read back from the engine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

from config.models import SitePlan
from config.values import country_of
from router.directory.phones import identify
from router.site import Site
from router.store.rows import KINDS, CallRow

STATES = {"waiting": "waiting", "choosing": "waiting", "connected": "connected"}
ENDED = {"answered": "done", "superseded": "superseded", "cancelled": "cancelled"}

NOT_DIALLED = ("premium_rate", "shared_cost", "uan", "pager", "voicemail")
DEAR = frozenset({870, 878, 881, 882, 883, 979})
"""Satellites, and premium numbers of no country."""


def may_be_dialled(number: str) -> bool:
    """Whether a caller's own number, as the directory spells it, may be called: nobody earns by our calling it."""
    for size in (1, 2, 3):
        country = number[1 : 1 + size]
        if country.isdigit() and int(country) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            dear = int(country) in DEAR or _not_dialled(int(country)).fullmatch(number, 1 + size)
            return number[0] == "+" and not dear
    return False


def why_not_called(number: str, meta: Mapping[str, Any], plan: SitePlan, theirs: bool = False) -> str:
    """Why nobody is called back at this number, in words; empty: somebody may be. `meta`: of the call it is for.

    A customer's own is dialled wherever it is: the one that the call came from, or one known as `theirs`. A stranger's
    in the plan's countries.
    """
    if number in (*plan.numbers, meta.get("to")):
        return "it is one of our own numbers"
    if not may_be_dialled(number):
        return "no number is called back that is short, premium or of no country"
    own = theirs or (bool(meta.get("customer")) and number == meta.get("identity"))
    if not own and country_of(number) not in plan.callback_countries:
        return "it is in none of the countries that the plan calls back"
    return ""


def dialled(meta: Mapping[str, Any], plan: SitePlan, phone: str | None = None, theirs: bool = False) -> tuple[str, str]:
    """The number a callback of this call dials, the caller's own if no other is told; and why it may not be.

    `theirs`: the directory knows it as the customer's. A `sip:` address costs nobody anything and is let be.
    """
    if phone is None and meta.get("trust") == "failed":
        return "", "the number that the call came from is a false one"
    identity = identify(phone if phone is not None else meta.get("identity"), plan.region)
    if identity.kind == "sip":
        return identity.key, ""
    if not identity.dialled:
        return "", "not a number that can be called"
    return identity.key, why_not_called(identity.key, meta, plan, theirs)


async def is_theirs(site: Site, meta: Mapping[str, Any], phone: str) -> bool:
    """Whether a number is one of the customer's who called."""
    customer = meta.get("customer")
    if not customer:
        return False
    found = await site.customers.find(identify(phone, site.plan.region).key)
    return any(one.customer.customer_id == customer["customer_id"] for one in found.customers)


@lru_cache(maxsize=512)
def _not_dialled(country: int) -> re.Pattern[str]:
    """The national numbers of a country that are not called; the library takes 200 µs for one number's kind."""
    patterns = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country]:
        code = str(country) if region == "001" else region
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(country, code)
        for kind in NOT_DIALLED:
            found = getattr(metadata, kind, None)
            if found is not None and found.national_number_pattern:
                patterns.append(f"(?:{found.national_number_pattern})")
    return re.compile("|".join(patterns) or "(?!)")


def is_callback(row: CallRow) -> bool:
    return KINDS[row.facts.kind] == "callback"


def callback_id_of(call_id: str) -> str:
    """One callback a call, and the same one when the request is repeated."""
    return f"cb-{hashlib.sha256(call_id.encode()).hexdigest()[:24]}"


async def keep_place(site: Site, row: CallRow, phone: str | None = None, topic: str = "", step: str = "") -> str:
    """The call ends, its callback waits in its place; answers the callback's id.

    Raises WrongState, CallbackOpen, CallbackLimit. `step`: the carrier's request that asks for it, see the engine.
    """
    callback_id, phone = callback_id_of(row.call_id), phone or str(row.meta.get("identity") or "")
    meta = {"call_id": row.call_id, "phone": phone or None, "topic": topic}  # first: a script reads them there
    meta |= {name: value for name, value in row.meta.items() if name not in meta}
    await site.engine.keep_place(
        row.call_id,
        callback_id,
        identity=str(row.meta.get("identity") or "") if row.meta.get("trusted") else "",
        meta=json.dumps(meta, ensure_ascii=False, separators=(",", ":")),
        widen=site.plan.callback.widen,
        number=phone.removeprefix("+") if phone.startswith("+") else "",
        a_day=site.plan.callback.per_day,
        step=step,
    )
    return callback_id


def state_of(row: CallRow) -> str:
    """The API's word for where a callback stands; a dial that failed counts as missed."""
    if row.state == "ended":
        return ENDED.get(row.outcome or "", "missed")
    if row.state == "offered":
        return "dialling" if row.letter == "b" else "due"
    return STATES[row.state]
