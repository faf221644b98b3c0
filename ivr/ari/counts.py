"""How often what happened on the lines of a site, in one process. What was turned away is among its metrics too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable


class Counts(Counter[str]):
    """Words → how often. `turned_away` is told a word for everything that was refused or ignored."""

    def __init__(self, turned_away: Callable[[str], None] = lambda cause: None) -> None:
        super().__init__()
        self._turned_away = turned_away

    def refuse(self, cause: str) -> None:
        """`rubbish`, `cut`, `slowed`, `foreign`, `login`, `full`."""
        self[cause] += 1
        self._turned_away(cause)
