"""The agents as the linter asks about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from config.models import Rung
from config.people import AgentSeed
from config.problems import PathParts, Severity

Finding = tuple[PathParts, str, str, Severity]
"""Where, what it leads to, what to do, how bad."""

LIMIT = 200
"""Lanes and profiles up to which every decision stays as fast as measured."""


class Team:
    """Who is there, by group and by id."""

    def __init__(self, agents: Sequence[AgentSeed]) -> None:
        self.agents = agents
        self.by_id = {agent.agent_id: agent for agent in agents}

    def members(self, group: str) -> list[AgentSeed]:
        """The agents of a group."""
        return [agent for agent in self.agents if group in agent.groups]

    def serves(self, group: str, skills: Iterable[str]) -> bool:
        """Whether anybody of the group has all these skills."""
        return any(set(skills) <= set(agent.skills) for agent in self.members(group))


def groups_of(rungs: Iterable[Rung]) -> list[str]:
    """The groups these steps ask for."""
    return [group for rung in rungs if rung.kind == "group" for group in rung.to or ()]
