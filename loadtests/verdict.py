"""What happened, judged by the event stream alone: nobody lost, nobody doubled, nobody passed over, nobody idle.

It goes through the entries once, keeps who holds whom and who stands where, and writes down what must not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loadtests.books import STANDING, Books, CallSeen
from loadtests.lanes import group_of, level_in, parse_profile
from router.domain.events import Event

HEADS = 16


class Verdict(Books):
    """`head_starts`: tier → ms; `keep_free`: group → agents of it that stay ready for its own callers.

    `read` everything, then `close`; `faults` grows with both.
    """

    def __init__(self, head_starts: Mapping[str, int], keep_free: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self._head_starts = head_starts
        self._keep_free = {group: count for group, count in (keep_free or {}).items() if count}
        self._at_ms = 0

    def read(self, events: Iterable[Event]) -> Verdict:
        """Take in entries, oldest first."""
        for event in events:
            if event.at_ms != self._at_ms:
                # Between two times lies the end of a script; within one we may be in the middle of it.
                self._nobody_idle(event.entry_id)
                self._at_ms = event.at_ms
            self.take(event)
        return self

    def close(
        self, created: Iterable[str], connected: Mapping[str, str], ended: Iterable[str], *, all_over: bool = True
    ) -> list[str]:
        """Compare with what clients were told: calls created, offers connected (offer → call), calls ended.

        `all_over`: every call must have ended by now. Answers all faults.
        """
        for call_id in created:
            if call_id not in self.calls:
                self.faults.append(f"{call_id} was acknowledged and is lost")
        self._nobody_idle("the end")
        for offer, call_id in connected.items():
            if self._connected.get(offer) != call_id:
                self.faults.append(f"{call_id} was answered by offer {offer}, and the stream knows nothing of it")
        for call_id in ended:
            if call_id in self.calls and self.calls[call_id].state != "ended":
                self.faults.append(f"{call_id} was told to have ended, is {self.calls[call_id].state}")
        for call_id in self.live if all_over else ():
            call = self.calls[call_id]
            self.faults.append(f"{call_id} is {call.state} ({', '.join(call.lanes)}) and nobody comes")
        return self.faults

    # ------------------------------------------------------------------ order

    def _rank(self, call: CallSeen) -> int:
        start = self._head_starts.get(call.tier, 0) if call.head_start_ms is None else call.head_start_ms
        own = call.accepted_ms - start
        return own if call.took is None else min(own, self._rank(call.took))

    def _level(self, agent_id: str, lane: str) -> int | None:
        """How soon the agent serves the lane: 0 the agent's own, then the group's level; None: not at all."""
        if lane.startswith("@"):
            return 0 if lane == f"@{agent_id}" else None
        return None if group_of(lane) in self._closed else level_in(self.agents[agent_id].profile, lane)

    def _reach(self, agent_id: str, lane: str) -> int | None:
        """The same, unless the agent is kept free for another group's callers."""
        level = self._level(agent_id, lane)
        if not level or not self._keep_free:
            return level
        groups, _ = parse_profile(self.agents[agent_id].profile)
        for group in groups.keys() & self._keep_free.keys() - {group_of(lane)}:
            others = sum(
                agent.state == "ready" and group in parse_profile(agent.profile)[0]
                for name, agent in self.agents.items()
                if name != agent_id
            )
            if others < self._keep_free[group]:
                return None
        return level

    def _in_turn(self, call_id: str, agent_id: str, lane: str) -> None:
        """Nobody of better rank stands where the agent looks as soon or sooner, but those who avoid the agent.

        Ranks within one millisecond are told apart by a number that entries do not name: they count as equal.
        """
        call, level = self.calls[call_id], self._level(agent_id, lane)
        if call.assigned:
            return
        if level is None:
            self.faults.append(f"{call_id} is offered in {lane}, which {agent_id} does not serve")
            return
        for other_id, other in self._live.items():
            if other is call or other.state not in STANDING or (level > 0 and agent_id in other.avoids):
                continue
            levels = [at for at in (self._reach(agent_id, name) for name in other.lanes) if at is not None]
            better = self._rank(other) < self._rank(call)
            sooner = bool(levels) and (min(levels) < level or (min(levels) == level and better))
            if sooner and self._among_heads(other, agent_id):
                self.faults.append(f"{call_id} is offered to {agent_id} in {lane} before {other_id}")

    def _among_heads(self, call: CallSeen, agent_id: str) -> bool:
        """An agent looks at the first heads of a lane only."""
        rank = self._rank(call)
        for lane in call.lanes:
            if self._level(agent_id, lane) is not None:
                ahead = sum(
                    other.state in STANDING and lane in other.lanes and self._rank(other) < rank
                    for other in self._live.values()
                )
                if ahead < HEADS:
                    return True
        return False

    def _nobody_idle(self, before: str) -> None:
        """No agent is ready while somebody stands in a lane the agent serves."""
        ready = [agent_id for agent_id, agent in self.agents.items() if agent.state == "ready"]
        if not ready:
            return
        standing = [(call_id, call.lanes) for call_id, call in self._live.items() if call.state in STANDING]
        for call_id, lanes in standing:
            for agent_id in ready:
                if any(self._reach(agent_id, lane) is not None for lane in lanes):
                    self.faults.append(f"before {before}: {agent_id} is ready while {call_id} stands in {lanes}")
                    self.agents[agent_id].state = "idle"  # told once
