"""The records of the model: one call, one agent, and the site that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from router.domain.errors import UnknownAgent, UnknownCall
from router.domain.ladder import Profile, Step, Timing, agent_lane
from tests.support.snapshot import AWAY, LEASED, STANDING, AgentView, CallView, Snapshot, group_of, level_in


@dataclass(slots=True)
class Call:
    """A call in one of the states g q w o b c e.

    `accepted_ms` is the moment its place counts from: its own arrival, or inherited at a re-call.
    `is_callback`: nobody is on the line, the customer is to be dialled. `steps` are those not yet entered.
    `step_at` is when the current one is over, kept while the call is offered.
    `heir` is a later call of the same caller, come at `heir_came_ms`; `holding`: it waits for the end of her callback's
    dial.
    `last_lease` (agent, offer) and `passed_on` (offer) answer repeated requests after its talk.
    """

    call_id: str
    kind: str
    accepted_ms: int
    state: str = "g"
    rank: int = 0
    agent: str = ""
    offer: str = ""
    lanes: list[str] = field(default_factory=list)
    step: Step | None = None
    steps: list[Step] = field(default_factory=list)
    step_at: int | None = None
    question_at: int | None = None
    max_at: int | None = None
    questions: int = 0
    chose_wait: bool = False
    chosen: str = ""
    avoid: list[str] = field(default_factory=list)
    identity: str = ""
    last_agent: str = ""
    outcome: str = ""
    ended_ms: int = 0
    lost_place: bool = False
    heir: str = ""
    heir_came_ms: int = 0
    holding: bool = False
    is_callback: bool = False
    last_lease: tuple[str, str] = ("", "")
    passed_on: str = ""
    kept_as: str = ""

    def due(self) -> int | None:
        """The least of its own deadlines; None where the agent's lease or nothing is waited for."""
        if self.state not in ("g", *STANDING):
            return None
        times = [self.max_at, self.question_at, self.step_at]
        return min((at for at in times if at is not None), default=None)


@dataclass(slots=True)
class Agent:
    """An agent in one of the states x r o t w c b; `due` is the end of a lease, wrap-up or cooling.

    `declined`: the last offer given back, unless it expired, so that a repeated decline gets the same answer.
    """

    agent_id: str
    profile: str
    state: str = "x"
    call: str = ""
    offer: str = ""
    ready_since: int = 0
    misses: int = 0
    next_state: str = ""
    declined: str = ""
    due: int | None = None


class Site:
    """All state of one site at virtual time `now` (ms). Lanes, ready sets and counters are derived, never kept."""

    def __init__(self, timing: Timing | None = None, now: int = 0) -> None:
        self.timing = timing or Timing()
        self.now = now
        self.calls: dict[str, Call] = {}
        self.agents: dict[str, Agent] = {}
        self.profiles: list[str] = []
        self.newest: dict[str, str] = {}
        self.closed: dict[str, int | None] = {}
        self.keep: dict[str, int] = {}
        self.unserved: dict[str, int] = {}
        self.plan_version = ""
        self.sequence = 0
        self.offers_made = 0
        self.offered_at: dict[str, int] = {}

    # -- finding ---------------------------------------------------------------------------------------------------

    def call(self, call_id: str) -> Call:
        if call_id not in self.calls:
            raise UnknownCall
        return self.calls[call_id]

    def agent(self, agent_id: str) -> Agent:
        if agent_id not in self.agents:
            raise UnknownAgent
        return self.agents[agent_id]

    def register(self, profile: Profile) -> str:
        """The profile's text, remembered in the order of first use."""
        text = profile.text()
        if text not in self.profiles:
            self.profiles.append(text)
        return text

    # -- derived ---------------------------------------------------------------------------------------------------

    def standing(self, lane: str) -> list[Call]:
        """The calls standing in a lane, best rank first."""
        calls = (c for c in self.calls.values() if c.state in STANDING and lane in c.lanes)
        return sorted(calls, key=lambda c: (c.rank, c.call_id))

    def lanes(self) -> list[str]:
        """Every lane that somebody stands in."""
        return sorted({lane for c in self.calls.values() if c.state in STANDING for lane in c.lanes})

    def serves(self, agent: Agent, lane: str) -> bool:
        """Whether the agent could be matched through the lane as far as groups, skills and closing go."""
        if group_of(lane):
            return level_in(agent.profile, lane) is not None and group_of(lane) not in self.closed
        return lane == agent_lane(agent.agent_id)

    def on_duty(self, lane: str) -> bool:
        return any(a.state not in AWAY and self.serves(a, lane) for a in self.agents.values())

    def due(self) -> list[tuple[int, str]]:
        """Every deadline of the site as (ms, member), in the order they are to be run."""
        times: list[tuple[int | None, str]] = [(c.due(), f"c:{c.call_id}") for c in self.calls.values()]
        times += [(a.due, f"a:{a.agent_id}") for a in self.agents.values()]
        times += [(at, f"l:{lane}") for lane, at in self.unserved.items()]
        times += [(at, f"g:{group}") for group, at in self.closed.items()]
        return sorted((at, member) for at, member in times if at is not None)

    def snapshot(self) -> Snapshot:
        ready: dict[str, dict[str, int]] = {}
        duty: dict[str, int] = {}
        for a in self.agents.values():
            if a.state == "r":
                ready.setdefault(a.profile, {})[a.agent_id] = a.ready_since
            if a.state not in AWAY:
                duty[a.profile] = duty.get(a.profile, 0) + 1
        return Snapshot(
            now=self.now,
            calls={c.call_id: _call_view(c) for c in self.calls.values()},
            agents={a.agent_id: _agent_view(a) for a in self.agents.values()},
            lanes={lane: tuple((c.rank, c.call_id) for c in self.standing(lane)) for lane in self.lanes()},
            ready=ready,
            duty=duty,
            deadlines={member: at for at, member in self.due()},
            keep_free={group: count for group, count in self.keep.items() if count},
            closed=frozenset(self.closed),
        )


def _call_view(call: Call) -> CallView:
    if call.state == "e":
        return CallView("e", 0, call.accepted_ms, outcome=call.outcome)
    return CallView(
        state=call.state,
        rank=call.rank,
        accepted_ms=call.accepted_ms,
        agent=call.agent if call.state in LEASED else "",
        offer=call.offer if call.state in LEASED else "",
        lanes=tuple(call.lanes),
        step=call.step.name if call.step else "",
        steps_left=len(call.steps),
        avoid=tuple(call.avoid),
        current=call.step.lanes if call.step else (),
    )


def _agent_view(agent: Agent) -> AgentView:
    return AgentView(
        state=agent.state,
        profile=agent.profile,
        call=agent.call,
        offer=agent.offer,
        ready_since=agent.ready_since if agent.state == "r" else 0,
        next_state=agent.next_state,
        misses=agent.misses,
    )
