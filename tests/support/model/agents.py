"""What agents, groups, the plan and the clock do."""

from __future__ import annotations

from router.domain.errors import AgentEngaged
from router.domain.ladder import Profile
from tests.support.snapshot import STANDING, group_of, parse_profile

from .calls import Calls
from .records import Agent, Call


class Model(Calls):
    """The whole engine. Set `now`, then call an operation; refusals are those of `router.domain.errors`."""

    # -- agents ----------------------------------------------------------------------------------------------------

    def put_agent(self, agent_id: str, profile: Profile) -> None:
        text = self.register(profile)
        agent = self.agents.setdefault(agent_id, Agent(agent_id, text))
        if agent.profile == text:
            return
        served = [lane for lane in self.lanes() if self.serves(agent, lane)] if agent.state not in ("x", "b") else []
        agent.profile = text
        self.mark_unserved(served)
        if agent.state == "r":
            self.become_ready(agent, agent.ready_since)

    def delete_agent(self, agent_id: str) -> None:
        agent = self.agent(agent_id)
        if agent.state in ("o", "t"):
            raise AgentEngaged
        self.go_away(agent, "x")
        del self.agents[agent_id]

    def agent_ready(self, agent_id: str) -> None:
        agent = self.agent(agent_id)
        if agent.state in ("o", "t"):
            agent.next_state = ""
        elif agent.state != "r":
            agent.misses = 0
            self.become_ready(agent, self.now)

    def agent_away(self, agent_id: str, state: str) -> None:
        """To "break" or "offline": at once, or after the talk and its wrap-up."""
        agent, letter = self.agent(agent_id), {"break": "b", "offline": "x"}[state]
        if agent.state in ("t", "w"):
            agent.next_state = letter
        elif agent.state == "o":
            self.give_back(self.calls[agent.call], "break", letter)
        elif agent.state != letter:
            self.go_away(agent, letter)

    def end_wrap_up(self, agent_id: str) -> None:
        agent = self.agent(agent_id)
        if agent.state == "w":
            self.end_rest(agent)

    # -- groups and plan -------------------------------------------------------------------------------------------

    def close_group(self, group: str, until_ms: int | None = None) -> None:
        """Its lanes have no agents; who waits there goes on. Closed already until then: nothing new."""
        if self.closed.get(group, -1) == until_ms:
            return
        self.closed[group] = until_ms
        for lane in self.lanes():
            if group_of(lane) == group:
                self.unserved[lane] = self.now

    def open_group(self, group: str) -> None:
        if group not in self.closed:
            return
        del self.closed[group]
        self.rematch([profile for profile in self.profiles if group in parse_profile(profile)[0]])

    def set_plan(self, version: str, keep_free: dict[str, int]) -> None:
        """The plan's version and what its groups keep free; who is spared by a lower figure looks."""
        self.plan_version, self.keep = version, dict(keep_free)
        self.rematch(self.profiles)

    def rematch(self, profiles: list[str]) -> None:
        """The rules have changed: the longest-ready of each profile look until one finds nothing."""
        for profile in profiles:
            longest = self.longest_ready(profile)
            while longest and self.agent_looks(longest):
                longest = self.longest_ready(profile)

    # -- the clock -------------------------------------------------------------------------------------------------

    def run_due(self, member: str, due_ms: int) -> None:
        """What a deadline does, if it still stands and has come."""
        self.now = max(self.now, due_ms)
        if not any(at <= self.now and name == member for at, name in self.due()):
            return
        kind, name = member[0], member[2:]
        if kind == "c":
            self.call_due(self.calls[name])
        elif kind == "a":
            self.agent_due(self.agents[name])
        elif kind == "l":
            self.walk_lane(name)
        else:
            self.open_group(name)

    def call_due(self, call: Call) -> None:
        if call.state == "g":
            self.end(call, "failed")
        elif call.max_at is not None and call.max_at <= self.now:
            self.end(call, "missed" if call.is_callback else "overflowed_out")
        elif call.state == "q":
            assert call.step is not None
            self.answer(call, call.step.default_choice)
        else:
            self.step_over(call)

    def agent_due(self, agent: Agent) -> None:
        call = self.calls.get(agent.call)
        if call is None:
            self.end_rest(agent)
        elif call.state == "o":
            self.give_back(call, "expired")
        elif call.is_callback:
            self.dial_failed(call)
        else:
            self.give_back(call, "bridge")

    def walk_lane(self, lane: str) -> None:
        """Calls whose current step nobody serves go on to the next one, or to the exit of a closed last step."""
        del self.unserved[lane]
        for call in self.standing(lane):
            if call.state in STANDING and call.step and not self.served(call.step):
                if call.steps:
                    self.enter_next(call)
                else:
                    self.take_exit_if_closed(call)
