"""What the policy hands to the mechanism: a ladder of steps, each a set of lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

WhenBusy = Literal["ask", "wait", "next"]
DefaultChoice = Literal["transfer", "wait"]


@dataclass(frozen=True, slots=True)
class Step:
    """One rung. Entered by joining its lanes, never left.

    `wait_ms` None: wait until the ladder's `max_wait_ms`; 0: look for a ready agent, then go on at once.
    `when_busy` is set on an owner's step only (its one lane is `@agent`); `wait_ms` is then `owner_wait`.
    `default_choice` is what no answer to the owner-busy question means.
    """

    name: str
    lanes: tuple[str, ...]
    wait_ms: int | None = None
    max_waiting: int | None = None
    when_busy: WhenBusy | None = None
    default_choice: DefaultChoice = "transfer"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The way a call takes. `steps` empty: the site is closed for this call, it takes the exit at once.

    `reasons` say in a supervisor's words why the policy chose so; they name ids, never a person or a number.
    `exit` is what happens at the end of `max_wait_ms`: `message`, `callback` or `number:<where>`.
    """

    head_start_ms: int
    steps: tuple[Step, ...]
    max_wait_ms: int
    reasons: tuple[str, ...] = ()
    exit: str = "message"


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations (whole ms) that a site's plan gives to the scripts."""

    offer_ms: int = 20_000
    bridge_ms: int = 10_000
    dial_ms: int = 60_000
    wrap_up_ms: int = 30_000
    cooling_ms: int = 10_000
    cooling_max_ms: int = 300_000
    question_ms: int = 15_000
    owner_wait_ms: int = 600_000
    recall_ms: int = 300_000
    callback_ms: int = 86_400_000
    short_abandon_ms: int = 5_000
    retain_ended_ms: int = 3_600_000
    tombstone_ms: int = 86_400_000


@dataclass(frozen=True, slots=True)
class Profile:
    """A distinct (groups with levels, set of skills). Level 1 is served before level 2."""

    groups: dict[str, int] = field(default_factory=dict)
    skills: frozenset[str] = frozenset()

    def text(self) -> str:
        """Canonical spelling, e.g. `general=1 vip=2;loans zh-CN`: equal profiles, equal text."""
        groups = " ".join(f"{name}={level}" for name, level in sorted(self.groups.items()))
        return f"{groups};{' '.join(sorted(self.skills))}"


def lane(group: str, skills: frozenset[str] | tuple[str, ...] | list[str] = ()) -> str:
    """The lane of a group and the skills a call needs: `vip`, `vip+loans+zh-CN`."""
    return "+".join([group, *sorted(skills)])


def agent_lane(agent_id: str) -> str:
    """The lane of callers waiting for one agent."""
    return f"@{agent_id}"
