"""What the engine and the model are compared by: the state of one site, free of keys and encodings."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtests.lanes import group_of as group_of
from loadtests.lanes import level_in as level_in
from loadtests.lanes import parse_profile as parse_profile

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
