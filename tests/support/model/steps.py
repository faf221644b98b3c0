"""How a call walks its ladder, comes back from an offer, and ends."""

from __future__ import annotations

from router.domain.ladder import Step, agent_lane
from tests.support.snapshot import AWAY, group_of

from .matching import Matching
from .records import Agent, Call

COUNTED = ("expired", "busy", "no_answer", "declined", "break")
"""Causes of a return that double the agent's rest."""


class Ladders(Matching):
    """Entering steps, returning to the lanes, ending."""

    # -- steps -----------------------------------------------------------------------------------------------------

    def enter_next(self, call: Call) -> None:
        """Enter steps until the call is offered, asked, waiting in one of them, or at its exit."""
        call.state, call.question_at, call.step_at = "w", None, None
        while call.steps and call.state == "w":
            step = call.steps.pop(0)
            call.step, call.questions, call.chose_wait = step, 0, False
            call.step_at = None if step.wait_ms is None else self.now + step.wait_ms
            call.lanes = [lane for lane in call.lanes if lane not in step.lanes] + list(step.lanes)
            if self.call_looks(call) or not self.goes_on(call, step):
                break
        if call.state == "w":
            self.take_exit_if_closed(call)

    def goes_on(self, call: Call, step: Step) -> bool:
        """Whether a call that found nobody enters the next step at once. May ask the owner-busy question."""
        if not call.steps:
            call.step_at = None
            return False
        if step.when_busy is not None:
            owner = self.owner(step)
            if owner is None or owner.state in AWAY or step.when_busy == "next":
                return True
            if step.when_busy == "ask" and not call.is_callback:
                self.ask(call)
            return False
        crowded = step.max_waiting is not None and self.crowd(call, step) >= step.max_waiting
        return crowded or step.wait_ms == 0 or not self.served(step)

    def served(self, step: Step) -> bool:
        return any(self.on_duty(lane) for lane in step.lanes)

    def crowd(self, call: Call, step: Step) -> int:
        return sum(len([c for c in self.standing(lane) if c is not call]) for lane in step.lanes)

    def owner(self, step: Step) -> Agent | None:
        return self.agents.get(step.lanes[0].removeprefix("@"))

    def take_exit_if_closed(self, call: Call) -> None:
        """On the last step a caller on the line leaves whom no open lane keeps."""
        if call.step is None or call.steps or call.is_callback:
            return
        if self.closed and not any(self.keeps(lane) for lane in call.lanes):
            self.end(call, "overflowed_out")

    def keeps(self, lane: str) -> bool:
        """Whether a caller may go on waiting in a lane: its group is open, its own agent is on duty."""
        return group_of(lane) not in self.closed if group_of(lane) else self.on_duty(lane)

    # -- the owner-busy question -----------------------------------------------------------------------------------

    def ask(self, call: Call) -> None:
        call.state, call.questions, call.chosen, call.chose_wait = "q", call.questions + 1, "", False
        spoken = 3 if call.kind == "adapter" and not call.is_callback else 1
        call.question_at, call.step_at = self.now + spoken * self.timing.question_ms, None

    def answer(self, call: Call, choice: str) -> None:
        if choice == "transfer":
            self.enter_next(call)
            return
        call.state, call.question_at, call.chose_wait = "w", None, True
        call.step_at = self.now + self.timing.owner_wait_ms

    def step_over(self, call: Call) -> None:
        """The current step has lasted its time: a caller who chose to wait is asked once more, others go on."""
        asks_again = call.chose_wait and call.questions == 1 and not call.is_callback
        if asks_again:
            self.ask(call)
        else:
            self.enter_next(call)

    # -- back from an offer ----------------------------------------------------------------------------------------

    def give_back(self, call: Call, cause: str, away: str = "") -> None:
        """The offer came to nothing: the agent rests or goes `away`, the call is back at its rank."""
        agent = self.agents[call.agent]
        call.avoid = [*[a for a in call.avoid if a != agent.agent_id], agent.agent_id][-3:]
        agent.declined = call.offer if cause != "expired" else ""
        self.rest(agent, cause, away)
        call.state, call.agent, call.offer = "w", "", ""
        if self.leave_place(call):
            return
        if call.max_at is not None and call.max_at <= self.now:
            self.end(call, "missed" if call.is_callback else "overflowed_out")
        elif call.steps and self.step_is_over(call, agent):
            self.enter_next(call)
        else:
            if call.step_at is not None and call.step_at <= self.now:
                call.step_at = None
            if not self.call_looks(call):
                self.take_exit_if_closed(call)

    def step_is_over(self, call: Call, agent: Agent) -> bool:
        step = call.step
        if step is None or call.step_at is None or call.step_at <= self.now or not self.served(step):
            return True
        by_owner = step.when_busy is not None and step.lanes == (agent_lane(agent.agent_id),)
        return by_owner and not call.chose_wait

    def enter_held(self, call: Call) -> None:
        call.holding = False
        self.enter_next(call)

    def holder(self, callback: Call) -> Call | None:
        """The call that waits for the end of this callback's dial."""
        heir = self.calls.get(callback.heir)
        return heir if heir and heir.holding and heir.state == "w" else None

    def leave_place(self, callback: Call) -> bool:
        """A callback that comes back to the line leaves its place to a call that holds for its dial."""
        holder = self.holder(callback)
        if holder:
            self.end(callback, "superseded")
            self.enter_held(holder)
        return holder is not None

    def rest(self, agent: Agent, cause: str, away: str) -> None:
        """Cool down, twice as long after each unanswered offer; or go away at once."""
        pause = self.timing.cooling_ms
        if cause in COUNTED:
            agent.misses += 1
            pause = min(pause * 2 ** (agent.misses - 1), self.timing.cooling_max_ms)
        agent.call = agent.offer = ""
        if away:
            self.go_away(agent, away)
        else:
            agent.state, agent.due = "c", self.now + pause

    def go_away(self, agent: Agent, away: str) -> None:
        """Leave duty and have the lanes walked that nobody serves any more."""
        served = [lane for lane in self.lanes() if self.serves(agent, lane)] if agent.state not in AWAY else []
        agent.state, agent.next_state, agent.due = away, "", None
        self.mark_unserved(served)

    def mark_unserved(self, lanes: list[str]) -> None:
        for lane in lanes:
            if self.standing(lane) and not self.on_duty(lane):
                self.unserved[lane] = self.now

    # -- ends ------------------------------------------------------------------------------------------------------

    def end(self, call: Call, outcome: str) -> None:
        call.state, call.outcome, call.ended_ms = "e", outcome, self.now
        call.agent = call.offer = ""
        call.question_at = call.step_at = call.max_at = None

    def free(self, agent: Agent) -> None:
        """The offer ended without the agent's doing: ready as before, and looks at once."""
        self.become_ready(agent, agent.ready_since)

    def wrap_up(self, agent: Agent) -> None:
        agent.call = agent.offer = ""
        agent.state, agent.due = "w", self.now + self.timing.wrap_up_ms

    def end_rest(self, agent: Agent) -> None:
        """Wrap-up or cooling is over."""
        if agent.next_state:
            self.go_away(agent, agent.next_state)
        else:
            self.become_ready(agent, self.now)

    def caller_left(self, call: Call, outcome: str) -> None:
        """End a call that may be offered; its place passes first, then its agent is free and looks."""
        agent = self.agents.get(call.agent)
        self.end(call, outcome)
        if agent:
            self.free(agent)
