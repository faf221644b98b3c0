"""What happens to agents, groups and the plan: one typed method per script."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from router.domain import errors
from router.domain.ladder import Profile
from router.store.sending import Sending

OFF_DUTY = {"break": "b", "offline": "x"}


class AgentTransitions(Sending):
    """Each may be sent twice, and is answered the same."""

    async def put_agent(self, agent_id: str, profile: Profile, card: str, expected: str = "") -> tuple[str, bool]:
        """Creates or changes an agent: (state's letter, created). `expected`: the card it was edited from, `-` absent.

        Raises StaleEdit."""
        words = await self._run("put_agent", agent_id=agent_id, profile=profile.text(), card=card, expected=expected)
        return self._state(words), words[2] == "1"

    async def delete_agent(self, agent_id: str, expected: str = "") -> None:
        """Raises UnknownAgent, AgentEngaged, StaleEdit."""
        words = await self._run("delete_agent", agent_id=agent_id, expected=expected)
        self._state([*(["UNKNOWN_AGENT"] if words[0] == "UNKNOWN" else words), ""])

    async def agent_ready(self, agent_id: str) -> str:
        """Raises UnknownAgent."""
        return self._agent_state(await self._run("agent_ready", agent_id=agent_id))

    async def agent_away(self, agent_id: str, state: str, reason: str = "") -> str:
        """`state`: break or offline. Raises UnknownAgent."""
        words = await self._run("agent_away", agent_id=agent_id, state=OFF_DUTY[state], reason=quote(reason, safe=""))
        return self._agent_state(words)

    async def end_wrap_up(self, agent_id: str) -> str:
        """Raises UnknownAgent."""
        return self._agent_state(await self._run("end_wrap_up", agent_id=agent_id))

    @staticmethod
    def _agent_state(words: list[str]) -> str:
        if words[0] == "UNKNOWN":
            raise errors.UnknownAgent
        return words[1]

    async def close_group(self, group: str, *, until_ms: int | None = None, by: str = "", message: str = "") -> None:
        """Its lanes have no agents until it opens; who waits there takes the next step or the exit."""
        until = "" if until_ms is None else str(until_ms)
        await self._run("close_group", group=group, until_ms=until, by=by, message=quote(message, safe=""))

    async def open_group(self, group: str, *, by: str = "") -> None:
        await self._run("open_group", group=group, by=by)

    async def set_plan(self, version: str, keep_free: Mapping[str, int], *, by: str = "") -> None:
        """From now on ladders made with another version are refused."""
        spec = " ".join(f"{group}={r}" for group, r in sorted(keep_free.items()) if r > 0)
        await self._run("set_plan", version=version, keep_free=spec, by=by)
