"""An erased person leaves nothing behind but anonymous counters."""

from __future__ import annotations

import json
from urllib.parse import quote

from router.callbacks import state_of
from router.directory.customers import Erased
from router.domain.errors import Refused
from router.relay import live_calls
from router.site import Site

PERSONAL = ("from", "identity", "customer", "contacts", "phone", "topic", "notes", "attributes")


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
    gone = [*erased.call_ids, *(row.call_id for row in theirs)]
    keys = [key for call_id in gone for key in (site.keys.meta(call_id), site.keys.history(call_id))]
    keys += [site.keys.identity(quote(number, safe="")) for number in erased.numbers]
    if keys:
        await site.channel.call("DEL", *keys)
    await site.callbacks.forget(*(row.call_id for row in theirs))
    await _forget_answers(site, customer_id)
    async for call_ids in live_calls(site):
        for live in await site.engine.read_calls(call_ids):
            if live is not None and _is_about(live.meta, customer_id):
                rest = {name: value for name, value in live.meta.items() if name not in PERSONAL}
                await site.channel.call("SET", site.keys.meta(live.call_id), json.dumps(rest), "XX", "KEEPTTL")


async def _forget_answers(site: Site, customer_id: str) -> None:
    """Answers remembered for `Idempotency-Key` hold what they answered; a body is JSON within the record's JSON."""
    mark = json.dumps(f'"customer_id":"{customer_id}"')[1:-1].encode()
    cursor = b"0"
    while True:
        cursor, keys = await site.channel.call("SCAN", cursor, "MATCH", site.keys.own("y:*"), "COUNT", 1000)
        values = await site.channel.call("MGET", *keys) if keys else []
        theirs = [key for key, value in zip(keys, values, strict=True) if value and mark in value]
        if theirs:
            await site.channel.call("DEL", *theirs)
        if cursor == b"0":
            return


def _is_about(meta: dict[str, object], customer_id: str) -> bool:
    customer = meta.get("customer")
    return isinstance(customer, dict) and customer.get("customer_id") == customer_id
