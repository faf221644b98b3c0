"""What an adapter that keeps channels of its own must know of a site: how its calls stand, and whose phone is whose."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from router.callbacks import is_callback
from router.domain.errors import Refused
from router.relay import live_calls
from router.site import Site
from router.store.rows import AgentRow, CallRow

ON_DUTY = frozenset("rotwc")


@dataclass(frozen=True, slots=True)
class Standing:
    """A live call. `letter`: the engine's own state. `offer_id`: of the agent who has it."""

    call_id: str
    letter: str
    offer_id: str
    is_callback: bool


class Office:
    """One site's, for the process that leads it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def standing(self, provider: str) -> list[Standing]:
        """The live calls of a provider."""
        found: dict[str, Standing] = {}
        async for call_ids in live_calls(self._site):
            for row in await self._site.engine.read_calls(call_ids):
                if row is not None and row.letter != "e" and row.meta.get("provider") == provider:
                    found[row.call_id] = _standing(row)
        return list(found.values())

    async def knows(self, call_id: str) -> bool:
        """Whether there is, or was not long ago, such a call."""
        return await self._site.engine.read_call(call_id) is not None

    async def phones(self) -> Mapping[str, str]:
        """Endpoint → the agent whose it is."""
        rows = await self._agents()
        return {endpoint: row.agent_id for row in rows if (endpoint := json.loads(row.card or "{}").get("endpoint"))}

    async def phone_away(self, agent_id: str, reason: str) -> None:
        """Their phone cannot ring for us now: nobody is offered to them. Somebody who is off duty stays so."""
        row = await self._agent(agent_id)
        if row is not None and row.letter in ON_DUTY and row.next_state is None:
            with contextlib.suppress(Refused):
                await self._site.engine.agent_away(agent_id, "break", reason)

    async def phone_back(self, agent_id: str, reason: str) -> bool:
        """It can again: undoes what we did with this reason, and nothing the agent chose. False: not yet, ask again."""
        row = await self._agent(agent_id)
        if row is None or row.reason != reason:
            return True
        if row.letter == "w" and row.next_state == "break":
            return False  # they wrap up; to be ready now would end that
        if row.letter == "b" or row.next_state == "break":
            with contextlib.suppress(Refused):
                await self._site.engine.agent_ready(agent_id)
        return True

    async def _agent(self, agent_id: str) -> AgentRow | None:
        return await self._site.engine.read_agent(agent_id)

    async def _agents(self) -> list[AgentRow]:
        engine = self._site.engine
        return [row for row in await engine.read_agents(await engine.agent_ids()) if row is not None]


def _standing(row: CallRow) -> Standing:
    return Standing(row.call_id, row.letter, row.offer_id or "", is_callback(row))


@runtime_checkable
class Leads(Protocol):
    """An adapter that speaks with its provider from one process at a time."""

    async def lead(self, site: str, office: Office) -> None:
        """Runs in the process that carries the site's actions, as long as it does, until cancelled."""
        ...
