"""What the engine and the model are compared by: the state of one site, free of keys and encodings."""

from __future__ import annotations

from dataclasses import dataclass, field

STANDING = ("w", "q")
"""Call states in which a call stands in its lanes."""

LEASED = ("o", "b", "c")
"""Call states in which a call and an agent hold each other."""

AWAY = ("x", "b")
"""Agent states that are not on duty."""


@dataclass(frozen=True, slots=True)
class CallView:
    """One call. `lanes` in entered order; `offer` opaque; `outcome` empty until it has ended; `rank` 0 out of line.

    `current`, the lanes of its current step, is known to the model only.
    """

    state: str
    rank: int
    accepted_ms: int
    agent: str = ""
    offer: str = ""
    lanes: tuple[str, ...] = ()
    step: str = ""
    steps_left: int = 0
    avoid: tuple[str, ...] = ()
    outcome: str = ""
    current: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. `profile` as `Profile.text()`; `ready_since` counts while ready only."""

    state: str
    profile: str
    call: str = ""
    offer: str = ""
    ready_since: int = 0
    next_state: str = ""
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One site at one moment. Empty lanes, empty ready sets and zero counters are left out."""

    now: int
    calls: dict[str, CallView] = field(default_factory=dict)
    agents: dict[str, AgentView] = field(default_factory=dict)
    lanes: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    ready: dict[str, dict[str, int]] = field(default_factory=dict)
    duty: dict[str, int] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    keep_free: dict[str, int] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()


def parse_profile(text: str) -> tuple[dict[str, int], frozenset[str]]:
    """`general=1 vip=2;loans zh-CN` → its groups with levels, its skills."""
    groups, _, skills = text.partition(";")
    pairs = (item.split("=") for item in groups.split())
    return {name: int(level) for name, level in pairs}, frozenset(skills.split())


def level_in(profile: str, lane: str) -> int | None:
    """The level at which a profile serves a group's lane; None if it does not."""
    group, *needed = lane.split("+")
    groups, skills = parse_profile(profile)
    return groups.get(group) if skills.issuperset(needed) else None


def group_of(lane: str) -> str:
    """The group of a lane; empty for the lane of one agent."""
    return "" if lane.startswith("@") else lane.split("+", 1)[0]


def differences(expected: Snapshot, found: Snapshot) -> list[str]:
    """Where two snapshots of one site differ, one line each."""
    lines: list[str] = []
    for part in ("calls", "agents", "lanes", "ready", "duty", "deadlines"):
        ours, theirs = getattr(expected, part), getattr(found, part)
        names = sorted(ours.keys() | theirs.keys())
        for name in names if part != "deadlines" else [n for n in names if not _leased(expected, n)]:
            if ours.get(name) != theirs.get(name):
                lines.append(f"{part} {name}: the model has {ours.get(name)}, the engine {theirs.get(name)}")
    return lines


def _leased(site: Snapshot, member: str) -> bool:
    """The deadline of a call that an agent holds: kept or not, it changes nothing until the call returns."""
    return member[:2] == "c:" and member[2:] in site.calls and site.calls[member[2:]].state in LEASED
