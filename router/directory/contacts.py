"""The last contacts with a customer: whom they spoke to, and how it ended. Pure; packed as the server keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

KEPT = 10


@dataclass(frozen=True, slots=True)
class Contact:
    """One call of a customer. `at` in ms; `agent_id` is empty when nobody answered."""

    at: int
    agent_id: str
    outcome: str
    call_id: str

    def pack(self) -> str:
        """`at|agent|outcome|call`; the outcome, an agent's own words, is percent-encoded."""
        return f"{self.at}|{self.agent_id}|{quote(self.outcome, safe=' ')}|{self.call_id}"


def unpack(text: bytes | None) -> tuple[Contact, ...]:
    """The contacts of a customer, newest first."""
    return tuple(_contact(line) for line in (text or b"").decode().splitlines())


def _contact(line: str) -> Contact:
    at, agent_id, outcome, call_id = line.split("|")
    return Contact(int(at), agent_id, unquote(outcome), call_id)


def last_agent(contacts: tuple[Contact, ...], since_ms: int) -> str | None:
    """Who spoke to the customer last, if that was not before `since_ms`."""
    for contact in contacts:
        if contact.at < since_ms:
            return None
        if contact.agent_id:
            return contact.agent_id
    return None
