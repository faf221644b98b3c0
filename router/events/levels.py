"""How fast calls were answered: counters per five minutes, group and tier, kept for a little over an hour.

`answered_in` counts those answered within the group's target. A call the owner or a cover answered has no group.
Counted as entries are read, at least once: a process that dies between counting and acknowledging counts a batch twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from config.models import SitePlan
from router.domain.events import Event

BUCKET_MS = 300_000
WINDOW_MS = 3_600_000
KEEP_MS = 2 * WINDOW_MS
GROUP = "levels"
TYPES = ("call.connected|", "call.ended|")


class Commands(Protocol):
    async def call_many(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Level:
    """Service level, variant `net`: answered within the target / (answered + abandoned − short abandoned)."""

    answered_in: int
    answered: int
    abandoned: int
    short_abandoned: int

    @property
    def percent(self) -> float | None:
        """None when there is nothing to divide by."""
        of = self.answered + self.abandoned - self.short_abandoned
        return round(100 * self.answered_in / of, 1) if of else None


class Levels:
    """One site's. `name` spells the key of a bucket, `plan` is the plan in force."""

    def __init__(self, channel: Commands, name: Callable[[int], str], plan: Callable[[], SitePlan]) -> None:
        self._channel = channel
        self._name = name
        self._plan = plan

    async def handle(self, events: Sequence[Event]) -> None:
        """Count a batch."""
        counts: Counter[tuple[int, str]] = Counter()
        for event in events:
            for what in self._what(event):
                counts[event.at_ms // BUCKET_MS, what] += 1
        commands: list[tuple[str | int, ...]] = []
        for (bucket, what), count in counts.items():
            commands.append(("HINCRBY", self._name(bucket), what, count))
            commands.append(("PEXPIRE", self._name(bucket), KEEP_MS))
        for reply in await self._channel.call_many(commands) if commands else ():
            if isinstance(reply, Exception):
                raise reply

    async def read(self, now_ms: int) -> Counter[tuple[str, str, str]]:
        """The last hour: (group or "", tier, what) → count."""
        last = now_ms // BUCKET_MS
        buckets = range(last - WINDOW_MS // BUCKET_MS + 1, last + 1)
        total: Counter[tuple[str, str, str]] = Counter()
        for reply in await self._channel.call_many([("HGETALL", self._name(bucket)) for bucket in buckets]):
            if isinstance(reply, Exception):
                raise reply
            pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
            for what, count in pairs:
                group, tier, kind = what.decode().split(";")
                total[group, tier, kind] += int(count)
        return total

    def _what(self, event: Event) -> list[str]:
        facts, step = event.facts, event.step
        if facts is None or step is None or facts.kind.startswith("k"):
            return []
        group = group_of(self._plan(), step.name)
        if event.type == "call.connected" and facts.talks == 0:
            target = self._plan().service_level.groups.get(group, self._plan().service_level.default)
            in_time = event.at_ms - facts.accepted_ms <= target.within
            return [f"{group};{facts.tier};answered", *([f"{group};{facts.tier};answered_in"] if in_time else [])]
        outcome = event.fields.get("outcome")
        if event.type == "call.ended" and outcome in ("abandoned", "short_abandoned"):
            short = [f"{group};{facts.tier};short_abandoned"] if outcome == "short_abandoned" else []
            return [f"{group};{facts.tier};abandoned", *short]
        return []


def group_of(plan: SitePlan, step: str) -> str:
    """The group a step asks, "" for an owner or a cover."""
    for rungs in plan.rungs.values():
        for rung in rungs:
            if rung.name == step and rung.kind == "group" and rung.to:
                return rung.to[0]
    return step if step in plan.groups else ""


def level(total: Counter[tuple[str, str, str]], group: str | None = None, tier: str | None = None) -> Level:
    """The sum over a group (None: all) and a tier (None: all)."""

    def count(kind: str) -> int:
        return sum(
            n for key, n in total.items() if group in (None, key[0]) and tier in (None, key[1]) and key[2] == kind
        )

    return Level(count("answered_in"), count("answered"), count("abandoned"), count("short_abandoned"))
