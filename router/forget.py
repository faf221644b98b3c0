"""An erased person leaves nothing behind but anonymous counters."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

from router.callbacks import state_of
from router.directory.customers import Erased
from router.domain.errors import Refused
from router.domain.events import WORDS
from router.site import Site

SENT = {"from", "identity", "phone", "topic", "attributes"}
PERSONAL = SENT | {"customer", "claimed", "claimed_id", "contacts", "notes"}


async def forget(site: Site, customer_id: str, erased: Erased) -> None:
    """Callbacks are cancelled, past calls and their timelines go, calls under way lose what they say of the person."""
    booked = [callback_id for callback_id, _ in await site.callbacks.since()]
    rows = [row for row in await site.engine.read_calls(booked) if row is not None] if booked else []
    theirs = [row for row in rows if _is_about(row.meta, customer_id)]
    for row in theirs:
        if state_of(row) not in ("connected", "done", "missed", "superseded", "cancelled"):
            try:
                await site.engine.cancel_callback(row.call_id)
            except Refused:
                continue  # reached meanwhile: a call under way, seen to below
    await site.callbacks.forget(*(row.call_id for row in theirs))
    keys = [key for call_id in erased.call_ids for key in (site.keys.meta(call_id), site.keys.history(call_id))]
    keys += [site.keys.identity(quote(number, safe="")) for number in erased.numbers]
    keys += [site.keys.booked(number.removeprefix("+")) for number in erased.numbers]
    if keys:
        await site.channel.call("DEL", *keys)
    await _forget_calls(site, customer_id)
    await _forget_answers(site, customer_id)


async def _forget_calls(site: Site, customer_id: str) -> None:
    """Ended calls that are no contact (called back, withdrawn, cut off …) are in no list of the customer's either."""
    mark, start = customer_id.encode(), len(site.keys.meta(""))
    async for found in _values(site, site.keys.meta("*")):
        call_ids = [key.decode()[start:] for key, value in found if mark in value]
        for call_id, row in zip(call_ids, await site.engine.read_calls(call_ids) if call_ids else (), strict=True):
            if row is None or not _is_about(row.meta, customer_id):
                continue
            if row.state == "ended":
                await site.channel.call("DEL", site.keys.meta(call_id), site.keys.history(call_id))
            else:
                rest = {name: value for name, value in row.meta.items() if not _is_personal(name)}
                await site.channel.call("SET", site.keys.meta(call_id), json.dumps(rest), "XX", "KEEPTTL")


async def _forget_answers(site: Site, customer_id: str) -> None:
    """Answers remembered for `Idempotency-Key` hold what they answered; a body is JSON within the record's JSON."""
    mark = json.dumps(f'"customer_id":"{customer_id}"')[1:-1].encode()
    async for found in _values(site, site.keys.own("y:*")):
        theirs = [key for key, value in found if mark in value]
        if theirs:
            await site.channel.call("DEL", *theirs)


async def _values(site: Site, pattern: str) -> AsyncIterator[list[tuple[bytes, bytes]]]:
    """(key, value) of the strings whose keys match, in pages. An erasure is rare, and may look at everything."""
    cursor = b"0"
    while True:
        cursor, keys = await site.channel.call("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
        values = await site.channel.call("MGET", *keys) if keys else []
        yield [(key, value) for key, value in zip(keys, values, strict=True) if value]
        if cursor == b"0":
            return


def _is_personal(name: str) -> bool:
    return name in PERSONAL or name.startswith(WORDS)


def _is_about(meta: dict[str, object], customer_id: str) -> bool:
    customer = meta.get("customer")
    known = isinstance(customer, dict) and customer.get("customer_id") == customer_id
    return known or meta.get("claimed_id") == customer_id
