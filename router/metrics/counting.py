"""What each entry adds to the counters. Pure: the entry, and the picture as it was before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass

from config.models import SitePlan
from router.domain.events import Event
from router.events.learning import group_of
from router.events.levels import target_of
from router.live.picture import LEASED, CallSeen, Picture
from router.metrics import definitions as d
from router.metrics.labels import OTHER, Labels
from router.metrics.tally import Tally

REMEMBER_MS = 600_000
"""How long a caller who hung up may still call again and get the place, with room to spare."""
_WHERE = {"g": "in_greeting", "w": "in_queue", "q": "in_prompt", "o": "in_ring", "b": "in_ring"}
_OFFER_ENDS = {
    "declined": "declined",
    "busy": "declined",
    "break": "declined",
    "offline": "declined",
    "expired": "expired_agent",
    "no_answer": "expired_agent",
    "device": "expired_fault",
    "network": "expired_fault",
    "bridge": "expired_fault",
}
_ABANDONED = ("abandoned", "short_abandoned")
_OUTCOMES = frozenset((*_ABANDONED, "recalled", "callback", "rejected", "withdrawn", "overflowed_out", "failed"))
_CALLBACK_ENDS = frozenset(("missed", "failed", "superseded", "cancelled"))


@dataclass(slots=True)
class Gone:
    """A caller who hung up, as counted: it is taken back when she calls again in time."""

    tier: str
    queue: str
    outcome: str
    in_target: bool
    at_ms: int

    def dump(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


class Counting:
    """One site's. `plan`: the plan in force, whose tiers, groups and steps are the only ones that become labels."""

    def __init__(self, tally: Tally, plan: Callable[[], SitePlan], gone: dict[str, Gone] | None = None) -> None:
        self.tally = tally
        self.gone = gone or {}
        self.forgotten: list[str] = []
        """Ids that left `gone` since somebody last emptied it."""
        self._plan = plan
        self._labels = Labels(plan())

    def prepare(self) -> None:
        """Show at 0 what alerts and ratios are made of: a counter that begins at 1 hides its first call."""
        plan = self._plan()
        for tier in plan.tiers:
            self.tally.add(d.OFFERED, tier.name, by=0)
            for outcome in ("ready", "busy", "absent"):
                self.tally.add(d.OWNER_ASKED, tier.name, outcome, by=0)
            for outcome in ("owner", "cover", "other"):
                self.tally.add(d.OWNER_ANSWERED, tier.name, outcome, by=0)
            for queue in ("", *plan.groups):
                for outcome in d.LEVEL_OUTCOMES:
                    self.tally.add(d.LEVEL, tier.name, queue, outcome, by=0)

    def take(self, event: Event, picture: Picture, certain: bool = True) -> None:
        """Count the next entry. `certain` False: the picture may be newer than the entry, and proves nothing."""
        if self._labels.plan is not self._plan():
            self._labels = Labels(self._plan())
        call = picture.calls.get(event.fields.get("call", ""))
        match event.type:
            case "call.accepted":
                self._accepted(event)
            case "callback.booked":
                self._callback(event, "scheduled")
            case "call.widened" if call is not None:
                self._widened(event, call)
            case "call.owner_busy":
                self._tier_of(event, d.PROMPTS)
            case "call.choice":
                outcome = event.fields.get("choice", "") if event.fields.get("by") == "caller" else "no_input"
                self._prompt_ends(event, outcome)
            case "call.offered":
                self._offered(event, call, picture, certain)
            case "call.accepted_offer":
                self._accepted_offer(event, call)
            case "call.connected":
                self._connected(event, call)
            case "call.returned":
                self._returned(event, call)
            case "call.transferred":
                self._talked(event, call)
            case "call.ended":
                self._ended(event, call)
            case "call.recalled":
                self._recalled(event)
            case "agent.ready" if event.fields.get("cause") == "repaired":
                self.tally.add(d.REPAIRED)
        self._forget(event.at_ms)

    # ------------------------------------------------------------------------------------------- on the way in

    def _accepted(self, event: Event) -> None:
        facts = event.facts
        if facts is None or event.fields.get("state") == "e":
            return
        tier, entered = self._labels.tier(facts.tier), event.fields.get("entered", "").split()
        self.tally.add(d.OFFERED, tier)
        self._entered(tier, entered, event.fields.get("lanes", "").split(), ())
        if owner := self.owner_of(event):
            self.tally.add(d.OWNER_ASKED, tier, _found(event, owner))

    def _widened(self, event: Event, call: CallSeen) -> None:
        tier = self._labels.tier(call.tier)
        if call.state == "q":
            self._prompt_ends(event, OTHER)  # nobody serves the step any more, or a supervisor gave the call away
        # At the same moment it came back or its caller chose: then that was the reason, not the step's end.
        if call.state == "w" and call.since_ms < event.at_ms and call.step:
            self.tally.add(d.STAGE_EXPIRED, tier, self._labels.step(call.step))
        entered, lanes = event.fields.get("entered", "").split(), event.fields.get("lanes", "").split()
        self._entered(tier, entered, lanes, call.lanes)

    def _entered(self, tier: str, steps: Collection[str], lanes: Collection[str], before: Collection[str]) -> None:
        for step in steps:
            self.tally.add(d.STAGE_ENTERED, tier, self._labels.step(step))
        old = dict.fromkeys(group for group in map(group_of, before) if group)
        new = dict.fromkeys(group for group in map(group_of, lanes) if group and group not in old)
        for group in list(new) if old else list(new)[1:]:
            self.tally.add(d.OVERFLOWED, tier, self._labels.queue(group))

    # ------------------------------------------------------------------------------------------------- offers

    def _offered(self, event: Event, call: CallSeen | None, picture: Picture, certain: bool) -> None:
        tier = self._tier(event)
        self.tally.add(d.OFFERS, tier, self._labels.queue(group_of(event.fields.get("lane", ""))))
        if call is not None and call.state == "q":
            own = not call.owner or event.fields.get("agent") == call.owner
            self._prompt_ends(event, "owner_ready" if own else OTHER)
        # A repaired agent was held by a call that was not theirs any more; the call may be held by nobody all the same.
        if repaired := event.fields.get("cause") == "repaired":
            self.tally.add(d.REPAIRED)
        if certain and (_is_held(call) or (not repaired and _holds_another(picture, event.fields.get("agent", "")))):
            self.tally.add(d.DOUBLE_OFFERS)

    def _accepted_offer(self, event: Event, call: CallSeen | None) -> None:
        self._offer_ends(event, call, "accepted", "accepted")
        if call is not None and call.state == "o":
            queue = self._labels.queue(group_of(call.lane))
            self.tally.observe(d.RING, max(0, event.at_ms - call.since_ms) / 1000, queue)

    def _offer_ends(self, event: Event, call: CallSeen | None, outcome: str, cause: str) -> None:
        queue = self._labels.queue(group_of(call.lane)) if call is not None else ""
        self.tally.add(d.OFFER_ENDS, self._tier(event), queue, outcome, cause)

    def _returned(self, event: Event, call: CallSeen | None) -> None:
        cause, was = event.fields.get("cause", ""), event.fields.get("was")
        known = cause if cause in _OFFER_ENDS else OTHER
        if was == "c":
            self._talked(event, call)
        elif was == "b":
            self.tally.add(d.BRIDGES_FAILED, self._tier(event), known)
        else:
            self._offer_ends(event, call, _OFFER_ENDS.get(cause, "rescinded"), known)

    # ------------------------------------------------------------------------------------- answers and endings

    def _connected(self, event: Event, call: CallSeen | None) -> None:
        facts = event.facts
        if call is None or call.state == "o":
            self._accepted_offer(event, call)
        if facts is None or facts.talks:
            return
        tier, wait_ms = self._labels.tier(facts.tier), event.at_ms - facts.accepted_ms
        if facts.kind.startswith("k"):
            self._callback(event, "reached")
            self.tally.observe(d.VIRTUAL_WAIT, max(0, wait_ms) / 1000, tier)
            return
        queue, step = self._place(event, call)
        self.tally.add(d.CALLS, tier, queue, "answered")
        if (told := event.told) is not None:
            self.tally.add(d.ANNOUNCED, tier, "within" if event.at_ms - told.at_ms <= told.p90_ms else "beyond")
        self._waited(event, tier, queue, step, "answered")
        self._level(tier, queue, "answered", wait_ms)
        if step:
            self.tally.add(d.STAGE_ANSWERED, tier, step)
        if call is not None and call.owner:
            by = event.fields.get("agent")
            own_lane = call.lane.startswith("@")
            self.tally.add(d.OWNER_ANSWERED, tier, "owner" if by == call.owner else "cover" if own_lane else "other")

    def _ended(self, event: Event, call: CallSeen | None) -> None:
        facts, was, outcome = event.facts, event.fields.get("was", ""), event.fields.get("outcome", "")
        if facts is None:
            return
        if was == "c":
            self._talked(event, call)
        if was == "q":
            ends = {"callback": "callback", "abandoned": "hangup", "short_abandoned": "hangup", "recalled": "hangup"}
            self._prompt_ends(event, ends.get(outcome, OTHER))
        if was == "o":
            left = outcome in (*_ABANDONED, "recalled")
            self._offer_ends(event, call, "cancelled_caller" if left else "rescinded", "hangup" if left else OTHER)
        if facts.kind.startswith("k"):
            if outcome in _CALLBACK_ENDS:
                self._callback(event, outcome)
            return
        if outcome == "answered" or facts.talks:
            return  # counted when it was connected
        self._came_to_nothing(event, call, outcome if outcome in _OUTCOMES else OTHER)

    def _came_to_nothing(self, event: Event, call: CallSeen | None, outcome: str) -> None:
        facts, was, call_id = event.facts, event.fields.get("was", ""), event.fields.get("call", "")
        assert facts is not None, "asked before"
        tier, wait_ms = self._labels.tier(facts.tier), event.at_ms - facts.accepted_ms
        queue, step = self._place(event, call)
        self.tally.add(d.CALLS, tier, queue, outcome)
        if outcome in _ABANDONED:
            self.tally.add(d.LEFT, tier, outcome, _WHERE.get(was, OTHER))
            if event.told is not None:
                self.tally.add(d.ANNOUNCED, tier, "left")
            if call is not None and call.chose == "wait":
                self.tally.add(d.REGRET, tier)
        if was == "g":
            return  # never offered: still greeted, or closed at once
        if outcome == "recalled":
            self.tally.add(d.RECALLED, tier, queue, "recalled")
            return
        if outcome in _ABANDONED:
            self._waited(event, tier, queue, step, outcome)
            in_target = wait_ms <= self._target_ms(tier, queue)
            self.gone[call_id] = Gone(tier, queue, outcome, in_target, event.at_ms)
        self._level(tier, queue, outcome, wait_ms)

    def _recalled(self, event: Event) -> None:
        """Taken out of offered and abandoned, in every formula."""
        old = event.fields.get("old", "")
        gone = self.gone.pop(old, None)
        if gone is None:
            return
        self.forgotten.append(old)
        self.tally.add(d.RECALLED, gone.tier, gone.queue, gone.outcome)
        self.tally.add(d.LEVEL, gone.tier, gone.queue, "recalled")
        if gone.outcome == "short_abandoned":
            self.tally.add(d.LEVEL, gone.tier, gone.queue, "recalled_short")
        if gone.in_target:
            self.tally.add(d.LEVEL, gone.tier, gone.queue, "recalled_in_target")

    def _level(self, tier: str, queue: str, outcome: str, wait_ms: int) -> None:
        """One call that was offered, in the words of the service level's formulas."""
        words = ["offered"]
        counted = "abandoned" if outcome in _ABANDONED else outcome
        if counted in ("answered", "abandoned", "callback"):
            words += [counted, *([f"{counted}_in_target"] if wait_ms <= self._target_ms(tier, queue) else [])]
        if outcome == "short_abandoned":
            words.append("short_abandoned")
        for word in words:
            self.tally.add(d.LEVEL, tier, queue, word)

    def _waited(self, event: Event, tier: str, queue: str, step: str, outcome: str) -> None:
        facts, now = event.facts, event.step
        if facts is not None:
            self.tally.observe(d.WAIT, max(0, event.at_ms - facts.accepted_ms) / 1000, tier, queue, outcome)
        if now is not None and step:
            self.tally.observe(d.STAGE_WAIT, max(0, event.at_ms - now.entered_ms) / 1000, tier, step, outcome)

    def _talked(self, event: Event, call: CallSeen | None) -> None:
        if call is not None and call.state == "c":
            seconds = max(0, event.at_ms - call.since_ms) / 1000
            self.tally.observe(d.TALK, seconds, self._labels.tier(call.tier), self._labels.queue(group_of(call.lane)))

    def _place(self, event: Event, call: CallSeen | None) -> tuple[str, str]:
        """The group its step asks, and the step."""
        step = event.step
        queue = self._labels.queue(call.group) if call is not None else ""
        return queue, self._labels.step(step.name) if step is not None and step.name else ""

    # ------------------------------------------------------------------------------------------------- smaller

    def owner_of(self, event: Event) -> str:
        """The dedicated agent whom a new call asks, "" for none."""
        return self._labels.owner(event.fields.get("entered", "").split(), event.fields.get("lanes", "").split())

    def _callback(self, event: Event, outcome: str) -> None:
        self.tally.add(d.CALLBACKS, self._tier(event), outcome)

    def _prompt_ends(self, event: Event, outcome: str) -> None:
        known = ("wait", "transfer", "callback", "hangup", "no_input", "owner_ready")
        self.tally.add(d.PROMPT_ENDS, self._tier(event), outcome if outcome in known else OTHER)

    def _tier_of(self, event: Event, metric: d.Metric) -> None:
        self.tally.add(metric, self._tier(event))

    def _tier(self, event: Event) -> str:
        facts = event.facts
        return self._labels.tier(facts.tier) if facts is not None else OTHER

    def _target_ms(self, tier: str, queue: str) -> int:
        return target_of(self._labels.plan, queue, tier).within

    def _forget(self, now_ms: int) -> None:
        while self.gone:
            call_id, oldest = next(iter(self.gone.items()))
            if oldest.at_ms > now_ms - REMEMBER_MS:
                return
            del self.gone[call_id]
            self.forgotten.append(call_id)


def _found(event: Event, owner: str) -> str:
    """How the owner was found when the call came."""
    seen = dict(part.split("=", 1) for part in event.fields.get("seen", "").split() if "=" in part)
    letter = seen.get(f"@{owner}", "-")[:1]
    return "ready" if letter == "r" else "absent" if letter in "-xb" else "busy"


def _is_held(call: CallSeen | None) -> bool:
    return call is not None and call.state in (*LEASED, "c")


def _holds_another(picture: Picture, agent_id: str) -> bool:
    """Whether the agent is in an offer or a talk. One whose call has just ended or come back is not."""
    agent = picture.agents.get(agent_id)
    call = picture.calls.get(agent.call) if agent is not None else None
    return _is_held(call) and call is not None and call.agent == agent_id
