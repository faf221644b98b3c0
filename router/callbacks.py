"""Keep-place callbacks: the caller hangs up, a callback stands in the very place, and is read back from the engine."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType

from router.site import Site
from router.store.rows import KINDS, CallRow

STATES = {"waiting": "waiting", "choosing": "waiting", "connected": "connected"}
ENDED = {"answered": "done", "superseded": "superseded", "cancelled": "cancelled"}


NOT_DIALLED = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)


@lru_cache(maxsize=8_192)
def may_be_dialled(number: str) -> bool:
    """Whether a caller's own number may be called: one that exists, and whose owner does not earn by being called."""
    if not number.startswith("+"):
        return False
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed) and phonenumbers.number_type(parsed) not in NOT_DIALLED


def is_callback(row: CallRow) -> bool:
    return KINDS[row.facts.kind] == "callback"


def callback_id_of(call_id: str) -> str:
    """One callback a call, and the same one when the request is repeated."""
    return f"cb-{hashlib.sha256(call_id.encode()).hexdigest()[:24]}"


async def keep_place(site: Site, row: CallRow, phone: str | None = None, topic: str = "", step: str = "") -> str:
    """The call ends, its callback waits in its place; answers the callback's id. Raises WrongState.

    `step`: the carrier's request that asks for it, see the engine.
    """
    callback_id = callback_id_of(row.call_id)
    meta = dict(row.meta) | {"call_id": row.call_id, "phone": phone or row.meta.get("identity"), "topic": topic}
    await site.engine.keep_place(
        row.call_id,
        callback_id,
        identity=str(row.meta.get("identity") or "") if row.meta.get("trusted") else "",
        meta=json.dumps(meta, ensure_ascii=False, separators=(",", ":")),
        widen=site.plan.callback.widen,
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
