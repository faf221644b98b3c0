"""What stands where in a site, as its event stream tells it. No I/O: entries go in, in stream order.

Every entry says what is, never how much changed, so a picture that was read from the server while entries went on is
right again once those entries have been taken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.domain.events import AGENT_STATES, Event
from router.events.learning import group_of
from router.store.rows import AgentRow, CallRow

IN_LINE = frozenset({"w", "q"})
LEASED = frozenset({"o", "b"})


@dataclass(slots=True)
class CallSeen:
    """A call that has not ended. States are the engine's letters; `lane` is the one it was offered through last.

    `owner`: the dedicated agent whom its ladder asked. `chose`: what its caller answered last. `width`: how many lanes
    its step has.
    """

    state: str
    tier: str
    kind: str
    accepted_ms: int
    since_ms: int
    lanes: tuple[str, ...] = ()
    step: str = ""
    width: int = 0
    entered_ms: int = 0
    agent: str = ""
    lane: str = ""
    talks: int = 0
    head_start_ms: int | None = None
    owner: str = ""
    chose: str = ""

    @property
    def is_callback(self) -> bool:
        return self.kind.startswith("k")

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in whose lanes it stands, each once."""
        return tuple(dict.fromkeys(group for group in map(group_of, self.lanes) if group))

    @property
    def group(self) -> str:
        """The group its step asks; "" for an agent's own lane."""
        return group_of(self.lanes[-self.width]) if self.width and len(self.lanes) >= self.width else ""


@dataclass(slots=True)
class AgentSeen:
    """An agent: the engine's letter, the profile's text (`group=level …;skill …`), the call in hand."""

    state: str
    profile: str
    since_ms: int
    call: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(part.partition("=")[0] for part in self.profile.partition(";")[0].split())


