"""Who stands in which lane, kept in memory: how many calls are ahead of one. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable


class WaitingLines:
    """Calls by rank, the lowest first; those of equal rank by id. What is done twice is done once."""

    def __init__(self) -> None:
        self._lanes: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._places: dict[str, tuple[int, frozenset[str]]] = {}

    def join(self, call_id: str, rank: int, lanes: Iterable[str]) -> None:
        """The call stands in these lanes, and in no other, at this rank."""
        self.leave(call_id)
        self._places[call_id] = rank, frozenset(lanes)
        for lane in self._places[call_id][1]:
            insort(self._lanes[lane], (rank, call_id))

    def leave(self, call_id: str) -> None:
        """The call stands in no lane."""
        if call_id not in self._places:
            return
        rank, lanes = self._places.pop(call_id)
        for lane in lanes:
            line = self._lanes[lane]
            del line[bisect_left(line, (rank, call_id))]
            if not line:
                del self._lanes[lane]

    def ahead(self, lane: str, rank: int) -> int:
        """Calls of lower rank in a lane."""
        return bisect_left(self._lanes[lane], (rank, "")) if lane in self._lanes else 0
