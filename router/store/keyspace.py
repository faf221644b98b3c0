"""The only place in Python that spells a Redis key; `scripts/includes/keys.lua` holds the same words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyspace:
    """Keys of one site: all begin with `{site}`, so they live in one cluster slot; `prefix` goes before the tag."""

    site: str
    prefix: str = ""

    @property
    def root(self) -> str:
        """What a script gets as KEYS[1]."""
        return f"{self.prefix}{{{self.site}}}"

    def call(self, call_id: str) -> str:
        return f"{self.root}:c:{call_id}"

    def steps(self, call_id: str) -> str:
        return f"{self.root}:l:{call_id}"

    def meta(self, call_id: str) -> str:
        return f"{self.root}:m:{call_id}"

    def documents(self, call_id: str) -> str:
        return f"{self.root}:f:{call_id}"

    def actions(self, call_id: str) -> str:
        """What was asked of the call's provider, and the legs it has placed."""
        return f"{self.root}:o:{call_id}"

    def history(self, call_id: str) -> str:
        return f"{self.root}:h:{call_id}"

    def agent(self, agent_id: str) -> str:
        return f"{self.root}:a:{agent_id}"

    def card(self, agent_id: str) -> str:
        return f"{self.root}:d:{agent_id}"

    def lane(self, lane: str) -> str:
        return f"{self.root}:w:{lane}"

    def ready(self, profile: str) -> str:
        return f"{self.root}:i:{profile}"

    def identity(self, identity: str) -> str:
        return f"{self.root}:r:{identity}"

    def booked(self, number: str) -> str:
        """The newest callback to a number (digits), and how many it had that day."""
        return f"{self.root}:kn:{number}"

    def own(self, name: str) -> str:
        """A key of the parts that keep their own state (directory, plan, idempotency …)."""
        return f"{self.root}:{name}"

    @property
    def duty(self) -> str:
        return f"{self.root}:n"

    @property
    def deadlines(self) -> str:
        return f"{self.root}:t"

    @property
    def guide(self) -> str:
        return f"{self.root}:g"

    @property
    def events(self) -> str:
        return f"{self.root}:ev"

    @property
    def virtual(self) -> str:
        return f"{self.root}:v"

    @property
    def agents(self) -> str:
        return f"{self.root}:agents"

    @property
    def callbacks(self) -> str:
        return f"{self.root}:k"

    @property
    def closed(self) -> str:
        """Closed groups and what their callers are told."""
        return f"{self.root}:closed"

    @property
    def sequence(self) -> str:
        return f"{self.root}:s"


def service_key(name: str, prefix: str = "") -> str:
    """Keys of the whole service (sites, tokens)."""
    return f"{prefix}{{vipline}}:{name}"


def sync_key(tag: str) -> str:
    """Written before each wait for a replica; it holds nothing."""
    return f"{{{tag}}}:sync"
