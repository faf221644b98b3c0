"""What every far end can do: the same stories, the same demo and the same load run on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from loadtests.carriers.faults import Faults
from loadtests.carriers.phones import Leg, Person


class Carrier(Protocol):
    """`people`: who is at an endpoint or number we call. `speed`: the carrier's seconds in one of ours.

    `breaches` collects whatever the real one would refuse, and `running` fails on leaving when there are any.
    """

    faults: Faults
    speed: float
    breaches: list[str]
    listener: Callable[[Leg, str], None] | None

    @property
    def people(self) -> MutableMapping[str, Person]: ...

    @property
    def legs(self) -> Mapping[str, Leg]:
        """By the carrier's own id, oldest first."""
        ...

    def running(self) -> AbstractAsyncContextManager[Carrier]:
        """Open for calls; leaving it hangs everybody up."""
        ...

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> Leg:
        """Somebody calls one of our numbers. `extra` is the carrier's own way to vouch for them, and the like."""
        ...

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        ...

    async def fall_silent(self) -> None:
        """Nothing happens any more; to be called before those who are asked go away."""
        ...

    def leg_to(self, number: str) -> Leg:
        """The newest leg placed to a number or endpoint."""
        ...

    async def until_leg_to(self, number: str, count: int = 1, timeout_s: float = 10.0) -> Leg:
        """The newest leg to a number, once so many have been placed."""
        ...
