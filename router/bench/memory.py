"""How many bytes of hot keys a waiting call takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.bench.server import BenchServer
from router.bench.site import KEEPING, BenchSite, desk_ladders

CALLS = 10_000


@dataclass(frozen=True, slots=True)
class PerCall:
    """Bytes a waiting call. `hot` by MEMORY USAGE of c:, l:, and its share of w: and t:.

    `all` is what the server's used memory grew by, the cold record, the event and the identity included.
    """

    hot: float
    all: float


async def per_waiting_call(server: BenchServer, name: str, lanes: int) -> PerCall:
    """Lines up ten thousand calls in so many lanes each, on a new site of this name."""
    site = BenchSite(server, name)
    await site.open(100)
    site.occupy(KEEPING)
    site.take(desk_ladders(lanes, KEEPING))
    shared = [site.keys.deadlines, *map(site.keys.lane, KEEPING)]
    before, used_before = _usage(site, shared), _used(server)
    calls = site.line_up(CALLS)
    hot = _usage(site, shared) - before
    hot += _usage(site, [key for call_id in calls for key in (site.keys.call(call_id), site.keys.steps(call_id))])
    return PerCall(hot / CALLS, (_used(server) - used_before) / CALLS)


def _usage(site: BenchSite, keys: Sequence[str]) -> int:
    return sum(size or 0 for size in site.server.pipe.run([["MEMORY", "USAGE", key, "SAMPLES", "0"] for key in keys]))


def _used(server: BenchServer) -> int:
    return int(server.info("memory")["used_memory"])
