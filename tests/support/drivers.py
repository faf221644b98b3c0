"""One request, two ways to carry it out: by the model, and by whatever else answers to `Driver`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from router.domain.errors import OfferGone, Refused, WrongState
from router.domain.ladder import Timing
from tests.support.model import Model
from tests.support.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Request:
    """An operation by its name in the engine. Offers are named as the model names them."""

    name: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [*map(repr, self.args), *(f"{key}={value!r}" for key, value in self.options.items())]
        return f"{self.name}({', '.join(words)})"


class ModelDriver:
    """The model behind the driver's interface."""

    def __init__(self, timing: Timing) -> None:
        self.model = Model(timing)

    def run(self, request: Request, now: int) -> None:
        self.model.now = now
        getattr(self.model, request.name)(*request.args, **request.options)

    def due(self) -> list[tuple[int, str]]:
        return self.model.due()

    def snapshot(self, now: int) -> Snapshot:
        self.model.now = now
        return self.model.snapshot()


class Driver(Protocol):
    """Carries requests out at a virtual time in ms; a refusal is raised."""

    def run(self, request: Request, now: int) -> None: ...


def outcome(driver: Driver, request: Request, now: int) -> str:
    """`ok`, or the refusal's name; which of two good reasons a late request hears first is left open."""
    try:
        driver.run(request, now)
    except Refused as refusal:
        return "gone" if isinstance(refusal, OfferGone | WrongState) else type(refusal).__name__
    return "ok"
