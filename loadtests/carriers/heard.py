"""How a carrier's requests to us went, told one by one to whoever keeps count."""

from __future__ import annotations

from typing import Literal, Protocol

Why = Literal["refused", "cut", "slow", "unable", "wrong"]
"""refused: nobody took the connection. cut: it ended without an answer. slow: no answer in time. unable: 5xx, come
again. wrong: anything else."""


class Heard(Protocol):
    """`page`: what was asked for. `began`: when, seconds since the epoch; it is over when this is told."""

    def answered(self, page: str, began: float, first: float | None = None) -> None:
        """`first`: when the first try began, if this was another."""
        ...

    def acted(self, page: str, began: float) -> None:
        """We did something about what we were told; nobody waits for it, and it says nothing of the store."""
        ...

    def missed(
        self, page: str, began: float, why: Why, *, given_up: bool = False, tried: float = 0.0, who: str = ""
    ) -> None:
        """A try failed. `given_up`: all have, since `began`, and none will follow; `tried`: when the last one began;
        `who`: the leg it was about.
        """
        ...
