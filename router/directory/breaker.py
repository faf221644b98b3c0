"""Leaves a failing neighbour alone for a while, then asks it one question. Pure but for the clock it is given."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Open after `failures` in a row; after `rest_s` one probe may pass, and its outcome decides."""

    def __init__(self, failures: int, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failed = 0
        self._closed_again = 0.0

    @property
    def is_open(self) -> bool:
        return self._failed >= self._limit

    def allow(self) -> bool:
        """Whether to ask now. Asking while open is the probe: nobody else may until the rest has passed once more."""
        if not self.is_open:
            return True
        if self._clock() < self._closed_again:
            return False
        self._closed_again = self._clock() + self._rest_s
        return True

    def succeeded(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        if self.is_open:
            self._closed_again = self._clock() + self._rest_s
