"""Carries requests out on the model, and on an engine if there is one, and looks at everything after each."""

from __future__ import annotations

from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from router.domain.ladder import Timing
from tests.support.drivers import ModelDriver, Request, outcome
from tests.support.engine_driver import EngineDriver
from tests.support.invariants import change_violations, end_violations, state_violations
from tests.support.projection import Projection
from tests.support.sample_site import DAY
from tests.support.snapshot import LEASED, Snapshot, differences

T = TypeVar("T")

START = 1_700_000_000_000
"""Virtual ms since the epoch at which every history begins."""


class Watching(RuleBasedStateMachine):
    """One site at virtual time `now`. `site` is what the model shows; `seen` are all leases (call, agent, offer)."""

    model: ModelDriver
    site: Snapshot

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.engine: EngineDriver | None = None
        self.log: list[str] = []
        self.seen: list[tuple[str, str, str]] = []
        self.last: tuple[int, Request] | None = None
        self.stream = Projection()
        self.wrote = False
        self.failed = False

    def engine_for(self, timing: Timing) -> EngineDriver | None:
        """What runs beside the model; the base class runs the model alone."""
        return None

    def begin(self, timing: Timing) -> None:
        self.model, self.engine = ModelDriver(timing), self.engine_for(timing)
        self.site = self.model.snapshot(self.now)

    # -- carrying out and looking ----------------------------------------------------------------------------------

    def do(self, name: str, *args: Any, **options: Any) -> None:
        self.carry_out(Request(name, args, options))

    def carry_out(self, request: Request) -> None:
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
        events, found = engine.new_events(), engine.snapshot(self.now)
        self.right(differences(self.site, engine.named_like(self.site, found)))
        self.right(self.stream.read(events))
        self.right(self.stream.errors(found))
        if expected != "ok":
            self.right([f"refused, yet it wrote {event}" for event in events])
        self.wrote = bool(events)

    def right(self, wrong: list[str]) -> None:
        self.failed = bool(wrong)
        assert not wrong, "\n".join([*wrong, "after", *self.log])

    # -- time ------------------------------------------------------------------------------------------------------

    def due(self) -> list[tuple[int, str]]:
        found = set(self.model.due())
        if self.engine:
            found |= set(self.engine.due())
        return sorted(found)

    def pass_time(self, ms: int) -> None:
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

    def teardown(self) -> None:
        """Everybody hangs up, every timer runs: nothing is left."""
        if self.failed or not self.log:
            return
        for _ in range(len(self.site.calls)):
            for call_id, call in self.site.calls.items():
                if call.state != "e":
                    self.do("abandon_call", call_id)
        self.pass_time(DAY)
        self.right(end_violations(self.site))
        if self.engine:
            self.right(self.engine.left_over())

    # -- choosing --------------------------------------------------------------------------------------------------

    def calls_in(self, *states: str) -> list[str]:
        return [name for name, call in self.site.calls.items() if call.state in states]

    def agents_in(self, *states: str) -> list[str]:
        return [name for name, agent in self.site.agents.items() if agent.state in states]

    def lease(self, number: int, *states: str) -> tuple[str, str, str]:
        """The lease of a call in one of these states."""
        name = _one_of(self.calls_in(*states), number)
        return name, self.site.calls[name].agent, self.site.calls[name].offer

    def call(self, number: int, *states: str) -> str:
        return _one_of(self.calls_in(*states), number)

    def any_call(self, number: int) -> str:
        """Any call there ever was, or one nobody knows."""
        return _one_of([*self.site.calls, "ghost"], number)

    def any_lease(self, number: int) -> tuple[str, str, str]:
        """Any lease there ever was, the latest first, or one that never was.

        Every other time an old one of a pair that hold each other again, if there is such a pair.
        """
        leased = {(name, call.agent): call.offer for name, call in self.site.calls.items() if call.state in LEASED}
        again = [lease for lease in self.seen if leased.get(lease[:2], lease[2]) != lease[2]]
        return _one_of(again if again and number % 2 else [*self.seen, ("ghost", "ann", "1-1")][::-1], number)


def _one_of(things: list[T], number: int) -> T:
    return things[number % len(things)]
