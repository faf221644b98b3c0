"""What Prometheus is shown of a site: two hashes and the stream's state, read in one round trip, whoever is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from router.domain.events import AGENT_STATES
from router.metrics import definitions as d
from router.metrics.tally import split_field
from router.store.channel import ServerError
from router.store.keyspace import Keyspace
from router.store.reading import Pipelining
from router.store.script_loader import load_script

READ = load_script(Path(__file__).parent / "scripts" / "read_stream.lua")
METRICS_GROUP = "metrics"
OUTBOX_GROUP = "telephony"

Labels = tuple[str, ...]


@dataclass(slots=True)
class Reading:
    """One site at one moment. `values`: metric → labels → value; `histograms`: → buckets and sum."""

    site: str
    values: defaultdict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))
    histograms: defaultdict[str, dict[Labels, tuple[list[int], float]]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def put(self, metric: d.Metric, value: float, *labels: str) -> None:
        # What another version counted under other labels would look like the same series twice.
        if len(labels) == len(metric.labels):
            self.values[metric.name][labels] = value


async def read(connection: Pipelining, keys: Keyspace) -> Reading:
    """One round trip, of as many commands whatever waits. Raises what the connection raises."""
    hashes = [["HGETALL", keys.own("mt")], ["HGETALL", keys.own("mt:p")]]
    stream, shown, added = await connection.call_many([["EVALSHA", READ.sha, "1", keys.root], *hashes])
    if isinstance(stream, ServerError) and str(stream).startswith("NOSCRIPT"):
        stream, shown, added = await connection.call_many([["EVAL", READ.body, "1", keys.root], *hashes])
    for reply in (stream, shown, added):
        if isinstance(reply, Exception):
            raise reply
    _, now_ms, entries, overdue, *readers = stream
    reading = Reading(keys.site)
    for metric in d.ALWAYS_THERE:
        reading.put(metric, 0)
    for asked in ("directory", "crm"):
        reading.put(d.LOOKUPS_MISSED, 0, asked)
    lags = {name.decode(): int(owed) for name, owed in zip(readers[::2], readers[1::2], strict=True)}
    _shown(reading, _texts(shown), int(now_ms), int(now_ms) - lags.get(METRICS_GROUP, 0))
    _added(reading, _texts(added))
    reading.put(d.STREAM_LENGTH, int(entries))
    reading.put(d.OVERDUE, int(overdue) / 1000)
    reading.put(d.OUTBOX_LAG, lags.pop(OUTBOX_GROUP, 0) / 1000)
    reading.put(d.EVENT_LAG, max(lags.values(), default=0) / 1000)
    reading.put(d.METRICS_LAG, lags.get(METRICS_GROUP, 0) / 1000)
    return reading


def render(readings: Iterable[Reading]) -> bytes:
    """The text Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shown(list(readings)))
    return generate_latest(registry)


