"""How calls ended, remembered with their customers: the next agent sees it, and the last one is preferred."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from router.directory.contacts import Contact
from router.domain.events import Event
from router.site import Site

NOT_A_CONTACT = frozenset({"recalled", "superseded", "callback", "withdrawn", "cancelled"})


async def remember(site: Site, ended: Sequence[Event]) -> None:
    """`call.ended` → the customers' contacts. Told twice, each is kept once."""
    wanted = [event for event in ended if event.fields.get("outcome") not in NOT_A_CONTACT]
    metas = await site.channel.call_many([("GET", site.keys.meta(event.fields["call"])) for event in wanted])
    found = []
    for event, meta in zip(wanted, metas, strict=True):
        known = json.loads(meta) if isinstance(meta, bytes) else {}
        customer = known.get("customer")
        if customer:
            number = _reached_from(known) if event.fields.get("outcome") == "answered" else ""
            found.append(site.customers.record_contact(customer["customer_id"], _contact(event), number))
    await asyncio.gather(*found)


def _reached_from(meta: Mapping[str, Any]) -> str:
    """The number a talk came from, if it was believed: what was faked proves nothing of the next call."""
    return str(meta.get("identity") or "") if meta.get("trusted") else ""


def _contact(event: Event) -> Contact:
    answered = event.fields.get("outcome") == "answered"
    agent_id = event.fields.get("agent", "") if answered else ""
    result = unquote(event.fields.get("result", "")) if answered else ""
    return Contact(event.at_ms, agent_id, result or event.fields.get("outcome", ""), event.fields["call"])
