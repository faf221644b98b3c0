"""How far a replay is, and how long it will still take: one line, redrawn, on a terminal only."""

from __future__ import annotations

import sys
import time
from typing import TextIO

REDRAW_S = 0.2


class Progress:
    """Counts the trace's events as they are played; silent unless `out` is a terminal."""

    def __init__(self, total: int, out: TextIO = sys.stderr) -> None:
        self.total = total
        self.done = 0
        self._out = out
        self._shown = out.isatty()
        self._started = self._drawn = time.monotonic()
        self._label = ""

    def label(self, text: str) -> None:
        """What is being played now."""
        self._label = text

    def advance(self, events: int = 1) -> None:
        self.done += events
        if self._shown and (now := time.monotonic()) - self._drawn >= REDRAW_S:
            self._drawn = now
            self._out.write(f"\r\x1b[K{self.line(now - self._started)}")
            self._out.flush()

    def line(self, elapsed: float) -> str:
        """`replaying March  43 %, 12 s left`; without a guess until something has been done."""
        share = min(1.0, self.done / self.total) if self.total else 1.0
        left = f", {_duration(elapsed / share - elapsed)} left" if share else ""
        return f"replaying {self._label}  {share:.0%}{left}"

    def close(self) -> None:
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
