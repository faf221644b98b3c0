"""The engine: one typed method per script. Python decides what to ask; the scripts decide what happens.

Every method may raise ConnectionLost or TimedOut (store.channel); every transition is idempotent, so the caller may
send it again and gets the same answer. The engine does so itself, once, when a connection dies under it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

from router.domain import errors
from router.domain.ladder import Ladder, Profile, Step, Timing
from router.store.keyspace import Keyspace
from router.store.reading import Pipelining, Reading
from router.store.rows import CallView
from router.store.script_loader import Script, load_all, load_stepped
from router.store.wire import ConnectionLost, ServerError

HARD_LIMIT = 1_000_000
OFF_DUTY = {"break": "b", "offline": "x"}
KINDS = {"api": "j", "adapter": "a"}


@dataclass(slots=True)
class VirtualClock:
    """The time of a site created virtual (replay, tests), ms. Scripts never let it go back."""

    now_ms: int = 0


@dataclass(frozen=True, slots=True)
class Routed:
    """`created` False: the call was known already and nothing was changed."""

    created: bool
    letter: str
    agent_id: str | None = None
    offer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """Deadlines that have come: [(member, due ms)], and the first that has not, ms. `now_ms` is the site's clock."""

    now_ms: int
    entries: list[tuple[str, int]]
    next_ms: int | None


def step_text(step: Step) -> str:
    """One step as the scripts read it: `name;when busy;wait ms;max waiting;lane lane`."""
    busy = f"ask:{step.default_choice}" if step.when_busy == "ask" else step.when_busy or ""
    wait = "" if step.wait_ms is None else str(step.wait_ms)
    full = "" if step.max_waiting is None else str(step.max_waiting)
    return f"{step.name};{busy};{wait};{full};{' '.join(step.lanes)}"


def ladder_text(steps: Sequence[Step]) -> str:
    return "|".join(step_text(step) for step in steps)


