"""A call arrives, is routed, keeps its place; who calls again takes an earlier place over."""

from __future__ import annotations

from router.domain.errors import PlanMoved, WrongState
from router.domain.ladder import Ladder
from tests.support.snapshot import STANDING

from .records import Call
from .steps import Ladders


class Arrivals(Ladders):
    """Creating calls and callbacks, and the passing of places between calls of one caller."""

    def accept_call(self, call_id: str, *, kind: str, max_wait_ms: int) -> None:
        """Fix the time of a call that is still greeted."""
        if call_id not in self.calls:
            self.arrive(call_id, kind).max_at = self.now + max_wait_ms

    def route_call(
        self,
        call_id: str,
        ladder: Ladder,
        *,
        kind: str = "api",
        plan_version: str = "",
        identity: str = "",
        last_agent: str = "",
    ) -> None:
        """Set the ladder of a new or greeted call and walk it."""
        known = self.calls.get(call_id)
        if known and known.state != "g":
            return
        if plan_version != self.plan_version:
            raise PlanMoved
        call = known or self.arrive(call_id, kind)
        call.last_agent, call.identity = last_agent, identity
        call.steps, call.max_at = list(ladder.steps), self.now + ladder.max_wait_ms
        self.sequence += 1
        call.rank = (call.accepted_ms - ladder.head_start_ms) * 1000 + self.sequence % 1000
        earlier = self.calls.get(self.newest.get(identity, ""))
        if not call.steps:
            self.end(call, "rejected")
            return
        if identity:
            self.newest[identity] = call_id
        if earlier is None or not self.follow(earlier, call):
            self.enter_next(call)

    def arrive(self, call_id: str, kind: str) -> Call:
        call = Call(call_id, kind, self.now)
        self.calls[call_id] = call
        return call

    # -- the same caller again -------------------------------------------------------------------------------------

    def follow(self, earlier: Call, call: Call) -> bool:
        """Take over what the caller's earlier call leaves. True if the call walks its ladder, or holds, already."""
        if earlier.state == "e":
            if earlier.lost_place and self.now - earlier.ended_ms <= self.timing.recall_ms:
                self.pass_place(earlier, call)
            return False
        if earlier.is_callback:
            head_start_ms = call.accepted_ms - call.rank // 1000
            call.accepted_ms = min(call.accepted_ms, earlier.accepted_ms)
            own = (call.accepted_ms - head_start_ms) * 1000 + earlier.rank % 1000
            call.rank = min(earlier.rank, own)
            self.sequence -= 1
            if earlier.state == "b":
                call.state, call.holding = "w", True
                earlier.heir, earlier.heir_came_ms = call.call_id, self.now
            else:
                self.supersede(earlier, call)
            return True
        if earlier.state != "c":
            earlier.heir, earlier.heir_came_ms = call.call_id, self.now
        return False

    def pass_place(self, earlier: Call, later: Call) -> None:
        """The later call, if it still waits, counts from the earlier one's acceptance; its own head start stays."""
        earlier.outcome, earlier.lost_place = "recalled", False
        gained_ms = later.accepted_ms - earlier.accepted_ms
        if later.state in ("g", *STANDING) and gained_ms > 0:
            later.rank -= gained_ms * 1000
            later.accepted_ms = earlier.accepted_ms

    def supersede(self, callback: Call, call: Call) -> None:
        """The call enters its ladder before a leased agent is free, so that the better rank is taken."""
        agent = self.agents.get(callback.agent)
        self.end(callback, "superseded")
        self.enter_held(call)
        if agent:
            self.free(agent)

    def dial_failed(self, callback: Call) -> None:
        holder = self.holder(callback)
        if holder:
            self.supersede(callback, holder)
        else:
            self.caller_left(callback, "failed")

    # -- keeping a place without waiting on the line ---------------------------------------------------------------

    def keep_place(self, call_id: str, callback_id: str, *, widen: bool = False) -> None:
        """End the call and put a callback with its rank into the same lanes; a pending question counts as passed."""
        call = self.call(call_id)
        if call.kept_as == callback_id:
            return
        if call.state not in STANDING or call.is_callback or call.holding:
            raise WrongState
        callback = Call(callback_id, call.kind, call.accepted_ms, rank=call.rank, identity=call.identity)
        callback.is_callback = True
        callback.avoid, callback.lanes, callback.step = call.avoid, list(call.lanes), call.step
        callback.steps = call.steps if widen else []
        if callback.steps:
            callback.step_at = self.now if call.state == "q" else call.step_at
        callback.chose_wait, callback.questions = True, 2
        callback.max_at = self.now + self.timing.callback_ms
        self.end(call, "callback")
        call.kept_as, callback.state = callback_id, "w"
        self.calls[callback_id] = callback
        if call.identity:
            self.newest[call.identity] = callback_id