class _Shown(Collector):
    def __init__(self, readings: list[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for metric in d.ALL.values():
            family = _FAMILIES[metric.kind](metric)
            for reading in self._readings:
                if metric.kind == "histogram":
                    for labels, (buckets, total) in reading.histograms[metric.name].items():
                        family.add_metric((reading.site, *labels), _cumulative(metric, buckets), total)
                else:
                    for labels, value in reading.values[metric.name].items():
                        family.add_metric((reading.site, *labels), value)
            if family.samples:
                yield family


def _family(make: Callable[..., Any]) -> Callable[[d.Metric], Any]:
    return lambda metric: make(d.PREFIX + metric.name, metric.help, labels=("site", *metric.labels))


_FAMILIES: Mapping[str, Callable[[d.Metric], Any]] = {
    "counter": _family(CounterMetricFamily),
    "gauge": _family(GaugeMetricFamily),
    "histogram": _family(HistogramMetricFamily),
}


def _cumulative(metric: d.Metric, buckets: list[int]) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound, count in zip((*map(_spelled, metric.bounds), "+Inf"), buckets, strict=True):
        total += count
        found.append((bound, float(total)))
    return found


def _spelled(bound: float) -> str:
    return str(float(bound))


def _shown(reading: Reading, kept: Mapping[str, str], now_ms: int, counted_ms: int) -> None:
    """What the stream's reader wrote; of a wait and of a state it knows only the beginning.

    Time in a state is shown up to `counted_ms`, the first entry that was not counted: who left a state by it would be
    shown in it until it is counted, and then that time would be taken away again.
    """
    since: dict[str, tuple[float, float]] = {}
    for name_and_labels, text in kept.items():
        name, labels = split_field(name_and_labels)
        if name in _GAUGES:
            reading.put(_GAUGES[name], float(text or 0), *labels)
        elif name in _OLDEST:
            reading.put(_OLDEST[name], max(0.0, (now_ms - int(text)) / 1000) if text else 0.0, *labels)
        elif name in ("agents", "queue_agents"):
            metrics = d.AGENTS if name == "agents" else d.QUEUE_AGENTS
            reading.put(metrics[labels[0]], float(text or 0), *labels[1:])
        elif name == "agents_since":
            since[labels[0]] = (float(text or 0), float(kept.get(f"agents;{labels[0]}") or 0))
        elif name == "estimates":
            _estimates(reading, text, d.ESTIMATED, d.ESTIMATE_HITS, d.ESTIMATE_ERROR)
        elif name == "estimates_owner":
            _estimates(reading, text, d.OWNERS_ESTIMATED, d.OWNER_HITS, d.OWNER_ERROR)
        elif name == "targets":
            _targets(reading, text, d.TARGET_SECONDS, d.TARGET_RATIO)
        elif name == "tier_targets":
            _targets(reading, text, d.TIER_TARGET_SECONDS, d.TIER_TARGET_RATIO)
        elif name == "tiers":
            for tier, _, vip in (one.rpartition("=") for one in text.split()):
                reading.put(d.TIER_VIP, int(vip), tier)
        elif (metric := d.ALL.get(name)) is not None and metric.kind == "histogram":
            total, *buckets = text.split()
            if len(buckets) == len(metric.bounds) + 1:
                reading.histograms[name][labels] = ([int(count) for count in buckets], float(total))
        elif metric is not None:
            reading.put(metric, float(text), *labels)
    # The hash was read after the stream: it may contain what was still owed then.
    counted_ms = max(counted_ms, int((kept.get("last") or "0").partition("-")[0]))
    for state in AGENT_STATES.values():
        began, count = since.get(state, (0.0, 0.0))
        ms = float(kept.get(f"agents_ms;{state}") or 0) + count * counted_ms - began
        reading.put(d.AGENT_TIME[state], max(0.0, ms) / 1000)
        reading.values[d.AGENTS[state].name].setdefault((), 0.0)


def _added(reading: Reading, kept: Mapping[str, str]) -> None:
    """What the processes added up."""
    for name_and_labels, text in kept.items():
        name, labels = split_field(name_and_labels)
        metric = d.ALL.get(name)
        if metric is None:
            continue
        if metric.kind != "histogram":
            reading.put(metric, float(text), *labels)
            continue
        labels, part = labels[:-1], labels[-1]
        buckets, total = reading.histograms[name].get(labels) or ([0] * (len(metric.bounds) + 1), 0.0)
        if part == "sum":
            total = int(text) / 1e6
        else:
            buckets[int(part[1:])] = int(text)
        reading.histograms[name][labels] = (buckets, total)


def _estimates(reading: Reading, text: str, count: d.Metric, share: d.Metric, error: d.Metric) -> None:
    answers, hits, error_ms = map(int, text.split())
    reading.put(count, answers)
    if answers:
        reading.put(share, hits / answers)
        reading.put(error, error_ms / answers / 1000)


def _targets(reading: Reading, text: str, seconds: d.Metric, ratio: d.Metric) -> None:
    for target in text.split(" "):
        whose, within_ms, percent = target.rsplit("=", 2)
        reading.put(seconds, int(within_ms) / 1000, whose)
        reading.put(ratio, float(percent) / 100, whose)


_GAUGES = {
    "waiting": d.WAITING,
    "waiting_in_queue": d.QUEUE_WAITING,
    "waiting_in_step": d.STEP_WAITING,
    "callbacks_waiting": d.CALLBACKS_WAITING,
    "ringing": d.RINGING,
    "talking": d.TALKING,
}
_OLDEST = {"oldest_waiting": d.LONGEST, "oldest_waiting_in_queue": d.QUEUE_LONGEST}


def _texts(reply: Any) -> dict[str, str]:
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {key.decode(): value.decode() for key, value in pairs}
