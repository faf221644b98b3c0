"""What is shown of now, as text, and only what has changed. Waits are kept as the moment they began."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from config.models import SitePlan
from router.domain.events import AGENT_STATES
from router.domain.judging import Quality
from router.events.levels import target_of
from router.metrics.labels import Labels
from router.metrics.standing import Key, Standing
from router.metrics.tally import field_of

TIERED = frozenset(("waiting", "callbacks_waiting", "ringing", "talking"))
NAMES = TIERED | {"waiting_in_queue", "waiting_in_step", "agents", "queue_agents", "agents_since"}


class Gauges:
    """One site's, over what is counted along."""

    def __init__(self, standing: Standing, plan: Callable[[], SitePlan]) -> None:
        self._standing = standing
        self._plan = plan
        self._labels = Labels(plan())
        self._shown: dict[str, str] = {}
        self._more: dict[str, str] = {}
        self._stale: set[str] = set()

    def take_up(self, kept: Mapping[str, str]) -> None:
        """Go on with what was shown: the time agents have been in each state; the rest is counted anew."""
        for field, text in kept.items():
            name, *labels = field.split(";")
            if name == "agents_ms":
                self._standing.values[name, *labels] = int(text)
            elif name.removeprefix("oldest_") in NAMES:
                self._stale.add(field)

    def estimates(self, quality: Quality, owners: Quality) -> None:
        """How estimates have done in the last hour, and those of owners."""
        for name, each in (("estimates", quality), ("estimates_owner", owners)):
            self._more[name] = f"{each.answers} {each.hits} {each.error_ms}"

    def plan(self, plan: SitePlan) -> bool:
        """What the plan promises; the line without a group is for all others. False: it is the plan we know."""
        level = plan.service_level
        if plan is self._labels.plan and "targets" in self._more:
            return False
        self._labels = Labels(plan)
        self._stale |= self._shown.keys() - self._more.keys()
        self._shown.clear()
        self._standing.touched.update(self._standing.values, _all_keys(plan))
        targets = {"": level.default} | {group: level.groups.get(group, level.default) for group in plan.groups}
        self._more["targets"] = " ".join(f"{group}={one.within}={one.percent}" for group, one in targets.items())
        own = {tier.name: target_of(plan, "", tier.name) for tier in plan.tiers}
        self._more["tier_targets"] = " ".join(f"{tier}={one.within}={one.percent}" for tier, one in own.items())
        self._more["tiers"] = " ".join(f"{tier.name}={int(tier.name in plan.vip_tiers)}" for tier in plan.tiers)
        return True

    def changed(self) -> dict[str, str]:
        """Fields that are another than when this was asked last."""
        keys = self._standing.touched
        found = {field_of(*key): str(self._value(key)) for key in map(self._bounded, keys)}
        for key in [key for key in keys if key[0].startswith("waiting")]:
            bounded = self._bounded(key)
            found[field_of(f"oldest_{bounded[0]}", *bounded[1:])] = str(self._oldest(bounded) or "")
        keys.clear()
        # Names that no call, agent or plan has any more.
        found = dict.fromkeys(self._stale, "") | found | self._more
        self._stale.clear()
        fresh = {field: text for field, text in found.items() if self._shown.get(field) != text}
        self._shown |= fresh
        return fresh

    def _bounded(self, key: Key) -> Key:
        """The key with labels the plan knows."""
        name, *labels = key
        if name in TIERED:
            return (name, self._labels.tier(labels[0]))
        if name == "waiting_in_step":
            return (name, self._labels.tier(labels[0]), self._labels.step(labels[1]))
        if name == "waiting_in_queue":
            return (name, self._labels.tier(labels[0]), self._labels.queue(labels[1]))
        if name == "queue_agents":
            return (name, labels[0], self._labels.queue(labels[1]))
        return key

    def _value(self, bounded: Key) -> int:
        """Several unknown names are one `other`; almost always it is the key itself."""
        values = self._standing.values
        if "other" not in bounded:
            return values.get(bounded, 0)
        return sum(count for key, count in values.items() if key[0] == bounded[0] and self._bounded(key) == bounded)

    def _oldest(self, bounded: Key) -> int | None:
        keys = (
            [bounded]
            if "other" not in bounded
            else [key for key in self._standing.values if key[0] == bounded[0] and self._bounded(key) == bounded]
        )
        found = [since for since in map(self._standing.oldest, keys) if since is not None]
        return min(found, default=None)


def _all_keys(plan: SitePlan) -> Iterator[Key]:
    """What is shown at 0 before anybody comes."""
    for tier in plan.tiers:
        yield from ((name, tier.name) for name in TIERED)
        yield from (("waiting_in_queue", tier.name, group) for group in plan.groups)
    for state in AGENT_STATES.values():
        yield from (("queue_agents", state, group) for group in plan.groups)
