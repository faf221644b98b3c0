"""What agents and telephony do with an offer and the talk that follows it."""

from __future__ import annotations

from router.domain.errors import OfferGone, PlanMoved, WrongState
from router.domain.ladder import Ladder

from .arrivals import Arrivals
from .records import Agent, Call


class Offers(Arrivals):
    """Accept, decline, connect, fail, complete, transfer."""

    def lease(self, call_id: str, offer_id: str, agent_id: str | None = None) -> tuple[Call, Agent]:
        """The call and agent that hold each other by this very offer."""
        call = self.calls.get(call_id)
        if call is None or not call.offer or call.offer != offer_id or agent_id not in (None, call.agent):
            raise OfferGone
        return call, self.agents[call.agent]

    def accept_offer(self, call_id: str, agent_id: str, offer_id: str) -> None:
        if self.ended_by(call_id, agent_id, offer_id):
            return
        call, agent = self.lease(call_id, offer_id, agent_id)
        if call.state != "o":
            return
        agent.misses = 0
        if call.kind == "api" and not call.is_callback:
            self.connect(call, agent)
        else:
            call.state = "b"
            agent.due = self.now + (self.timing.dial_ms if call.is_callback else self.timing.bridge_ms)

    def ended_by(self, call_id: str, agent_id: str | None, offer_id: str | None) -> bool:
        """Whether the call has ended after a talk by this lease: a late repeat is answered as the first was."""
        call = self.calls.get(call_id)
        if call is None or call.state != "e" or not call.last_lease[0]:
            return False
        return agent_id in (None, call.last_lease[0]) and offer_id in (None, call.last_lease[1])

    def decline_offer(self, call_id: str, agent_id: str, offer_id: str, cause: str) -> None:
        """The agent does not want it, rung or already dialling; a repeat is answered as the first was."""
        agent = self.agents.get(agent_id)
        if agent and agent.declined == offer_id:
            return
        call, _ = self.lease(call_id, offer_id, agent_id)
        if call.state == "c":
            raise OfferGone
        self.give_back(call, cause)

    def hear_offer(self, call_id: str, offer_id: str) -> None:
        """The telephone was picked up: the lease begins anew, but never lasts longer than two."""
        if self.ended_by(call_id, None, offer_id):
            return
        call, agent = self.lease(call_id, offer_id)
        if call.state == "o":
            longest = self.offered_at[call.offer] + 2 * self.timing.offer_ms
            agent.due = max(agent.due or 0, min(self.now + self.timing.offer_ms, longest))

    def connect_call(self, call_id: str, offer_id: str) -> None:
        """The bridge is up; a platform may say so before it says that the agent has answered."""
        if self.ended_by(call_id, None, offer_id):
            return
        call, agent = self.lease(call_id, offer_id)
        if call.state != "c":
            agent.misses = 0
            self.connect(call, agent)

    def connect(self, call: Call, agent: Agent) -> None:
        holder = self.holder(call)
        call.state, call.is_callback, agent.state, agent.due = "c", False, "t", None
        if holder:
            self.enter_held(holder)

    def fail_leg(self, call_id: str, offer_id: str, cause: str) -> None:
        """The agent's leg or a callback's dial did not come up; or the agent's leg ended while talking."""
        known = self.calls.get(call_id)
        if known and known.state == "c" and cause not in ("device", "network"):
            self.complete_call(call_id, offer_id, None)
            return
        if self.given_back(call_id, offer_id):
            return
        call, agent = self.lease(call_id, offer_id)
        if call.state == "b" and call.is_callback:
            self.dial_failed(call)
        elif call.state != "c":
            self.give_back(call, cause)
        else:
            if call.max_at is not None:
                call.max_at += self.now - call.accepted_ms
            self.give_back(call, cause, agent.next_state)

    def given_back(self, call_id: str, offer_id: str) -> bool:
        """Whether the last agent who returned the call did so by this offer."""
        call = self.calls.get(call_id)
        last = self.agents.get(call.avoid[-1]) if call and call.avoid else None
        return last is not None and last.declined == offer_id

    def complete_call(self, call_id: str, offer_id: str | None, agent_id: str | None) -> None:
        call = self.call(call_id)
        if self.ended_by(call_id, agent_id, offer_id):
            return
        if call.state == "e" or offer_id not in (None, call.offer) or agent_id not in (None, call.agent):
            raise OfferGone
        if call.state != "c":
            raise WrongState
        self.talk_ended(call)

    def talk_ended(self, call: Call) -> None:
        agent = self.agents[call.agent]
        call.last_lease = (call.agent, call.offer)
        self.end(call, "answered")
        self.wrap_up(agent)

    def transfer_call(self, call_id: str, offer_id: str, ladder: Ladder, *, plan_version: str) -> None:
        """The agent wraps up; the call waits at its rank on a new ladder, as if it had never been offered."""
        if self.call(call_id).passed_on == offer_id:
            return
        call, agent = self.lease(call_id, offer_id)
        if call.state != "c":
            raise OfferGone
        if plan_version != self.plan_version:
            raise PlanMoved
        call.state, call.agent, call.offer, call.passed_on = "w", "", "", offer_id
        call.lanes, call.steps, call.avoid, call.last_agent = [], list(ladder.steps), [], ""
        call.max_at = self.now + ladder.max_wait_ms
        self.enter_next(call)
        self.wrap_up(agent)
