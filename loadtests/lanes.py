"""Lanes and profiles as their texts say: who serves what, and how soon."""

from __future__ import annotations

from functools import lru_cache


def parse_profile(text: str) -> tuple[dict[str, int], frozenset[str]]:
    """`general=1 vip=2;loans zh-CN` → its groups with levels, its skills."""
    groups, _, skills = text.partition(";")
    pairs = (item.split("=") for item in groups.split())
    return {name: int(level) for name, level in pairs}, frozenset(skills.split())


@lru_cache(maxsize=65_536)
def level_in(profile: str, lane: str) -> int | None:
    """The level at which a profile serves a group's lane; None if it does not."""
    group, *needed = lane.split("+")
    groups, skills = parse_profile(profile)
    return groups.get(group) if skills.issuperset(needed) else None


def group_of(lane: str) -> str:
    """The group of a lane; empty for the lane of one agent."""
    return "" if lane.startswith("@") else lane.split("+", 1)[0]
