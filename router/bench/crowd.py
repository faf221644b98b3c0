"""Fills a site: a million calls in line, a hundred thousand agents, a stream as long as it may get."""

from __future__ import annotations

from router.bench.site import KEEPING, BenchSite, desk_ladders

CHUNK = 1_000

# Each clone is what route_call made of the first caller of the lane, at a place of its own in the hour before.
CLONE_CALLS = """\
local site, template, lane, due = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
for i = 4, #ARGV, 2 do
  local id, rank = ARGV[i], ARGV[i + 1]
  for _, kind in ipairs({':c:', ':l:', ':m:'}) do redis.call('COPY', site .. kind .. template, site .. kind .. id) end
  redis.call('HSET', site .. ':c:' .. id, 'rk', rank)
  redis.call('ZADD', site .. ':w:' .. lane, rank, id)
  redis.call('ZADD', site .. ':t', due, 'c:' .. id)
end
"""
LENGTHEN = """\
local event = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][2][2]
for _ = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'e', event) end
"""
HOUR_OF_RANKS = 3_600_000_000


def clone_calls(site: BenchSite, waiting: int) -> None:
    """Lines up a call for each keeping desk by the script that serves; clones them until `waiting` stand in line."""
    site.take(desk_ladders(1, KEEPING))
    templates = site.line_up(len(KEEPING))
    clones = waiting - len(templates)
    for desk, template in zip(KEEPING, templates, strict=True):
        rank = int(site.run([["HGET", site.keys.call(template), "rk"]])[0])
        due = site.run([["ZSCORE", site.keys.deadlines, f"c:{template}"]])[0]
        share = clones // len(KEEPING)
        for start in range(0, share, CHUNK):
            count = min(CHUNK, share - start)
            ranks = (rank - HOUR_OF_RANKS * (start + at) // share for at in range(count))
            words = [word for pair in zip(site.new_calls(count), map(str, ranks), strict=True) for word in pair]
            site.run([["EVAL", CLONE_CALLS, "1", site.keys.root, template, desk, due, *words]])


def lengthen_stream(site: BenchSite, entries: int) -> None:
    """Repeats the first event until the stream holds so many."""
    missing = entries - site.run([["XLEN", site.keys.events]])[0]
    for start in range(0, missing, CHUNK):
        site.run([["EVAL", LENGTHEN, "1", site.keys.events, str(min(CHUNK, missing - start))]])
