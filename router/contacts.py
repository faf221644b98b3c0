"""How a call ended, remembered with the customer: the next agent sees it, and the last one is preferred."""

from __future__ import annotations

from urllib.parse import unquote

from router.directory.contacts import Contact
from router.domain.events import Event
from router.site import Site

NOT_A_CONTACT = frozenset({"recalled", "superseded", "callback", "withdrawn", "cancelled"})


async def remember(site: Site, event: Event) -> None:
    """`call.ended` → the customer's contacts. Told twice, it is kept once."""
    outcome = event.fields.get("outcome", "")
    if outcome in NOT_A_CONTACT:
        return
    row = await site.engine.read_call(event.fields["call"])
    customer = row.meta.get("customer") if row is not None else None
    if not customer:
        return
    answered = outcome == "answered"
    agent_id = event.fields.get("agent", "") if answered else ""
    result = unquote(event.fields.get("result", "")) if answered else ""
    contact = Contact(event.at_ms, agent_id, result or outcome, event.fields["call"])
    await site.customers.record_contact(customer["customer_id"], contact)