@dataclass(slots=True)
class Picture:
    """One site. `last` is the newest entry it contains."""

    calls: dict[str, CallSeen] = field(default_factory=dict)
    agents: dict[str, AgentSeen] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    last: str = "0-0"

    def take(self, event: Event) -> tuple[str, str]:
        """The next entry; answers which call and which agent are another now, "" for none."""
        self.last = event.entry_id
        kind, _, word = event.type.partition(".")
        if kind == "agent":
            return "", self._agent(word, event)
        if kind == "group":
            (self.closed.add if word == "closed" else self.closed.discard)(event.fields.get("group", ""))
            return "", ""
        if kind in ("call", "callback"):
            return self._call(event)
        return "", ""

    def put_call(self, row: CallRow) -> None:
        """A call as it was read from the server."""
        facts = row.facts
        self.calls[row.call_id] = CallSeen(
            row.letter,
            facts.tier,
            facts.kind,
            facts.accepted_ms,
            row.step.entered_ms or facts.accepted_ms,
            row.lanes,
            row.step.name,
            row.step.lanes,
            row.step.entered_ms or facts.accepted_ms,
            row.agent_id or "",
            talks=facts.talks,
        )

    def put_agent(self, row: AgentRow, profile: str) -> None:
        """An agent as it was read from the server."""
        self.agents[row.agent_id] = AgentSeen(row.letter, profile, row.since_ms, row.call_id or "")

    def _agent(self, word: str, event: Event) -> str:
        agent_id = event.fields.get("agent", "")
        if word == "deleted":
            self.agents.pop(agent_id, None)
        elif word == "put":
            known = self.agents.get(agent_id)
            profile = event.fields.get("profile", "")
            if known is None:
                self.agents[agent_id] = AgentSeen("x", profile, event.at_ms)
            else:
                known.profile = profile
        elif word in ("ready", "cooling", "away"):
            letter = {"ready": "r", "cooling": "c"}.get(word) or event.fields.get("state", "x")
            self._set_agent(agent_id, letter if letter in AGENT_STATES else "x", event.at_ms)
        return agent_id

    def _call(self, event: Event) -> tuple[str, str]:
        call_id, agent_id = event.fields.get("call", ""), event.fields.get("agent", "")
        if event.type in ("call.greeting", "call.accepted", "callback.booked"):
            self._begin(call_id, event)
            return call_id, ""
        call = self.calls.get(call_id)
        if call is None:
            call = self._unheard_of(event)
            if call is None:
                return "", ""
            self.calls[call_id] = call
        self._read(call, event)
        match event.type:
            case "call.widened":
                call.lanes = tuple(event.fields.get("lanes", "").split())
                self._to(call, "w", event)
            case "call.owner_busy":
                self._to(call, "q", event)
            case "call.choice":
                call.chose = event.fields.get("choice", "") if event.fields.get("by") == "caller" else ""
                self._to(call, "w", event)
            case "call.offered":
                call.agent, call.lane = agent_id, event.fields.get("lane", "")
                self._to(call, "o", event)
                self._set_agent(agent_id, "o", event.at_ms, call_id)
            case "call.accepted_offer":
                call.state = "b"
            case "call.connected":
                call.talks += 1
                self._to(call, "c", event)
                self._set_agent(agent_id, "t", event.at_ms, call_id)
            case "call.returned":
                call.agent = ""
                self._to(call, "w", event)
            case "call.transferred":
                call.agent, call.lanes, call.width = "", (), 0
                self._to(call, "w", event)
                self._set_agent(agent_id, "w", event.at_ms)
            case "call.assigned":
                lane, agent = f"@{agent_id}", self.agents.get(agent_id)
                # One who is ready gets the call at once; for one who is busy it stands in the agent's own lane.
                if lane not in call.lanes and not (agent and agent.state == "r"):
                    call.lanes = (lane, *call.lanes)
                return call_id, ""
            case "call.boosted":
                call.head_start_ms = int(float(event.fields.get("head_start") or 0))
            case "call.recalled":
                call.accepted_ms = min(call.accepted_ms, int(float(event.fields.get("accepted") or call.accepted_ms)))
            case "call.ended":
                del self.calls[call_id]
                if event.fields.get("was") == "c":
                    self._set_agent(agent_id, "w", event.at_ms)
        return call_id, agent_id

    def _begin(self, call_id: str, event: Event) -> None:
        facts = event.facts
        if facts is None:
            return
        step = event.step
        lanes = tuple(event.fields.get("lanes", "").split())
        entered = event.fields.get("entered", "").split()
        self.calls[call_id] = CallSeen(
            "g" if event.type == "call.greeting" else "w",
            facts.tier,
            facts.kind,
            facts.accepted_ms,
            event.at_ms,
            lanes,
            step.name if step else entered[-1] if entered else "",
            # The entry of a new call does not say how many lanes its step has. One more is as good a place to look.
            (_width(event) if step else 1) if lanes else 0,
            event.at_ms,
            talks=facts.talks,
        )

    def _unheard_of(self, event: Event) -> CallSeen | None:
        """A call whose beginning was not told; most entries say enough to go on with."""
        facts = event.facts
        if facts is None or event.type == "call.ended":
            return None
        return CallSeen("w", facts.tier, facts.kind, facts.accepted_ms, event.at_ms, talks=facts.talks)

    @staticmethod
    def _read(call: CallSeen, event: Event) -> None:
        """What the entry says of the call besides what happened."""
        facts, step = event.facts, event.step
        if facts is not None:
            call.tier, call.kind, call.accepted_ms, call.talks = facts.tier, facts.kind, facts.accepted_ms, facts.talks
        if step is not None:
            call.step, call.entered_ms, call.width = step.name, step.entered_ms, _width(event)

    @staticmethod
    def _to(call: CallSeen, state: str, event: Event) -> None:
        call.state, call.since_ms = state, event.at_ms

    def _set_agent(self, agent_id: str, letter: str, at_ms: int, call_id: str = "") -> None:
        agent = self.agents.get(agent_id)
        if agent is not None:
            agent.state, agent.since_ms, agent.call = letter, at_ms, call_id


def _width(event: Event) -> int:
    width = event.fields.get("step", "").split(";")[1:2]
    return int(width[0]) if width and width[0].isdigit() else 0
