"""The model with an opening scene of one line each, for its own stories."""

from __future__ import annotations

from typing import Any

from router.domain.ladder import Ladder, Profile, Step, Timing, WhenBusy
from tests.support.invariants import state_violations

from .agents import Model

SECOND, MINUTE = 1_000, 60_000
GENERAL, VIP = Profile({"general": 1}), Profile({"vip": 1})


class Stage(Model):
    """A site that begins empty, a thousand minutes after time began."""

    def __init__(self, timing: Timing | None = None) -> None:
        super().__init__(timing, now=1_000 * MINUTE)

    def staff(self, name: str, profile: Profile = GENERAL, *, ready: bool = True) -> None:
        self.put_agent(name, profile)
        if ready:
            self.agent_ready(name)

    def caller(self, name: str, *steps: Step, head_start_ms: int = 0, **options: Any) -> None:
        self.route_call(name, Ladder(head_start_ms, steps or (step("general"),), 30 * MINUTE), **options)

    def lease_of(self, name: str) -> tuple[str, str, str]:
        call = self.calls[name]
        return name, call.agent, call.offer

    def talk(self, name: str) -> None:
        self.accept_offer(*self.lease_of(name))

    def later(self, ms: int) -> None:
        """Time passes; every deadline is run at its own time, and the site stays right."""
        until = self.now + ms
        while self.due() and self.due()[0][0] <= until:
            at, member = self.due()[0]
            self.run_due(member, at)
            assert state_violations(self.snapshot()) == []
        self.now = until

    def at(self, name: str) -> tuple[str, str, str]:
        call = self.calls[name]
        return call.state, call.agent, call.outcome


def step(*lanes: str, wait_ms: int | None = None, max_waiting: int | None = None) -> Step:
    return Step(lanes[0], lanes, wait_ms, max_waiting)


def owner(name: str, when_busy: WhenBusy = "ask") -> Step:
    return Step("owner", (f"@{name}",), 10 * MINUTE, None, when_busy)
