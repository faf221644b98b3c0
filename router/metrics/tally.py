"""Counters and histograms as numbers that can be kept: a name with its labels → text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from router.metrics.definitions import ALL, Metric


class Tally:
    """`changed`: the fields that are another since somebody last emptied it."""

    def __init__(self, kept: Mapping[str, str] | None = None) -> None:
        self.counts: dict[str, int] = {}
        self.sums: dict[str, tuple[float, list[int]]] = {}
        self.changed: set[str] = set()
        for field, text in (kept or {}).items():
            self._load(field, text)

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        field = field_of(metric.name, *labels)
        self.counts[field] = self.counts.get(field, 0) + by
        self.changed.add(field)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """One measurement; the sum in the metric's unit."""
        field = field_of(metric.name, *labels)
        total, buckets = self.sums.get(field) or (0.0, [0] * (len(metric.bounds) + 1))
        buckets[bisect_left(metric.bounds, value)] += 1
        self.sums[field] = (total + value, buckets)
        self.changed.add(field)

    def text(self, field: str) -> str:
        """How a field is kept: a number, or a histogram's sum and buckets."""
        if field in self.counts:
            return str(self.counts[field])
        total, buckets = self.sums[field]
        return " ".join((f"{total:.3f}", *map(str, buckets)))

    def _load(self, field: str, text: str) -> None:
        metric = ALL.get(field.partition(";")[0])
        if metric is None:
            return  # another version's
        total, *buckets = text.split()
        if metric.kind == "histogram":
            if len(buckets) == len(metric.bounds) + 1:
                self.sums[field] = (float(total), [int(count) for count in buckets])
        else:
            self.counts[field] = int(float(total))


def field_of(name: str, *labels: str) -> str:
    return ";".join((name, *labels))


def split_field(field: str) -> tuple[str, tuple[str, ...]]:
    name, *labels = field.split(";")
    return name, tuple(labels)
