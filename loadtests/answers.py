"""What was asked of the service and how it went, as those who asked have seen it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from loadtests.carriers.heard import Why


@dataclass(frozen=True, slots=True)
class Miss:
    """One try that failed; with `given_up`, the whole request, which nobody makes again. Seconds since the epoch.

    `tried`: when the last try of it began, 0 for the only one; `who`: on whose behalf it was made, if a carrier's.
    """

    began: float
    ended: float
    what: str
    why: Why
    given_up: bool = False
    tried: float = 0.0
    who: str = ""

    @property
    def alone(self) -> bool:
        """There was one try, and none was to follow."""
        return self.tried in (0.0, self.began)

    @property
    def last_s(self) -> float:
        """How long its last try took."""
        return self.ended - (self.tried or self.began)


@dataclass
class Answers:
    """`answered`: (began, ended) of each. `dropped`: when a carrier gave a caller up for want of an answer, and whom.
    `hooks`: what a carrier asked for and how long all its tries took, ms, also where they were in vain; `fresh`: those
    of them that nobody has fetched.
    """

    answered: list[tuple[float, float]] = field(default_factory=list)
    missed: list[Miss] = field(default_factory=list)
    dropped: list[tuple[float, str]] = field(default_factory=list)
    hooks: list[tuple[str, float]] = field(default_factory=list)
    fresh: list[tuple[str, float]] = field(default_factory=list)

    def of(self, way: str) -> Ledger:
        """For one carrier's requests."""
        return Ledger(self, way)


class Ledger:
    """A `carriers.heard.Heard` that writes into the answers."""

    def __init__(self, answers: Answers, way: str) -> None:
        self._answers = answers
        self._way = way

    def answered(self, page: str, began: float, first: float | None = None) -> None:
        self._answers.answered.append((began, time.time()))
        self.acted(page, began if first is None else first)

    def acted(self, page: str, began: float) -> None:
        sample = (f"{self._way} {page}", (time.time() - began) * 1000)
        self._answers.hooks.append(sample)
        self._answers.fresh.append(sample)

    def missed(
        self, page: str, began: float, why: Why, *, given_up: bool = False, tried: float = 0.0, who: str = ""
    ) -> None:
        if given_up:
            self.acted(page, began)
        self._answers.missed.append(Miss(began, time.time(), f"{self._way} {page}", why, given_up, tried, who))
