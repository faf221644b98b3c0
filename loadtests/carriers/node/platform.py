"""The platform itself: its numbers, and the flow that every call runs through."""

from __future__ import annotations

from loadtests.carriers.node.flow import Flow
from loadtests.carriers.node.legs import PlatformLeg
from loadtests.carriers.node.lines import Lines
from loadtests.carriers.phones import Person


class FakePlatform(Lines):
    """`speed`: its seconds in one of ours."""

    def __init__(self, *, speed: float = 50.0) -> None:
        super().__init__(speed)
        self._nodes: dict[str, str] = {}

    def number(self, number: str, node: str) -> None:
        """Whose decisions the flow of a number asks for."""
        self._nodes[number] = node

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> PlatformLeg:
        """Somebody calls one of our numbers. `extra` is told with every question."""
        leg = PlatformLeg(
            from_number=from_number, to_number=to_number, person=person or Person(), extra=extra,
            node=self._nodes[to_number],
        )  # fmt: skip
        self.know(leg)
        self.start(Flow(self, leg).run())
        self.after(leg.person.hangs_up_after_s, self.hang_up, leg)
        return leg
