"""Random histories of callers, agents, clicks and timers: requests that fit what there is, and some that do not.

Run against the model alone this tries the specification; with an engine beside it, both must stay equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from router.domain.ladder import Ladder, Profile, Step, Timing
from tests.support.ordinary import ordinary_requests
from tests.support.sample_site import (
    AGENTS,
    GROUPS,
    IDENTITIES,
    KEEP_FREE,
    MINUTE,
    PROFILES,
    ladders,
    steps,
    targets,
    timings,
)
from tests.support.snapshot import LEASED, STANDING
from tests.support.watching import Watching

Rule = TypeVar("Rule", bound=Callable[..., None])

picks = st.integers(0, 7)
teams = st.lists(st.sampled_from(PROFILES), min_size=3, max_size=5)
stretches = st.lists(st.integers(0, 65_535), min_size=12, max_size=30)
rarely = st.integers(0, 5).map(lambda number: number == 5)
causes = st.sampled_from(["busy", "no_answer", "declined", "device", "network"])


def when_calls_are(*states: str) -> Callable[[Rule], Rule]:
    """The rule applies while there is a call in one of these states."""
    return precondition(lambda self: bool(self.calls_in(*states)))


def when_agents_are(*states: str) -> Callable[[Rule], Rule]:
    return precondition(lambda self: bool(self.agents_in(*states)))


class Histories(Watching):
    """What may happen at a call centre, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.arrivals = self.ladders = self.version = 0

    @initialize(timing=timings(), staff=teams, keep=KEEP_FREE, morning=stretches)
    def open_the_site(self, timing: Timing, staff: list[Profile], keep: dict[str, int], morning: list[int]) -> None:
        self.begin(timing)
        self.do("set_plan", "0", keep)
        for agent, profile in zip(AGENTS, staff, strict=False):
            self.do("put_agent", agent, profile)
            self.do("agent_ready", agent)
            self.now += 1
        self.day_goes_on(morning)

    @rule(stretch=stretches)
    def day_goes_on(self, stretch: list[int]) -> None:
        """Ordinary requests, one after the other, each one of those that fit."""
        for number in stretch:
            fitting = ordinary_requests(self.site, str(self.version), number // 256, self.arrivals)
            request = fitting[number % 256 % len(fitting)]
            if request.name == "pass_time":
                self.pass_time(*request.args)
            else:
                self.arrivals += request.name == "route_call"
                self.carry_out(request)

    @rule(stretch=stretches)
    def day_goes_on_further(self, stretch: list[int]) -> None:
        """Once more, so that it happens often."""
        self.day_goes_on(stretch)

    # -- callers ---------------------------------------------------------------------------------------------------

    @rule(
        ladder=ladders(),
        identity=st.sampled_from(IDENTITIES),
        kind=st.sampled_from(["api", "api", "adapter"]),
        last_agent=st.sampled_from(["", *AGENTS]),
        stale=rarely,
    )
    def caller_arrives(self, ladder: Ladder, identity: str, kind: str, last_agent: str, stale: bool) -> None:
        self.arrivals += 1
        known = {"plan_version": str(self.version - stale), "identity": identity, "last_agent": last_agent}
        self.do("route_call", f"call-{self.arrivals}", ladder, kind=kind, **known)

    @rule(max_wait_ms=st.sampled_from([5_000, 30 * MINUTE]))
    def caller_is_greeted(self, max_wait_ms: int) -> None:
        self.arrivals += 1
        self.do("accept_call", f"call-{self.arrivals}", kind="adapter", max_wait_ms=max_wait_ms)

    @when_calls_are("g")
    @rule(number=picks, ladder=ladders(), identity=st.sampled_from(IDENTITIES))
    def caller_is_recognised(self, number: int, ladder: Ladder, identity: str) -> None:
        version = str(self.version)
        self.do("route_call", self.call(number, "g"), ladder, kind="adapter", plan_version=version, identity=identity)

    @when_calls_are("q")
    @rule(number=picks, choice=st.sampled_from(["transfer", "wait", "wait"]))
    def caller_chooses(self, number: int, choice: str) -> None:
        self.do("choose", self.call(number, "q"), choice)

    @when_calls_are(*STANDING)
    @rule(number=picks, widen=st.booleans())
    def caller_keeps_the_place(self, number: int, widen: bool) -> None:
        call = self.call(number, *STANDING)
        self.do("keep_place", call, f"{call}-back", widen=widen)

    @when_calls_are(*STANDING)
    @rule(number=picks)
    def waiting_caller_is_gone(self, number: int) -> None:
        self.do("abandon_call", self.call(number, *STANDING))

    @rule(number=picks)
    def caller_is_gone(self, number: int) -> None:
        self.do("abandon_call", self.any_call(number))

    # -- agents ----------------------------------------------------------------------------------------------------

    @when_agents_are("x", "b", "w", "c")
    @rule(number=picks)
    def agent_comes(self, number: int) -> None:
        away = self.agents_in("x", "b", "w", "c")
        self.do("agent_ready", away[number % len(away)])

    @rule(agent=st.sampled_from(AGENTS), state=st.sampled_from(["break", "offline", "ready", "wrapped"]))
    def agent_says(self, agent: str, state: str) -> None:
        if state in ("break", "offline"):
            self.do("agent_away", agent, state)
        else:
            self.do("agent_ready" if state == "ready" else "end_wrap_up", agent)

    @rule(agent=st.sampled_from(AGENTS), profile=st.sampled_from(PROFILES))
    def agent_is_put(self, agent: str, profile: Profile) -> None:
        self.do("put_agent", agent, profile)

    @rule(agent=st.sampled_from(AGENTS))
    def agent_is_deleted(self, agent: str) -> None:
        self.do("delete_agent", agent)

    @when_calls_are("o")
    @rule(number=picks)
    def offer_is_accepted(self, number: int) -> None:
        self.do("accept_offer", *self.lease(number, "o"))

    @when_calls_are("o", "b")
    @rule(number=picks)
    def offer_is_declined(self, number: int) -> None:
        self.do("decline_offer", *self.lease(number, "o", "b"), "declined")

    @when_calls_are("o")
    @rule(number=picks)
    def telephone_is_picked_up(self, number: int) -> None:
        call, _, offer = self.lease(number, "o")
        self.do("hear_offer", call, offer)

    @when_calls_are("b")
    @rule(number=picks)
    def bridge_is_up(self, number: int) -> None:
        call, _, offer = self.lease(number, "b")
        self.do("connect_call", call, offer)

    @when_calls_are(*LEASED)
    @rule(number=picks, cause=causes)
    def leg_fails(self, number: int, cause: str) -> None:
        call, _, offer = self.lease(number, *LEASED)
        self.do("fail_leg", call, offer, cause)

    @when_calls_are("c")
    @rule(number=picks, named=st.sampled_from(["offer", "agent", "both"]))
    def talk_is_over(self, number: int, named: str) -> None:
        call, agent, offer = self.lease(number, "c")
        self.do("complete_call", call, None if named == "agent" else offer, None if named == "offer" else agent)

    @when_calls_are("c")
    @rule(number=picks, ladder=targets())
    def caller_is_passed_on(self, number: int, ladder: Ladder) -> None:
        call, _, offer = self.lease(number, "c")
        self.do("transfer_call", call, offer, ladder, plan_version=str(self.version))

    # -- supervisors -----------------------------------------------------------------------------------------------

    @when_calls_are(*STANDING)
    @rule(number=picks, head_start_ms=st.sampled_from([0, 5 * MINUTE, 30 * MINUTE]))
    def call_is_boosted(self, number: int, head_start_ms: int) -> None:
        self.do("boost_call", self.call(number, *STANDING), head_start_ms)

    @when_calls_are(*STANDING)
    @rule(number=picks, agent=st.sampled_from(AGENTS))
    def call_is_assigned(self, number: int, agent: str) -> None:
        self.do("assign_call", self.call(number, *STANDING), agent)

    @rule(number=picks, what=st.sampled_from(["withdraw_call", "cancel_callback"]))
    def call_is_taken_out(self, number: int, what: str) -> None:
        self.do(what, self.any_call(number))

    @rule(group=st.sampled_from(GROUPS), minutes=st.sampled_from([None, 1, 10]))
    def group_closes(self, group: str, minutes: int | None) -> None:
        self.do("close_group", group, None if minutes is None else self.now + minutes * MINUTE)

    @rule(group=st.sampled_from(GROUPS))
    def group_opens(self, group: str) -> None:
        self.do("open_group", group)

    @rule(keep=KEEP_FREE)
    def plan_is_published(self, keep: dict[str, int]) -> None:
        self.version += 1
        self.do("set_plan", str(self.version), keep)

    @when_calls_are(*STANDING, "o", "b")
    @rule(number=picks, ladder=steps(), same=rarely, enter_now=st.booleans(), stale=rarely)
    def call_gets_new_steps(
        self, number: int, ladder: tuple[Step, ...], same: bool, enter_now: bool, stale: bool
    ) -> None:
        """The new plan's steps for it, at times the very steps it has left."""
        call, self.ladders = self.call(number, *STANDING, "o", "b"), self.ladders + 1
        fresh = tuple(replace(step, name=f"{step.name}{self.ladders}") for step in ladder)
        left = tuple(self.model.model.calls[call].steps)
        at_step, version = self.site.calls[call].step, str(self.version - stale)
        self.do("reladder_call", call, left if same else fresh, enter_now, at_step, version)

    # -- late, repeated and mistaken requests, time, deaths --------------------------------------------------------

    @rule(number=picks, what=st.sampled_from(["accept", "decline", "hear", "connect", "fail", "complete", "transfer"]))
    def old_offer_is_clicked(self, number: int, what: str) -> None:
        call, agent, offer = self.any_lease(number)
        other = AGENTS[number % len(AGENTS)] if what in ("accept", "decline") and number > 5 else agent
        target = Ladder(0, (Step("last", ("general",)),), MINUTE)
        requests: dict[str, tuple[Any, ...]] = {
            "accept": ("accept_offer", call, other, offer),
            "decline": ("decline_offer", call, other, offer, "declined"),
            "hear": ("hear_offer", call, offer),
            "connect": ("connect_call", call, offer),
            "fail": ("fail_leg", call, offer, "device"),
            "complete": ("complete_call", call, offer, agent),
        }
        if what == "transfer":
            self.do("transfer_call", call, offer, target, plan_version=str(self.version))
        else:
            self.do(*requests[what])

    @rule(number=picks, what=st.sampled_from(["choose", "keep", "boost", "assign", "route"]))
    def request_comes_in_the_wrong_state(self, number: int, what: str) -> None:
        call = self.any_call(number)
        ladder = Ladder(0, (Step("last", ("general",)),), MINUTE)
        if what == "route" and call != "ghost":
            self.do("route_call", call, ladder, kind="adapter", plan_version=str(self.version))
        elif what == "keep":
            self.do("keep_place", call, f"{call}-back", widen=False)
        elif what == "boost":
            self.do("boost_call", call, 0)
        else:
            self.do(*(("choose", call, "wait") if what == "choose" else ("assign_call", call, "ann")))

    @precondition(lambda self: self.last is not None and self.last[0] == self.now)
    @rule()
    def last_request_is_repeated(self) -> None:
        """A client that lost the answer sends it again: nothing may change."""
        assert self.last is not None
        before, request = self.site, self.last[1]
        self.carry_out(request)
        self.right([f"repeating {request} changed the site"] if self.wrote or self.site != before else [])

    @rule(ms=st.sampled_from([1_000, 10_000, 20_000, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE]))
    def time_passes(self, ms: int) -> None:
        self.pass_time(ms)

    @rule(ms=st.sampled_from([1_000, 20_000, 2 * MINUTE]))
    def sweepers_are_late(self, ms: int) -> None:
        self.now += ms

    @rule(number=picks)
    def one_deadline_is_run(self, number: int) -> None:
        """The first ones are sensible; later ones are not due, as if they were moved since they were read."""
        due = self.due()
        if due:
            at, member = due[number % len(due)]
            self.do("run_due", member, min(at, self.now))

    @rule()
    def process_and_server_are_replaced(self) -> None:
        if self.engine:
            self.engine.fail_over()
