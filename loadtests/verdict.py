"""What happened, judged by the event stream alone: nobody lost, nobody doubled, nobody passed over, nobody idle.

It goes through the entries once, keeps who holds whom and who stands where, and writes down what must not be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loadtests.lanes import group_of, level_in, parse_profile
from router.domain.events import AGENT_STATES, Event

STANDING = ("waiting", "choosing")
AVOIDED = 3
HEADS = 16


@dataclass(slots=True)
class CallSeen:
    """One call as the entries tell of it."""

    state: str
    accepted_ms: int
    tier: str
    lanes: list[str] = field(default_factory=list)
    agent: str = ""
    offer: str = ""
    avoids: list[str] = field(default_factory=list)
    head_start_ms: int | None = None
    assigned: bool = False
    outcome: str = ""


@dataclass(slots=True)
class AgentSeen:
    """One agent as the entries tell of it."""

    profile: str
    state: str = "offline"
    call: str = ""


class Verdict:
    """`head_starts`: tier → ms; `keep_free`: group → agents of it that stay ready for its own callers.

    `read` everything, then `close`; `faults` grows with both.
    """

    def __init__(self, head_starts: Mapping[str, int], keep_free: Mapping[str, int] | None = None) -> None:
        self.faults: list[str] = []
        self.calls: dict[str, CallSeen] = {}
        self.agents: dict[str, AgentSeen] = {}
        self.counts: Counter[str] = Counter()
        self._head_starts = head_starts
        self._keep_free = {group: count for group, count in (keep_free or {}).items() if count}
        self._live: dict[str, CallSeen] = {}
        self._closed: set[str] = set()
        self._connected: dict[str, str] = {}
        self._at_ms = 0

    def read(self, events: Iterable[Event]) -> Verdict:
        """Take in entries, oldest first."""
        for event in events:
            if event.at_ms != self._at_ms:
                # Between two times lies the end of a script; within one we may be in the middle of it.
                self._nobody_idle(event.entry_id)
                self._at_ms = event.at_ms
            self.counts[event.type] += 1
            handle = getattr(self, "_" + event.type.replace(".", "_"), None)
            if handle is not None:
                handle(event)
        return self

    @property
    def live(self) -> list[str]:
        """Calls that have not ended."""
        return list(self._live)

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

    def _call(self, event: Event, name: str = "call") -> CallSeen:
        call_id = event.fields[name]
        if call_id not in self.calls:
            self.faults.append(f"{event.type} of {call_id}, which never came")
            self._begin(call_id, CallSeen("waiting", event.at_ms, ""))
        return self.calls[call_id]

    def _begin(self, call_id: str, call: CallSeen) -> None:
        self.calls[call_id] = self._live[call_id] = call

    def _agent(self, event: Event) -> AgentSeen:
        agent_id = event.fields["agent"]
        if agent_id not in self.agents:
            self.faults.append(f"{event.type} of {agent_id}, who does not exist")
            self.agents[agent_id] = AgentSeen(";")
        return self.agents[agent_id]

    # ------------------------------------------------------------------ calls

    def _call_greeting(self, event: Event) -> None:
        """At the door, in no line yet."""
        assert event.facts is not None
        self._begin(event.fields["call"], CallSeen("greeting", event.facts.accepted_ms, event.facts.tier))

    def _call_accepted(self, event: Event) -> None:
        call_id, facts = event.fields["call"], event.facts
        if call_id in self.calls and self.calls[call_id].state != "greeting":
            self.faults.append(f"{call_id} was accepted twice")
        assert facts is not None
        state = "choosing" if event.fields["state"] == "q" else "waiting"
        self._begin(call_id, CallSeen(state, facts.accepted_ms, facts.tier, event.fields["lanes"].split()))

    def _callback_booked(self, event: Event) -> None:
        old = self._call(event, "old")
        call = CallSeen("waiting", old.accepted_ms, old.tier, event.fields["lanes"].split())
        call.avoids, call.head_start_ms = list(old.avoids), old.head_start_ms
        self._begin(event.fields["call"], call)

    def _call_widened(self, event: Event) -> None:
        call = self._call(event)
        call.state, call.lanes = "waiting", event.fields["lanes"].split()

    def _call_owner_busy(self, event: Event) -> None:
        self._call(event).state = "choosing"

    def _call_choice(self, event: Event) -> None:
        self._call(event).state = "waiting"

    def _call_boosted(self, event: Event) -> None:
        self._call(event).head_start_ms = int(event.fields["head_start"])

    def _call_assigned(self, event: Event) -> None:
        call, lane = self._call(event), f"@{event.fields['agent']}"
        call.assigned = True
        if lane not in call.lanes:
            call.lanes.insert(0, lane)

    def _call_recalled(self, event: Event) -> None:
        if event.fields["call"] in self.calls:
            # Nothing is lost by inheriting: who was greeted before the old call came has the longer wait itself.
            call = self._call(event)
            call.accepted_ms = min(call.accepted_ms, int(float(event.fields["accepted"])))
        old = self._call(event, "old")
        old.outcome = "recalled" if old.state == "ended" else old.outcome

    def _call_offered(self, event: Event) -> None:
        call_id, agent_id = event.fields["call"], event.fields["agent"]
        call, agent = self._call(event), self._agent(event)
        if call.state not in STANDING:
            self.faults.append(f"{call_id} is {call.state} with {call.agent or 'nobody'} and is offered to {agent_id}")
        if agent.call:
            self.faults.append(f"{agent_id} has {agent.call} and is offered {call_id}")
        self._in_turn(call_id, agent_id, event.fields["lane"])
        call.state, call.agent, call.offer, call.assigned = "offered", agent_id, event.entry_id, False
        agent.state, agent.call = "offered", call_id

    def _call_accepted_offer(self, event: Event) -> None:
        self._same_offer(event)

    def _call_connected(self, event: Event) -> None:
        if self._same_offer(event):
            self._connected[event.fields["offer"]] = event.fields["call"]
            self._call(event).state, self._agent(event).state = "connected", "talking"

    def _call_returned(self, event: Event) -> None:
        if self._same_offer(event):
            call, agent_id = self._call(event), event.fields["agent"]
            self._let_go(call, "resting")
            call.state = "waiting"
            call.avoids = [*(name for name in call.avoids if name != agent_id), agent_id][-AVOIDED:]

    def _call_transferred(self, event: Event) -> None:
        if self._same_offer(event):
            call = self._call(event)
            self._let_go(call, "wrapping")
            call.state, call.avoids, call.lanes = "waiting", [], []

    def _call_ended(self, event: Event) -> None:
        call = self._call(event)
        if call.state == "ended":
            self.faults.append(f"{event.fields['call']} ended twice")
        self._let_go(call, "wrapping" if call.state == "connected" else "freed")
        call.state, call.outcome = "ended", event.fields["outcome"]
        self._live.pop(event.fields["call"], None)

    def _same_offer(self, event: Event) -> bool:
        """The entry is about the offer that holds now."""
        call, agent = self._call(event), self._agent(event)
        told = (event.fields["offer"], event.fields["agent"], event.fields["call"])
        if told != (call.offer, call.agent, agent.call):
            held = f"{call.agent or 'nobody'} by {call.offer or '-'}"
            self.faults.append(f"{event.type} of {told}, but the call is with {held}")
            return False
        return True

    def _let_go(self, call: CallSeen, agent_state: str) -> None:
        if call.agent:
            agent = self.agents[call.agent]
            agent.state, agent.call = agent_state, ""
        call.agent = call.offer = ""

    # ------------------------------------------------------------------ agents and groups

    def _agent_put(self, event: Event) -> None:
        self.agents.setdefault(event.fields["agent"], AgentSeen("")).profile = event.fields["profile"]

    def _agent_deleted(self, event: Event) -> None:
        if self._agent(event).call:
            self.faults.append(f"{event.fields['agent']} was deleted with a call")
        del self.agents[event.fields["agent"]]

    def _agent_ready(self, event: Event) -> None:
        self._free(event, "ready")

    def _agent_cooling(self, event: Event) -> None:
        self._free(event, "cooling")

    def _agent_away(self, event: Event) -> None:
        self._free(event, AGENT_STATES[event.fields["state"]])

    def _free(self, event: Event, state: str) -> None:
        agent = self._agent(event)
        if agent.call:
            self.faults.append(f"{event.fields['agent']} is {state} and has {agent.call}")
        agent.state = state

    def _group_closed(self, event: Event) -> None:
        self._closed.add(event.fields["group"])

    def _group_opened(self, event: Event) -> None:
        self._closed.discard(event.fields["group"])

    # ------------------------------------------------------------------ order

    def _rank(self, call: CallSeen) -> int:
        start = self._head_starts.get(call.tier, 0) if call.head_start_ms is None else call.head_start_ms
        return call.accepted_ms - start

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
