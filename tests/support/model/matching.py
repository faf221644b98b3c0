"""Who is matched with whom: a call looks for an agent, an agent looks for a call."""

from __future__ import annotations

from collections.abc import Iterator

from router.domain.ladder import agent_lane
from tests.support.snapshot import group_of, level_in, parse_profile

from .records import Agent, Call, Site

HEADS = 16
"""How many heads of a lane an agent looks at for a call that does not avoid it."""


class Matching(Site):
    """Both looks, `keep_free`, and the making of an offer."""

    def spared(self, agent: Agent, group: str) -> bool:
        """Whether every other keeping group of the agent still has enough ready agents without it."""
        for other in parse_profile(agent.profile)[0]:
            keep = self.keep.get(other, 0)
            if other != group and keep > 0 and self.ready_count(other) - 1 < keep:
                return False
        return True

    def ready_count(self, group: str) -> int:
        return sum(a.state == "r" and group in parse_profile(a.profile)[0] for a in self.agents.values())

    def allowed(self, agent: Agent, lane: str) -> bool:
        """Whether a ready agent may be matched through the lane."""
        return self.serves(agent, lane) and (not group_of(lane) or self.spared(agent, group_of(lane)))

    # -- a call looks ----------------------------------------------------------------------------------------------

    def call_looks(self, call: Call) -> bool:
        """Offer the call to the first lane's best ready agent; those it avoids only if there is nobody else."""
        for avoiding in (True, False):
            for lane in call.lanes:
                agent = self.best_agent(call, lane, avoiding)
                if agent:
                    self.offer(call, agent)
                    return True
        return False

    def best_agent(self, call: Call, lane: str, avoiding: bool) -> Agent | None:
        ready = [a for a in self.agents.values() if a.state == "r" and self.allowed(a, lane)]
        if group_of(lane):
            if avoiding:
                ready = [a for a in ready if a.agent_id not in call.avoid]
            lowest = min((level_in(a.profile, lane) or 0 for a in ready), default=0)
            ready = [a for a in ready if (level_in(a.profile, lane) or 0) == lowest]
        return min(ready, key=lambda a: (a.agent_id != call.last_agent, a.ready_since, a.agent_id), default=None)

    # -- an agent looks --------------------------------------------------------------------------------------------

    def agent_looks(self, agent: Agent) -> bool:
        """Offer a ready agent the head of its own lane, else the best call of the lowest level that has one."""
        own = self.standing(agent_lane(agent.agent_id))
        if own:
            self.offer(own[0], agent)
            return True
        for avoiding in (True, False):
            for candidates in self.by_level(agent, avoiding):
                if candidates:
                    self.offer(min(candidates, key=lambda c: (c.rank, c.call_id)), agent)
                    return True
        return False

    def by_level(self, agent: Agent, avoiding: bool) -> Iterator[list[Call]]:
        """Per level, lowest first: the best acceptable call of each lane the agent may be matched through."""
        lanes = [lane for lane in self.lanes() if group_of(lane) and self.allowed(agent, lane)]
        for level in sorted({level_in(agent.profile, lane) or 0 for lane in lanes}):
            heads = [self.standing(lane)[:HEADS] for lane in lanes if level_in(agent.profile, lane) == level]
            if avoiding:
                heads = [[c for c in calls if agent.agent_id not in c.avoid] for calls in heads]
            yield [calls[0] for calls in heads if calls]

    def become_ready(self, agent: Agent, since: int) -> None:
        """The agent is ready and looks; if it finds nothing, agents that its readiness spares look once."""
        agent.state, agent.call, agent.offer, agent.next_state, agent.due = "r", "", "", "", None
        agent.ready_since = since
        if not self.agent_looks(agent):
            self.release(list(parse_profile(agent.profile)[0]))

    def release(self, groups: list[str]) -> None:
        """Per group that now has more ready agents than it keeps: the longest-ready of each profile looks once."""
        for group in groups:
            if self.keep.get(group, 0) <= 0:
                continue
            for profile in self.profiles:
                longest = self.longest_ready(profile)
                if group in parse_profile(profile)[0] and longest and self.ready_count(group) > self.keep[group]:
                    self.agent_looks(longest)

    def longest_ready(self, profile: str) -> Agent | None:
        ready = [a for a in self.agents.values() if a.state == "r" and a.profile == profile]
        return min(ready, key=lambda a: (a.ready_since, a.agent_id), default=None)

    # -- the lease -------------------------------------------------------------------------------------------------

    def offer(self, call: Call, agent: Agent) -> None:
        """Lease call and agent to each other. A pending question is over; what was left of it is its step's time."""
        self.offers_made += 1
        if call.state == "q":
            call.step_at = call.question_at
        call.question_at = None
        call.state, call.agent, call.offer = "o", agent.agent_id, f"offer-{self.offers_made}"
        agent.state, agent.call, agent.offer = "o", call.call_id, call.offer
        agent.due = self.now + self.timing.offer_ms
        self.offered_at[call.offer] = self.now
