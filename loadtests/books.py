"""A site's books as the entries of its stream tell of them: who holds whom, who stands where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from router.domain.events import AGENT_STATES, Event

STANDING = ("waiting", "choosing")
AVOIDED = 3


@dataclass(slots=True)
class CallSeen:
    """One call as the entries tell of it. `took`: the callback whose place it has taken, with its rank if better."""

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
    took: CallSeen | None = None


@dataclass(slots=True)
class AgentSeen:
    """One agent as the entries tell of it."""

    profile: str
    state: str = "offline"
    call: str = ""


class Books:
    """Give every entry to `take`, oldest first. `faults`: what cannot have happened to the same call or agent."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.calls: dict[str, CallSeen] = {}
        self.agents: dict[str, AgentSeen] = {}
        self.counts: Counter[str] = Counter()
        self._live: dict[str, CallSeen] = {}
        self._closed: set[str] = set()
        self._connected: dict[str, str] = {}

    def take(self, event: Event) -> None:
        self.counts[event.type] += 1
        handle = getattr(self, "_" + event.type.replace(".", "_"), None)
        if handle is not None:
            handle(event)

    @property
    def live(self) -> list[str]:
        """Calls that have not ended."""
        return list(self._live)

    def _in_turn(self, call_id: str, agent_id: str, lane: str) -> None:
        """An offer is about to be made: whose turn it was is for others to judge."""

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
        call = CallSeen(state, facts.accepted_ms, facts.tier, event.fields["lanes"].split())
        call.took = self.calls.get(event.fields.get("took", ""))
        self._begin(call_id, call)

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
        call = self._call(event)
        call.head_start_ms, call.took = int(event.fields["head_start"]), None

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
