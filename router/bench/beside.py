"""What requests cost beside a floor's: each block stands between two of a handler that only reads the same.

Every block is sent by another process; what counts is the CPU of the one that serves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from router.bench.carrier import Requests
from router.bench.serving import Sender


class Play(Protocol):
    """What is measured: prepared once, then every step once a round."""

    async def open(self) -> None: ...

    async def round(self, number: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Floor:
    """The port where it is served, and what it answers. `requests`: what it is sent; None: the same as is measured."""

    port: int
    answer: bytes
    requests: Requests | None = None


class Beside:
    """Blocks by step, sent to `port` and to the floor around it."""

    def __init__(self, sender: Sender, port: int, floor: Floor, steps: Iterable[str]) -> None:
        self._sender, self._port, self._floor = sender, port, floor
        self._floors: list[float] = []
        self._found: dict[str, list[float]] = {step: [] for step in steps}

    async def block(self, step: str, requests: Requests, expected: bytes, status: int = 200) -> None:
        """One block of a step; raises when it is not answered as expected."""
        before = await self._floor_block(requests)
        cost = await self._sender.cpu(self._port, requests, expected, status)
        after = await self._floor_block(requests)
        self._floors += [before, after]
        self._found[step].append(2 * cost / (before + after))

    async def ratios(self, play: Play, rounds: int) -> dict[str, float]:
        """Step → its CPU ÷ the floor's around it, the median of so many rounds; and `floor`, µs.

        A round before them does everything for the first time, and its ratios do not count.
        """
        await play.open()
        gc.freeze()  # as a serving process does when it has started
        for number in range(rounds + 1):
            await play.round(number)
        return {step: median(found[1:]) for step, found in self._found.items()} | {"floor": median(self._floors)}

    async def _floor_block(self, requests: Requests) -> float:
        return await self._sender.cpu(self._floor.port, self._floor.requests or requests, self._floor.answer)
