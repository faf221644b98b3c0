"""What happens to calls: one typed method per script. Python decides what to ask; the scripts decide what happens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from router.domain import errors
from router.domain.ladder import Ladder, Step
from router.store.rows import CallView
from router.store.sending import REFUSALS, Sending

KINDS = {"api": "j", "adapter": "a"}


@dataclass(frozen=True, slots=True)
class Routed:
    """`created` False: the call was known already and nothing was changed."""

    created: bool
    letter: str
    agent_id: str | None = None
    offer_id: str | None = None


def step_text(step: Step) -> str:
    """One step as the scripts read it: `name;when busy;wait ms;max waiting;lane lane`."""
    busy = f"ask:{step.default_choice}" if step.when_busy == "ask" else step.when_busy or ""
    wait = "" if step.wait_ms is None else str(step.wait_ms)
    full = "" if step.max_waiting is None else str(step.max_waiting)
    return f"{step.name};{busy};{wait};{full};{' '.join(step.lanes)}"


def _written(words: str) -> str:
    """What people wrote, as the scripts put it down."""
    return json.dumps(words, ensure_ascii=False) if words else ""


def ladder_text(steps: Sequence[Step]) -> str:
    return "|".join(step_text(step) for step in steps)


class CallTransitions(Sending):
    """Each may be sent twice, and is answered the same."""

    async def accept_call(
        self, call_id: str, *, kind: str = "adapter", max_wait_ms: int, meta: str = "{}", tier: str = "standard"
    ) -> Routed:
        """A call is here, not routed yet. Raises SiteFull."""
        words = await self._run(
            "accept_call", call_id=call_id, kind=KINDS[kind], max_wait_ms=str(max_wait_ms), meta=meta, tier=tier
        )
        if words[0] == "FULL":
            raise errors.SiteFull
        return Routed(words[0] == "OK", words[1])

    async def route_call(
        self,
        call_id: str,
        ladder: Ladder,
        *,
        plan_version: str,
        kind: str = "api",
        identity: str = "",
        last_agent: str = "",
        meta: str = "{}",
        why: str = "",
        tier: str = "standard",
        step: str = "",
        question_ms: int | None = None,
    ) -> Routed:
        """A call enters its ladder. Raises PlanMoved (make the ladder anew), SiteFull. `step`: as in `choose`.

        `question_ms`: how long the owner-busy question stands, where not as long as the site's timing says.
        """
        await self.know_lanes(ladder.steps)
        words = await self._run(
            "route_call",
            call_id=call_id,
            kind=KINDS[kind],
            tier=tier,
            head_start_ms=str(ladder.head_start_ms),
            max_wait_ms=str(ladder.max_wait_ms),
            ladder=ladder_text(ladder.steps),
            plan_version=plan_version,
            identity=quote(identity, safe=""),
            last_agent=last_agent,
            meta=meta,
            why=quote(why, safe=" ,;:@+-"),
            step=step,
            question_ms=str(self.timing.question_ms if question_ms is None else question_ms),
        )
        if words[0] in ("REPEAT", "LATE"):
            raise REFUSALS[words[0]]
        if words[0] == "PLAN_MOVED":
            raise errors.PlanMoved
        if words[0] == "FULL":
            raise errors.SiteFull
        if words[0] == "SEEN":
            return Routed(False, words[1])
        return Routed(True, words[1], words[2] or None, words[3] if words[2] else None)

    async def choose(self, call_id: str, choice: str, step: str = "") -> str:
        """Answers the owner-busy question with `wait` or `transfer`. Raises UnknownCall, ChoiceGone.

        Empty: not understood, so the question stands once more, then the plan's default holds.
        `step`: the carrier's request that says so; raises StepRepeated, StepGone then, too.
        """
        words = await self._run("choose", call_id=call_id, choice=choice, step=step)
        if words[0] == "CHOICE_GONE":
            raise errors.ChoiceGone
        return self._state(words)

    async def keep_place(
        self,
        call_id: str,
        callback_id: str,
        *,
        identity: str = "",
        meta: str = "{}",
        widen: bool = False,
        number: str = "",
        a_day: int = 10,
        step: str = "",
    ) -> str:
        """Ends a waiting call and puts its callback into the same place. Raises UnknownCall, WrongState.

        `number`: digits of whom it will dial, where dials are counted: CallbackOpen, CallbackLimit by `a_day`.
        `step`: as in `choose`.
        """
        words = await self._run(
            "keep_place",
            call_id=call_id,
            callback_id=callback_id,
            identity=quote(identity, safe=""),
            meta=meta,
            widen="1" if widen else "",
            number=number,
            a_day=str(a_day),
            step=step,
        )
        return self._state(words)

    async def call_back(
        self, call_id: str, callback_id: str, *, widen: bool = False, a_day: int = 10, step: str = ""
    ) -> str:
        """The caller's own wish: out of the line, or after being sent away. Raises UnknownCall, WrongState.

        `a_day`: how often one number is dialled in a day; who may not have another stays where they are.
        `step`: as in `choose`.
        """
        words = await self._run(
            "call_back",
            call_id=call_id,
            callback_id=callback_id,
            widen="1" if widen else "",
            a_day=str(a_day),
            step=step,
        )
        return self._state(words)

    async def take_step(self, call_id: str, step: str) -> None:
        """A carrier's request is answered now. Raises StepRepeated, StepGone."""
        words = await self._run("take_step", call_id=call_id, step=step)
        if words[0] in REFUSALS:
            raise REFUSALS[words[0]]

    async def view_call(self, call_id: str, step: str = "") -> CallView | None:
        """A call with all that is said of it, in one read; None when there is none. `step`: as in `choose`."""
        words = await self._run("view_call", call_id=call_id, step=step)
        if words[0] == "OK":
            return CallView.parse(call_id, " ".join(words[1:]).split("\n"))
        if words[0] == "UNKNOWN":
            return None
        raise REFUSALS[words[0]]

    async def accept_offer(self, call_id: str, agent_id: str, offer_id: str, step: str = "") -> str:
        """The agent takes the call; `agent_id` empty: whoever's leg it is. Raises OfferGone. `step`: as in `choose`."""
        words = await self._run("accept_offer", call_id=call_id, agent_id=agent_id, offer=offer_id, step=step)
        return self._state(words)

    async def decline_offer(
        self,
        call_id: str,
        agent_id: str,
        offer_id: str,
        cause: str = "declined",
        *,
        reason: str = "",
        only_in: str = "",
        step: str = "",
    ) -> str:
        """The agent does not take it; the caller looks again at once. Raises OfferGone.

        `reason`: the agent's own words. `only_in`: states in which it is meant (`o` not yet taken, `b` taken; a
        callback's customer whose telephone rings is `d`); empty: all. `step`: as in `choose`.
        """
        words = await self._run(
            "decline_offer",
            call_id=call_id,
            agent_id=agent_id,
            offer=offer_id,
            cause=cause,
            reason=_written(reason),
            only_in=only_in,
            step=step,
        )
        return self._state(words)

    async def fail_leg(self, call_id: str, offer_id: str, cause: str, *, only_in: str = "") -> str:
        """The agent's leg could not be reached or was lost: busy, no_answer, declined, device, network, bridge."""
        return await self.decline_offer(call_id, "", offer_id, cause, only_in=only_in)

    async def give_back(self, call_id: str, offer_id: str, cause: str) -> str:
        """In the agent's name: a callback whose customer is being dialled goes back into the line as well."""
        return await self.decline_offer(call_id, "", offer_id, cause, only_in="obd")

    async def lose_leg(self, call_id: str, offer_id: str, cause: str) -> str:
        """The agent's leg broke in mid-talk by device or network: the caller waits again. Raises OfferGone."""
        return self._state(await self._run("lose_leg", call_id=call_id, offer=offer_id, cause=cause))

    async def hear_offer(self, call_id: str, offer_id: str, step: str = "") -> str:
        """The agent's telephone was picked up: the offer lasts anew. Raises OfferGone. `step`: as in `choose`."""
        return self._state(await self._run("hear_offer", call_id=call_id, offer=offer_id, step=step))

    async def connect_call(self, call_id: str, offer_id: str, step: str = "") -> str:
        """The bridge is up, or the dialled customer has answered. Raises OfferGone. `step`: as in `choose`."""
        return self._state(await self._run("connect_call", call_id=call_id, offer=offer_id, step=step))

    async def amend_call(self, call_id: str, facts: Mapping[str, object], step: str = "") -> None:
        """Adds to a call's cold facts, whoever else does so meanwhile. Raises UnknownCall. `step`: as in `choose`."""
        text = json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"))
        words = await self._run("amend_call", call_id=call_id, facts=text[1:-1], step=step)
        if words[0] in REFUSALS:
            raise REFUSALS[words[0]]

    async def complete_call(
        self,
        call_id: str,
        *,
        offer_id: str | None = None,
        agent_id: str | None = None,
        result: str = "",
        step: str = "",
    ) -> str:
        """The talk is over. Raises UnknownCall, OfferGone, WrongState. `step`: as in `choose`."""
        words = await self._run(
            "complete_call",
            call_id=call_id,
            agent_id=agent_id or "",
            offer=offer_id or "",
            result=quote(result, safe=""),
            step=step,
        )
        return self._state(words)

    async def transfer_call(
        self, call_id: str, offer_id: str, ladder: Ladder, *, plan_version: str, note: str = ""
    ) -> str:
        """The caller goes on to another agent or group. Raises UnknownCall, OfferGone, PlanMoved."""
        await self.know_lanes(ladder.steps)
        words = await self._run(
            "transfer_call",
            call_id=call_id,
            offer=offer_id,
            ladder=ladder_text(ladder.steps),
            max_wait_ms=str(ladder.max_wait_ms),
            plan_version=plan_version,
            note=_written(note),
        )
        return self._state(words)

    async def abandon_call(self, call_id: str, cause: str = "hangup", step: str = "") -> str:
        """The caller is gone (`hangup`, `failed`). Raises UnknownCall. `step`: as in `choose`."""
        return self._state(await self._run("abandon_call", call_id=call_id, cause=cause, why="", step=step))

    async def withdraw_call(self, call_id: str, *, by: str = "", why: str = "") -> str:
        """A supervisor takes a waiting call out. Raises UnknownCall, WrongState."""
        words = await self._run("abandon_call", call_id=call_id, cause=f"withdrawn|by={by}", why=_written(why))
        return self._state(words)

    async def cancel_callback(self, callback_id: str) -> str:
        """A callback that has not been connected is cancelled. Raises UnknownCall, WrongState."""
        return await self.abandon_call(callback_id, "cancelled")

    async def boost_call(self, call_id: str, head_start_ms: int, *, by: str, why: str = "") -> str:
        """Sets the head start of a waiting call anew. Raises UnknownCall, WrongState."""
        words = await self._run(
            "boost_call", call_id=call_id, head_start_ms=str(head_start_ms), by=by, why=_written(why)
        )
        return self._state(words)

    async def assign_call(self, call_id: str, agent_id: str, *, by: str, why: str = "") -> str:
        """Gives a waiting call to one agent. Raises UnknownCall, UnknownAgent, WrongState, AgentAway."""
        words = await self._run("assign_call", call_id=call_id, agent_id=agent_id, by=by, why=_written(why))
        if words[0] == "AWAY":
            raise errors.AgentAway
        return self._state(words)

    async def reladder_call(
        self, call_id: str, steps: Sequence[Step], *, enter_now: bool, at_step: str, plan_version: str
    ) -> bool:
        """Gives a call in line the steps of a new plan; False: it moved on meanwhile, ask again."""
        await self.know_lanes(steps)
        words = await self._run(
            "reladder_call",
            call_id=call_id,
            ladder=ladder_text(steps),
            enter_now="1" if enter_now else "",
            at_step=at_step,
            plan_version=plan_version,
        )
        if words[0] == "PLAN_MOVED":
            raise errors.PlanMoved
        return words[0] != "MOVED"
