"""Paired rounds: a floor block before and after each block, the floor after one being the floor before the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from router.bench.pairing import Cost, Measured, Round, in_floors
from router.bench.server import TIMED, WARM, BenchServer


class Rounds:
    """Collects rounds by name; `warm` and `timed` are the calls of a block."""

    def __init__(self, server: BenchServer, warm: int = WARM, timed: int = TIMED) -> None:
        self.size = warm + timed
        self._floors: list[float] = []
        self._server = server
        self._warm = warm
        self._rounds: dict[str, list[Round]] = defaultdict(list)
        self._before: Cost | None = None

    def block(self, name: str, commands: Sequence[Sequence[str]]) -> list[Any]:
        """Measures one block of `size` commands; answers the replies."""
        before = self._before or self._floor()
        cost, replies = self._server.timed(commands, self._warm)
        self._before = self._floor()
        self._rounds[name].append(in_floors(cost, before, self._before))
        return replies

    def pause(self) -> None:
        """What comes between two blocks is long: the next block gets a floor of its own."""
        self._before = None

    def take(self) -> dict[str, Measured]:
        """All rounds so far but the first, in which caches and collector find their pace; then it starts anew."""
        measured = {name: Measured(tuple(rounds[1:])) for name, rounds in self._rounds.items()}
        self._rounds.clear()
        return measured

    @property
    def floor_usec(self) -> float:
        """Script time of the floor, µs."""
        return median(self._floors)

    def _floor(self) -> Cost:
        cost = self._server.timed_floor()
        self._floors.append(cost.script)
        return cost
