"""A new plan for a call that waits already: which steps are left to it, and whether it enters the next at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from router.domain.ladder import Ladder, Step


@dataclass(frozen=True, slots=True)
class Relay:
    """What `reladder_call` is given: the steps not yet entered, and whether the first of them is entered now."""

    remaining: tuple[Step, ...]
    enter_now: bool


def reladder(
    current: str, entered: Collection[str], new: Ladder, groups: Collection[str], *, has_next: bool = True
) -> Relay:
    """The new ladder from the first step the call has not entered; steps match by name.

    `current` is the name of the step it stands in, `entered` its lanes in the order it joined them, `groups` those of
    the new plan. `has_next` says whether its old ladder has steps left: a call in its last step has no deadline that
    would take it further, so a step the new plan puts behind is entered now.
    Its group is gone: the last step, now. Its step is gone, the group not: the next step, now. A call that waits for
    an agent, asked or not, is led on by that step's own deadline: a pending question stays.
    A closed new ladder changes nothing: who was let in is served.
    """
    if not new.steps:
        return Relay((), enter_now=False)
    lanes = tuple(entered)
    if lanes and not _exists(lanes[-1], groups):
        return Relay(new.steps[-1:], enter_now=True)
    names = [step.name for step in new.steps]
    matched = current in names
    place = names.index(current) if matched else _furthest(lanes, new)
    remaining = tuple(step for step in new.steps[place + 1 :] if not set(step.lanes) <= set(lanes))
    for_agent = bool(lanes) and lanes[-1].startswith("@")
    return Relay(remaining, enter_now=bool(remaining) and not for_agent and not (matched and has_next))


def _furthest(lanes: tuple[str, ...], new: Ladder) -> int:
    """The last step whose lanes the call stands in, -1 when there is none."""
    return max((place for place, step in enumerate(new.steps) if set(step.lanes) <= set(lanes)), default=-1)


def _exists(lane: str, groups: Collection[str]) -> bool:
    return lane.startswith("@") or lane.partition("+")[0] in groups
