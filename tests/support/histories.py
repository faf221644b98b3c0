"""Random histories of callers, agents, clicks and timers: after each request the site must be right.

Run against the model alone this tries the specification; with an engine beside it, both must stay equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from router.domain.ladder import Ladder, Profile, Step, Timing
from tests.support.drivers import ModelDriver, Request, outcome
from tests.support.engine_driver import EngineDriver
from tests.support.invariants import change_violations, end_violations, state_violations
from tests.support.projection import Projection
from tests.support.sample_site import (
    AGENTS,
    GROUPS,
    IDENTITIES,
    MINUTE,
    PROFILES,
    ladders,
    steps,
    targets,
    timings,
)
from tests.support.snapshot import LEASED, STANDING, Snapshot, differences

START = 1_700_000_000_000
"""Virtual ms since the epoch at which every history begins."""

picks = st.integers(0, 7)
agents = st.sampled_from(AGENTS)
causes = st.sampled_from(["busy", "no_answer", "declined", "device", "network"])


class Histories(RuleBasedStateMachine):
    """One site, its requests in any order, most of them sensible, some hostile."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.log: list[str] = []
        self.seen: list[tuple[str, str, str]] = []
        self.last: tuple[int, Request] | None = None
        self.stream = Projection()
        self.wrote = False
        self.failed = False
        self.arrivals = self.ladders = 0
        self.version = 0

    def engine_for(self, timing: Timing) -> EngineDriver | None:
        """What runs beside the model; the base class runs the model alone."""
        return None

    # -- carrying out and looking ----------------------------------------------------------------------------------

    @initialize(timing=timings(), staff=st.lists(st.sampled_from(PROFILES), min_size=3, max_size=5))
    def open_the_site(self, timing: Timing, staff: list[Profile]) -> None:
        self.model = ModelDriver(timing)
        self.engine = self.engine_for(timing)
        self.site = self.model.snapshot(self.now)
        self.do("set_plan", "0", {})
        for agent, profile in zip(AGENTS, staff, strict=False):
            self.do("put_agent", agent, profile)
            self.do("agent_ready", agent)

    def do(self, name: str, *args: Any, **options: Any) -> None:
        self.carry_out(Request(name, args, options))

    def carry_out(self, request: Request) -> None:
        """Send one request to both, then look at everything."""
        result, before = outcome(self.model, request, self.now), self.site
        self.log.append(f"{self.now - START:>9} {request} -> {result}")
        self.last = (self.now, request)
        self.site = self.model.snapshot(self.now)
        assigned = request.args[0] if request.name == "assign_call" else ""
        self.right(state_violations(self.site) + change_violations(before, self.site, assigned))
        for call_id, call in self.site.calls.items():
            if call.state in LEASED and (call_id, call.agent, call.offer) not in self.seen:
                self.seen.append((call_id, call.agent, call.offer))
        if self.engine:
            self.compare(self.engine, request, result)

    def compare(self, engine: EngineDriver, request: Request, expected: str) -> None:
        """The engine answers and is as the model; its stream tells what it did, and nothing of what it refused."""
        answer = outcome(engine, request, self.now)
        self.right([] if answer == expected else [f"the model says {expected}, the engine {answer}"])
        found, events = engine.snapshot(self.now), engine.new_events()
        self.right(differences(self.site, engine.named_like(self.site, found)))
        try:
            self.stream.read(events)
        except KeyError:
            self.right([f"the stream cannot be followed: {events}"])
        self.right(self.stream.errors(found))
        if expected != "ok":
            self.right([f"refused, yet it wrote {event}" for event in events])
        self.wrote = bool(events)

    def right(self, wrong: list[str]) -> None:
        self.failed = bool(wrong)
        assert not wrong, "\n".join([*wrong, "after", *self.log])

    def due(self) -> list[tuple[int, str]]:
        found = set(self.model.due())
        if self.engine:
            found |= set(self.engine.due())
        return sorted(found)

    def pick(self, number: int, *states: str) -> str:
        """A call in one of these states; if there is none any call; if there is none an unknown one."""
        every = list(self.site.calls)
        fitting = [name for name in every if self.site.calls[name].state in states] or every or ["ghost"]
        return fitting[number % len(fitting)]

    def pick_offer(self, number: int, stale: bool, *states: str) -> tuple[str, str, str]:
        """A standing lease of a call in one of these states, or any that ever was."""
        live = [seen for seen in self.seen if self.site.calls[seen[0]].offer == seen[2]]
        fitting = [seen for seen in live if self.site.calls[seen[0]].state in states]
        offers = self.seen if stale else fitting or live or self.seen
        return offers[-1 - number % len(offers)] if offers else ("ghost", "ann", "1-1")

    def new_id(self) -> str:
        self.arrivals += 1
        return f"call-{self.arrivals}"

    # -- callers ---------------------------------------------------------------------------------------------------

    @rule(
        ladder=ladders(),
        identity=st.sampled_from(IDENTITIES),
        kind=st.sampled_from(["api", "api", "adapter"]),
        last_agent=st.sampled_from(["", "", *AGENTS]),
    )
    def caller_arrives(self, ladder: Ladder, identity: str, kind: str, last_agent: str) -> None:
        self.do(
            "route_call",
            self.new_id(),
            ladder,
            kind=kind,
            plan_version=str(self.version),
            identity=identity,
            last_agent=last_agent,
        )

    @rule(number=picks, ladder=ladders(), version=st.sampled_from([0, 0, -1]), identity=st.sampled_from(IDENTITIES))
    def caller_is_routed(self, number: int, ladder: Ladder, version: int, identity: str) -> None:
        call, plan = self.pick(number, "g"), str(self.version + version)
        if call == "ghost" or self.site.calls[call].state != "g":
            call = self.new_id() if version else call
        self.do("route_call", call, ladder, kind="adapter", plan_version=plan, identity=identity)

    @rule(max_wait_ms=st.sampled_from([5_000, 30 * MINUTE]))
    def caller_is_greeted(self, max_wait_ms: int) -> None:
        self.do("accept_call", self.new_id(), kind="adapter", max_wait_ms=max_wait_ms)

    @rule(number=picks, choice=st.sampled_from(["transfer", "wait", "wait"]))
    def caller_chooses(self, number: int, choice: str) -> None:
        self.do("choose", self.pick(number, "q"), choice)

    @rule(number=picks, widen=st.booleans(), asked=st.booleans())
    def caller_keeps_the_place(self, number: int, widen: bool, asked: bool) -> None:
        call = self.pick(number, *("q" if asked else STANDING))
        self.do("keep_place", call, f"{call}-back", widen=widen)

    @rule(number=picks, states=st.sampled_from(["wq", "wq", "ob", "c", "g", "e"]))
    def caller_is_gone(self, number: int, states: str) -> None:
        self.do("abandon_call", self.pick(number, *states))

    # -- agents ----------------------------------------------------------------------------------------------------

    @rule(agent=agents)
    def agent_is_ready(self, agent: str) -> None:
        self.do("agent_ready", agent)

    @rule(agent=agents, state=st.sampled_from(["break", "offline"]))
    def agent_goes(self, agent: str, state: str) -> None:
        self.do("agent_away", agent, state)

    @rule(agent=agents)
    def agent_has_wrapped_up(self, agent: str) -> None:
        self.do("end_wrap_up", agent)

    @rule(agent=agents, profile=st.sampled_from(PROFILES))
    def agent_is_put(self, agent: str, profile: Profile) -> None:
        self.do("put_agent", agent, profile)

    @rule(agent=agents)
    def agent_is_deleted(self, agent: str) -> None:
        self.do("delete_agent", agent)

    @rule(number=picks, stale=st.booleans(), wrong_agent=st.integers(0, 9))
    def offer_is_accepted(self, number: int, stale: bool, wrong_agent: int) -> None:
        call, agent, offer = self.pick_offer(number, stale, "o")
        self.do("accept_offer", call, "eve" if wrong_agent == 9 else agent, offer)

    @rule(number=picks)
    def fresh_offer_is_accepted(self, number: int) -> None:
        self.do("accept_offer", *self.pick_offer(number, False, "o"))

    @rule(number=picks, stale=st.booleans())
    def offer_is_declined(self, number: int, stale: bool) -> None:
        self.do("decline_offer", *self.pick_offer(number, stale, "o"), "declined")

    @rule(number=picks, stale=st.booleans())
    def bridge_is_up(self, number: int, stale: bool) -> None:
        call, _, offer = self.pick_offer(number, stale, "b")
        self.do("connect_call", call, offer)

    @rule(number=picks, stale=st.booleans(), cause=causes, states=st.sampled_from(["o", "b", "c"]))
    def leg_fails(self, number: int, stale: bool, cause: str, states: str) -> None:
        call, _, offer = self.pick_offer(number, stale, states)
        self.do("fail_leg", call, offer, cause)

    @rule(number=picks, stale=st.booleans(), named=st.sampled_from(["offer", "agent", "both"]))
    def talk_is_over(self, number: int, stale: bool, named: str) -> None:
        call, agent, offer = self.pick_offer(number, stale, "c")
        self.do("complete_call", call, None if named == "agent" else offer, None if named == "offer" else agent)

    @rule(number=picks, stale=st.booleans(), ladder=targets())
    def caller_is_passed_on(self, number: int, stale: bool, ladder: Ladder) -> None:
        call, _, offer = self.pick_offer(number, stale, "c")
        self.do("transfer_call", call, offer, ladder, plan_version=str(self.version))

    # -- supervisors -----------------------------------------------------------------------------------------------

    @rule(number=picks, head_start_ms=st.sampled_from([0, 5 * MINUTE, 30 * MINUTE]))
    def call_is_boosted(self, number: int, head_start_ms: int) -> None:
        self.do("boost_call", self.pick(number, *STANDING), head_start_ms)

    @rule(number=picks, agent=agents)
    def call_is_assigned(self, number: int, agent: str) -> None:
        self.do("assign_call", self.pick(number, *STANDING), agent)

    @rule(number=picks)
    def call_is_withdrawn(self, number: int) -> None:
        self.do("withdraw_call", self.pick(number, *STANDING))

    @rule(number=picks)
    def callback_is_cancelled(self, number: int) -> None:
        callbacks = [name for name in self.site.calls if name.endswith("-back")] or [self.pick(number)]
        self.do("cancel_callback", callbacks[number % len(callbacks)])

    @rule(group=st.sampled_from(GROUPS), minutes=st.sampled_from([None, 1, 10]))
    def group_closes(self, group: str, minutes: int | None) -> None:
        self.do("close_group", group, None if minutes is None else self.now + minutes * MINUTE)

    @rule(group=st.sampled_from(GROUPS))
    def group_opens(self, group: str) -> None:
        self.do("open_group", group)

    @rule(keep=st.dictionaries(st.sampled_from(GROUPS), st.integers(0, 2)))
    def plan_is_published(self, keep: dict[str, int]) -> None:
        self.version += 1
        self.do("set_plan", str(self.version), keep)

    @rule(
        number=picks,
        ladder=steps(),
        same=st.integers(0, 3).map(lambda n: n == 3),
        enter_now=st.booleans(),
        age=st.sampled_from([0, 0, 1]),
    )
    def call_gets_new_steps(self, number: int, ladder: tuple[Step, ...], same: bool, enter_now: bool, age: int) -> None:
        """The plan's new steps for it, often the very steps it has left."""
        call, self.ladders = self.pick(number, *STANDING), self.ladders + 1
        at_step = self.site.calls[call].step if call in self.site.calls else ""
        fresh = tuple(replace(step, name=f"{step.name}{self.ladders}") for step in ladder)
        left = tuple(self.model.model.calls[call].steps) if call in self.site.calls else ()
        self.do("reladder_call", call, left if same else fresh, enter_now, at_step, str(self.version - age))

    # -- time and the machine --------------------------------------------------------------------------------------

    @rule(ms=st.sampled_from([1, 1_000, 10_000, 15_000, 20_000, 30_000, MINUTE, 5 * MINUTE]))
    def time_passes(self, ms: int) -> None:
        """Every deadline is run at its own time."""
        until = self.now + ms
        for _ in range(1_000):
            due = [entry for entry in self.due() if entry[0] <= until]
            if not due:
                break
            self.now = max(self.now, due[0][0])
            self.do("run_due", due[0][1], due[0][0])
        else:
            self.right([f"{due[0]} never ends"])
        self.now = until

    @rule(ms=st.sampled_from([1_000, 20_000, MINUTE]))
    def sweepers_are_late(self, ms: int) -> None:
        self.now += ms

    @rule()
    def process_and_server_are_replaced(self) -> None:
        if self.engine:
            self.engine.fail_over()

    @rule(number=picks)
    def one_deadline_is_run(self, number: int) -> None:
        """The first ones are sensible; later ones are not due, as if they were moved since they were read."""
        due = self.due()
        if due:
            at, member = due[number % len(due)]
            self.do("run_due", member, min(at, self.now))

    @precondition(lambda self: self.last is not None and self.last[0] == self.now)
    @rule()
    def last_request_is_repeated(self) -> None:
        """A client that lost the answer sends it again: nothing may change."""
        assert self.last is not None
        before, request = self.site, self.last[1]
        self.carry_out(request)
        self.right([f"repeating {request} changed the site"] if self.wrote or self.site != before else [])

    def teardown(self) -> None:
        """Everybody hangs up, every timer runs: nothing is left."""
        if self.failed or not self.log:
            return
        for _ in range(len(self.site.calls)):
            for call_id, call in self.site.calls.items():
                if call.state != "e":
                    self.do("cancel_callback" if _kept(self.site, call_id) else "abandon_call", call_id)
        self.time_passes(24 * 60 * MINUTE)
        self.right(end_violations(self.site))
        if self.engine:
            self.right(self.engine.left_over())


def _kept(site: Snapshot, call_id: str) -> bool:
    """A callback that nobody has dialled yet."""
    return call_id.endswith("-back") and site.calls[call_id].state in ("w", "o")