class Engine(Reading):
    """One site's transitions over one connection."""

    def __init__(
        self,
        connection: Pipelining,
        keys: Keyspace,
        timing: Timing | None = None,
        clock: VirtualClock | None = None,
        hard_limit: int = HARD_LIMIT,
    ) -> None:
        self.connection = connection
        self.keys = keys
        self.clock = clock
        self.on_plan: Callable[[str], Awaitable[None]] | None = None
        self._scripts = load_all()
        self.loads = 0
        """Scripts that the server did not have when they were sent."""
        self._lanes: set[str] = set()
        self._hard_limit = str(hard_limit)
        self.timing = timing or Timing()

    @property
    def timing(self) -> Timing:
        return self._timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        self._timing = timing
        self._settings = {f.name: str(getattr(timing, f.name)) for f in fields(timing)}
        self._settings["hard_limit"] = self._hard_limit

    # ------------------------------------------------------------------ sending

    def command(self, name: str, given: Mapping[str, str]) -> list[str]:
        """The EVALSHA of a script, for those who pipeline (replay, bench). Arguments by their header's names."""
        script = self._script(name, given)
        settings = self._settings
        argv = [given[a] if a in given else self._time() if a == "clock" else settings[a] for a in script.arguments]
        return ["EVALSHA", script.sha, "1", self.keys.root, *argv]

    def _script(self, name: str, given: Mapping[str, str]) -> Script:
        """The script, or the one of the same name that takes the carrier's `step` first."""
        script = self._scripts[name]
        return load_stepped(name) if given.get("step") and "step" not in script.arguments else script

    def _time(self) -> str:
        return "" if self.clock is None else str(self.clock.now_ms)

    async def _run(self, name: str, **given: str) -> list[str]:
        """Sends one script; answers its words."""
        command = self.command(name, given)
        try:
            reply = await self.connection.call(*command)
        except Exception as error:
            reply = await self._once_more(error, command, self._script(name, given))
        words = self.words(reply)
        if words[0] == "NOT_VIRTUAL":
            raise errors.NotVirtual
        return words

    async def _once_more(self, error: Exception, command: list[str], script: Script) -> Any:
        """The connection died under it: over the next one, since every transition may be sent twice.

        NOSCRIPT (a restarted or new server): loads it and sends it again.
        """
        if type(error) is ConnectionLost:
            try:
                return await self.connection.call(*command)
            except ServerError as refusal:
                error = refusal
        if not str(error).startswith("NOSCRIPT"):
            raise error
        self._lanes.clear()
        self.loads += 1
        return await self.connection.call("EVAL", script.body, *command[2:])

    @staticmethod
    def words(reply: bytes) -> list[str]:
        """A script answers one line of words: building a list of them costs the server as much as a write."""
        return reply.decode().split(" ")

    async def load_scripts(self) -> None:
        """Puts every script into the server's cache."""
        for script in self._scripts.values():
            await self.connection.call("SCRIPT", "LOAD", script.body)

    async def make_virtual(self) -> None:
        """Makes this a virtual site; only before anything has happened on it."""
        await self.connection.call("SET", self.keys.virtual, "0", "NX")

    async def know_lanes(self, steps: Sequence[Step]) -> None:
        """Registers the lanes that this process has not seen registered yet."""
        for step in steps:
            for lane in step.lanes:
                if lane[0] != "@" and lane not in self._lanes:
                    await self._run("register_lane", lane=lane)
                    self._lanes.add(lane)

    # ------------------------------------------------------------------ calls

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
    ) -> Routed:
        """A call enters its ladder. Raises PlanMoved (make the ladder anew), SiteFull. `step`: as in `choose`."""
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
        )
        if words[0] in ("REPEAT", "LATE"):
            raise _REFUSALS[words[0]]
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
        step: str = "",
    ) -> str:
        """Ends a waiting call and puts its callback into the same place. Raises UnknownCall, WrongState.

        `step`: as in `choose`.
        """
        words = await self._run(
            "keep_place",
            call_id=call_id,
            callback_id=callback_id,
            identity=quote(identity, safe=""),
            meta=meta,
            widen="1" if widen else "",
            step=step,
        )
        return self._state(words)

    async def call_back(self, call_id: str, callback_id: str, *, widen: bool = False, step: str = "") -> str:
        """The caller's own wish: out of the line, or after being sent away. Raises UnknownCall, WrongState.

        `step`: as in `choose`.
        """
        words = await self._run(
            "call_back", call_id=call_id, callback_id=callback_id, widen="1" if widen else "", step=step
        )
        return self._state(words)

    async def take_step(self, call_id: str, step: str) -> None:
        """A carrier's request is answered now. Raises StepRepeated, StepGone."""
        words = await self._run("take_step", call_id=call_id, step=step)
        if words[0] in _REFUSALS:
            raise _REFUSALS[words[0]]

    async def view_call(self, call_id: str, step: str = "") -> CallView | None:
        """A call with all that is said of it, in one read; None when there is none. `step`: as in `choose`."""
        words = await self._run("view_call", call_id=call_id, step=step)
        if words[0] == "OK":
            return CallView.parse(call_id, " ".join(words[1:]).split("\n"))
        if words[0] == "UNKNOWN":
            return None
        raise _REFUSALS[words[0]]

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
            reason=quote(reason, safe=""),
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

    async def connect_call(self, call_id: str, offer_id: str, step: str = "") -> str:
        """The bridge is up, or the dialled customer has answered. Raises OfferGone. `step`: as in `choose`."""
        return self._state(await self._run("connect_call", call_id=call_id, offer=offer_id, step=step))

    async def amend_call(self, call_id: str, facts: Mapping[str, object], step: str = "") -> None:
        """Adds to a call's cold facts, whoever else does so meanwhile. Raises UnknownCall. `step`: as in `choose`."""
        text = json.dumps(dict(facts), ensure_ascii=False, separators=(",", ":"))
        words = await self._run("amend_call", call_id=call_id, facts=text[1:-1], step=step)
        if words[0] in _REFUSALS:
            raise _REFUSALS[words[0]]

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
            note=quote(note, safe=""),
        )
        return self._state(words)

    async def abandon_call(self, call_id: str, cause: str = "hangup", step: str = "") -> str:
        """The caller is gone (`hangup`, `failed`). Raises UnknownCall. `step`: as in `choose`."""
        return self._state(await self._run("abandon_call", call_id=call_id, cause=cause, step=step))

    async def withdraw_call(self, call_id: str, *, by: str = "", why: str = "") -> str:
        """A supervisor takes a waiting call out. Raises UnknownCall, WrongState."""
        return await self.abandon_call(call_id, f"withdrawn|by={by}|why={quote(why, safe='')}")

    async def cancel_callback(self, callback_id: str) -> str:
        """A callback that has not been connected is cancelled. Raises UnknownCall, WrongState."""
        return await self.abandon_call(callback_id, "cancelled")

    async def boost_call(self, call_id: str, head_start_ms: int, *, by: str, why: str = "") -> str:
        """Sets the head start of a waiting call anew. Raises UnknownCall, WrongState."""
        words = await self._run(
            "boost_call", call_id=call_id, head_start_ms=str(head_start_ms), by=by, why=quote(why, safe="")
        )
        return self._state(words)

    async def assign_call(self, call_id: str, agent_id: str, *, by: str, why: str = "") -> str:
        """Gives a waiting call to one agent. Raises UnknownCall, UnknownAgent, WrongState, AgentAway."""
        words = await self._run("assign_call", call_id=call_id, agent_id=agent_id, by=by, why=quote(why, safe=""))
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

    @staticmethod
    def _state(words: list[str]) -> str:
        """The state's letter, or the refusal the script's word stands for."""
        refusal = _REFUSALS.get(words[0])
        if refusal:
            raise refusal
        return words[1]

    # ------------------------------------------------------------------ agents and groups

    async def put_agent(self, agent_id: str, profile: Profile, card: str, expected: str = "") -> tuple[str, bool]:
        """Creates or changes an agent: (state's letter, created). `expected`: the card it was edited from, `-` absent.

        Raises StaleEdit."""
        words = await self._run("put_agent", agent_id=agent_id, profile=profile.text(), card=card, expected=expected)
        return self._state(words), words[2] == "1"

    async def delete_agent(self, agent_id: str, expected: str = "") -> None:
        """Raises UnknownAgent, AgentEngaged, StaleEdit."""
        words = await self._run("delete_agent", agent_id=agent_id, expected=expected)
        self._state([*(["UNKNOWN_AGENT"] if words[0] == "UNKNOWN" else words), ""])

    async def agent_ready(self, agent_id: str) -> str:
        """Raises UnknownAgent."""
        return self._agent_state(await self._run("agent_ready", agent_id=agent_id))

    async def agent_away(self, agent_id: str, state: str, reason: str = "") -> str:
        """`state`: break or offline. Raises UnknownAgent."""
        words = await self._run("agent_away", agent_id=agent_id, state=OFF_DUTY[state], reason=quote(reason, safe=""))
        return self._agent_state(words)

    async def end_wrap_up(self, agent_id: str) -> str:
        """Raises UnknownAgent."""
        return self._agent_state(await self._run("end_wrap_up", agent_id=agent_id))

    @staticmethod
    def _agent_state(words: list[str]) -> str:
        if words[0] == "UNKNOWN":
            raise errors.UnknownAgent
        return words[1]

    async def close_group(self, group: str, *, until_ms: int | None = None, by: str = "", message: str = "") -> None:
        """Its lanes have no agents until it opens; who waits there takes the next step or the exit."""
        until = "" if until_ms is None else str(until_ms)
        await self._run("close_group", group=group, until_ms=until, by=by, message=quote(message, safe=""))

    async def open_group(self, group: str, *, by: str = "") -> None:
        await self._run("open_group", group=group, by=by)

    async def set_plan(self, version: str, keep_free: Mapping[str, int], *, by: str = "") -> None:
        """From now on ladders made with another version are refused."""
        spec = " ".join(f"{group}={r}" for group, r in sorted(keep_free.items()) if r > 0)
        await self._run("set_plan", version=version, keep_free=spec, by=by)

    # ------------------------------------------------------------------ deadlines

    async def read_due(self, limit: int = 500) -> Due:
        """What has come due by the site's own clock, soonest first, ties by member, and when the next will."""
        _, now, following, *flat = await self._run("read_due", limit=str(limit))
        entries = [(flat[i], int(float(flat[i + 1]))) for i in range(0, len(flat), 2)]
        return Due(int(float(now)), entries, int(float(following)) if following else None)

    async def run_due(self, member: str, due_ms: int) -> None:
        """Runs the transition a deadline stands for; it re-checks, and a second run is a no-op."""
        if self.clock is not None:
            self.clock.now_ms = max(self.clock.now_ms, due_ms)
        kind, _, name = member.partition(":")
        if kind == "c":
            await self._run("expire_call", call_id=name)
        elif kind == "a":
            await self._run("expire_agent", agent_id=name)
        elif kind == "l":
            words = ["MORE", "-inf"]
            while words[0] == "MORE":
                words = await self._run("walk_lane", lane=name, after=words[1])
        elif kind == "g":
            await self._run("open_group", group=name, by="deadline")
        elif kind == "p":
            await (self.on_plan or self.end_walk)(name)

    async def end_walk(self, version: str) -> None:
        """Every waiting call has been shown this plan version."""
        await self._run("end_walk", version=version)

    async def run_until(self, now_ms: int) -> None:
        """Virtual time: runs all deadlines due by `now_ms`, each at its own time, then sets the clock there."""
        assert self.clock is not None
        while True:
            due = await self.read_due(1)
            if due.entries:
                await self.run_due(*due.entries[0])
            elif due.next_ms is not None and due.next_ms <= now_ms:
                self.clock.now_ms = due.next_ms
            else:
                break
        self.clock.now_ms = max(self.clock.now_ms, now_ms)


_REFUSALS: dict[str, type[errors.Refused]] = {
    "UNKNOWN": errors.UnknownCall,
    "UNKNOWN_AGENT": errors.UnknownAgent,
    "OFFER_GONE": errors.OfferGone,
    "WRONG_STATE": errors.WrongState,
    "PLAN_MOVED": errors.PlanMoved,
    "ENGAGED": errors.AgentEngaged,
    "STALE": errors.StaleEdit,
    "REPEAT": errors.StepRepeated,
    "LATE": errors.StepGone,
}
