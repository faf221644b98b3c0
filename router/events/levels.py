"""How fast calls were answered: counters per five minutes, group and tier, kept for a little over an hour.

`answered_in` counts those answered within the target. A call the owner or a cover answered has no group; `target_of`
says what it is held to.
Whoever hung up, called again in time and has the place was never gone: `recalled` takes out what had been counted.
An entry is counted in the step that acknowledges it: once, whoever dies, freezes or wakes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.models import SitePlan, Target
from router.domain.events import Event
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from router.store.running import run_script
from router.store.script_loader import Script, load_script

BUCKET_MS = 300_000
WINDOW_MS = 3_600_000
KEEP_MS = 2 * WINDOW_MS
GROUP = "levels"
TYPES = ("call.connected|", "call.ended|", "call.recalled|")


@cache
def _script() -> Script:
    return load_script(Path(__file__).parent / "scripts" / "count_levels.lua")


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
    """One site's. `plan` is the plan in force."""

    def __init__(self, channel: Channel, keys: Keyspace, plan: Callable[[], SitePlan]) -> None:
        self._channel = channel
        self._keys = keys
        self._plan = plan

    async def handle(self, events: Sequence[Event]) -> None:
        """Count a batch that was handed to `GROUP`; what has been acknowledged meanwhile is left out."""
        rows = [f"{event.entry_id} {event.at_ms // BUCKET_MS} {what}" for event in events for what in self._what(event)]
        for event in events:
            if event.type == "call.recalled":
                rows += [f"{event.entry_id} {bucket} {what}" for bucket, what in await self._taken_back(event)]
        if rows:
            await run_script(self._channel, _script(), self._keys.root, GROUP, "\n".join(rows), KEEP_MS)

    async def read(self, now_ms: int) -> Counter[tuple[str, str, str]]:
        """The last hour: (group or "", tier, what) → count."""
        last = now_ms // BUCKET_MS
        buckets = range(last - WINDOW_MS // BUCKET_MS + 1, last + 1)
        total: Counter[tuple[str, str, str]] = Counter()
        names = [self._keys.own(f"sl:{bucket}") for bucket in buckets]
        for reply in await self._channel.call_many([("HGETALL", name) for name in names]):
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
            in_time = event.at_ms - facts.accepted_ms <= target_of(self._plan(), group, facts.tier).within
            return [f"{group};{facts.tier};answered", *([f"{group};{facts.tier};answered_in"] if in_time else [])]
        outcome = event.fields.get("outcome")
        if event.type == "call.ended" and facts.talks == 0 and outcome in ("abandoned", "short_abandoned"):
            short = [f"{group};{facts.tier};short_abandoned"] if outcome == "short_abandoned" else []
            return [f"{group};{facts.tier};abandoned", *short]
        return []

    async def _taken_back(self, event: Event) -> list[tuple[int, str]]:
        """(bucket, what) of the call whose place passed on, if it had been counted as abandoned before."""
        old = self._keys.call(event.fields.get("old", ""))
        record = [found.decode() if found else "" for found in await self._channel.call("HMGET", old, "en", "sp", "mx")]
        ended, step, facts = record
        # One that ends in the very entry's script is `recalled` itself and was never counted.
        if not ended or int(ended) >= event.at_ms or not step:
            return []
        of = Event(event.entry_id, "", {"facts": facts, "step": step})
        if of.facts is None or of.step is None or of.facts.talks or of.facts.kind.startswith("k"):
            return []
        place = f"{group_of(self._plan(), of.step.name)};{of.facts.tier}"
        short = int(ended) - of.facts.accepted_ms < self._plan().service_level.short_abandon
        kinds = ("recalled", "short_recalled") if short else ("recalled",)
        return [(int(ended) // BUCKET_MS, f"{place};{kind}") for kind in kinds]


def target_of(plan: SitePlan, group: str, tier: str) -> Target:
    """What a call is held to: its group's target; with an owner or a cover ("") that of its ladder's first group."""
    if not group and tier in plan.tier_order:
        rungs = plan.rungs[plan.tier(tier).ladder]
        group = next((rung.to[0] for rung in rungs if rung.kind == "group" and rung.to), "")
    return plan.service_level.groups.get(group, plan.service_level.default)


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

    abandoned = count("abandoned") - count("recalled")
    return Level(count("answered_in"), count("answered"), abandoned, count("short_abandoned") - count("short_recalled"))
