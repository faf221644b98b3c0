"""Does a lifecycle cost more where more calls wait, more agents serve, or the stream is longer?"""

from __future__ import annotations

from router.bench.crowd import clone_calls, lengthen_stream
from router.bench.server import BenchServer
from router.bench.site import KEEPING, BenchSite

# Small blocks, for a team and a line of a hundred; what a lifecycle costs in them is a little more than in long ones.
WARM, TIMED = 50, 50
WAITING = (100, 10_000, 1_000_000)
AGENTS = (100, 1_000, 100_000)
ENTRIES = (1_000, 1_000_000)
FEW_AGENTS, FEW_WAITING = 500, 1_000


async def line_of(server: BenchServer, waiting: int) -> BenchSite:
    return await _site(server, f"waiting{waiting}", FEW_AGENTS, waiting)


async def team_of(server: BenchServer, agents: int) -> BenchSite:
    return await _site(server, f"agents{agents}", agents, FEW_WAITING)


async def stream_of(server: BenchServer, entries: int) -> BenchSite:
    site = await _site(server, f"entries{entries}", 100, 100)
    site.run([["XTRIM", site.keys.events, "MAXLEN", "100"]])
    lengthen_stream(site, entries)
    return site


async def _site(server: BenchServer, name: str, agents: int, waiting: int) -> BenchSite:
    site = BenchSite(server, name, meta="{}")
    await site.open(agents)
    site.occupy(KEEPING)
    clone_calls(site, waiting)
    return site
