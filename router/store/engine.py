"""The engine of one site: all transitions, and the deadlines that bring some of them about."""

from __future__ import annotations

from dataclasses import dataclass

from router.store.agent_transitions import AgentTransitions
from router.store.call_transitions import CallTransitions


@dataclass(frozen=True, slots=True)
class Due:
    """Deadlines that have come: [(member, due ms)], and the first that has not, ms. `now_ms` is the site's clock."""

    now_ms: int
    entries: list[tuple[str, int]]
    next_ms: int | None


class Engine(CallTransitions, AgentTransitions):
    """One site's transitions over one connection."""

    async def read_due(self, limit: int = 500) -> Due:
        """What has come due by the site's own clock, soonest first, ties by member, and when the next will."""
        _, now, following, *flat = await self._run("read_due", limit=str(limit))
        entries = [(flat[i], int(float(flat[i + 1]))) for i in range(0, len(flat), 2)]
        return Due(int(float(now)), entries, int(float(following)) if following else None)

    async def run_due(self, member: str, due_ms: int) -> None:
        """Runs the transition a deadline stands for; it re-checks, and a second run is a no-op."""
        if self.clock is not None:
            self.clock.now_ms = max(self.clock.now_ms, due_ms)
        kind, _, name = member.partition(":")
        if kind == "c":
            await self._run("expire_call", call_id=name)
        elif kind == "a":
            await self._run("expire_agent", agent_id=name)
        elif kind == "l":
            words = ["MORE", "-inf"]
            while words[0] == "MORE":
                words = await self._run("walk_lane", lane=name, after=words[1])
        elif kind == "g":
            await self._run("open_group", group=name, by="deadline")
        elif kind == "p":
            await (self.on_plan or self.end_walk)(name)

    async def end_walk(self, version: str) -> None:
        """Every waiting call has been shown this plan version."""
        await self._run("end_walk", version=version)

    async def run_until(self, now_ms: int) -> None:
        """Virtual time: runs all deadlines due by `now_ms`, each at its own time, then sets the clock there."""
        assert self.clock is not None
        while True:
            due = await self.read_due(1)
            if due.entries:
                await self.run_due(*due.entries[0])
            elif due.next_ms is not None and due.next_ms <= now_ms:
                self.clock.now_ms = due.next_ms
            else:
                break
        self.clock.now_ms = max(self.clock.now_ms, now_ms)
