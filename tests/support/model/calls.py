"""What callers, supervisors and a new plan do to a call that is not talking."""

from __future__ import annotations

from router.domain.errors import AgentAway, ChoiceGone, PlanMoved, WrongState
from router.domain.ladder import Step, agent_lane
from tests.support.snapshot import AWAY, STANDING

from .offers import Offers
from .records import Call

HEIR_MS = 60_000
"""How long after its own arrival a later call takes over the place of an earlier one that then ends."""


class Calls(Offers):
    """Choose, abandon, boost, assign, withdraw, cancel, reladder."""

    def waiting(self, call_id: str) -> Call:
        call = self.call(call_id)
        if call.state not in STANDING:
            raise WrongState
        return call

    def choose(self, call_id: str, choice: str) -> None:
        call = self.call(call_id)
        stands = call.state in ("w", "o") and (choice != "wait" or call.chose_wait)
        if stands and call.chosen == choice:
            return
        if call.state != "q":
            raise ChoiceGone
        call.chosen = choice
        self.answer(call, choice)

    def abandon_call(self, call_id: str) -> None:
        """The caller is gone, in whatever state."""
        call = self.call(call_id)
        if call.state == "e":
            return
        if call.state == "c":
            self.talk_ended(call)
            return
        if call.is_callback:
            self.dial_failed(call)
            return
        short = self.now - call.accepted_ms < self.timing.short_abandon_ms
        agent = self.agents.get(call.agent)
        call.lost_place = call.state != "g"
        self.end(call, "short_abandoned" if short else "abandoned")
        heir = self.calls.get(call.heir)
        if call.lost_place and heir and self.now - call.heir_came_ms <= HEIR_MS:
            self.pass_place(call, heir)
        if agent:
            self.free(agent)

    def boost_call(self, call_id: str, head_start_ms: int) -> None:
        call = self.waiting(call_id)
        call.rank = (call.accepted_ms - head_start_ms) * 1000 + call.rank % 1000

    def assign_call(self, call_id: str, agent_id: str) -> None:
        """To a ready agent at once, to a busy one through its own lane."""
        call, agent = self.call(call_id), self.agent(agent_id)
        if call.state == "o" and call.agent == agent_id:
            return
        if call.state not in STANDING:
            raise WrongState
        if agent.state in AWAY:
            raise AgentAway
        if agent.state == "r":
            self.offer(call, agent)
            return
        if agent_lane(agent_id) not in call.lanes:
            call.lanes.insert(0, agent_lane(agent_id))
        if call.state == "q":
            self.enter_next(call)

    def withdraw_call(self, call_id: str) -> None:
        call = self.call(call_id)
        if call.state == "e" and call.outcome == "withdrawn":
            return
        self.end(self.waiting(call_id), "withdrawn")

    def cancel_callback(self, callback_id: str) -> None:
        call = self.call(callback_id)
        if call.state == "e" and call.outcome == "cancelled":
            return
        if not call.is_callback or call.state not in ("w", "o", "b"):
            raise WrongState
        self.caller_left(call, "cancelled")

    def reladder_call(
        self, call_id: str, steps: tuple[Step, ...], enter_now: bool, at_step: str, plan_version: str
    ) -> None:
        """Give a call in line the steps of a new plan that it has not entered; an offered one finds them later."""
        call = self.calls.get(call_id)
        if call is None:
            return
        if plan_version != self.plan_version:
            raise PlanMoved
        step = call.step
        if call.state not in ("o", "b", *STANDING) or at_step != (step.name if step else ""):
            return
        can_enter = call.state in STANDING and bool(steps) and step is not None
        if call.steps == list(steps) and not (can_enter and enter_now):
            return
        call.steps = list(steps)
        if can_enter and step and (enter_now or not self.served(step)):
            self.enter_next(call)
