"""Everything a site has in the server, read in one step, and what of it may stay when every call has ended."""

from __future__ import annotations

from typing import Any

from router.store.keyspace import Keyspace
from router.store.reading import Pipelining
from router.store.rows import AgentRow, CallRow
from tests.support.snapshot import AWAY, LEASED, AgentView, CallView, Snapshot, group_of, level_in

Dump = dict[str, tuple[Any, int]]
"""Key without the site's prefix → (content, time of expiry in ms or -1). The virtual clock is left out."""

READ = """
local found = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  elseif kind == 'stream' then value = redis.call('XRANGE', key, '-', '+')
  else value = redis.call('GET', key) end
  found[#found + 1] = {key, kind, value, redis.call('PEXPIRETIME', key)}
end
return found
"""


async def read_dump(connection: Pipelining, keys: Keyspace) -> Dump:
    prefix = f"{keys.root}:"
    found: Dump = {}
    for key, kind, value, expires in await connection.call("EVAL", READ, 0, f"{prefix}*"):
        name = _plain(key).removeprefix(prefix)
        if name != "v":
            found[name] = (_content(_plain(kind), _plain(value)), expires)
    return found


def changes(before: Dump, after: Dump) -> list[str]:
    """What was written between two dumps, one line a key."""
    return [
        f"{key}: {before.get(key)} became {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _content(kind: str, value: Any) -> Any:
    if kind in ("hash", "zset"):
        return dict(zip(value[::2], value[1::2], strict=True))
    return set(value) if kind == "set" else value


def _of(dump: Dump, letter: str) -> list[tuple[str, Any]]:
    return [(key[2:], content) for key, (content, _) in sorted(dump.items()) if key[:2] == f"{letter}:"]


def snapshot(dump: Dump, now_ms: int) -> Snapshot:
    """The site as the invariants see it."""
    guide = dump["g"][0] if "g" in dump else {}
    profiles = {name[1:]: text for name, text in guide.items() if name[0] == "P"}
    counted = dump["n"][0] if "n" in dump else {}
    deadlines = dump["t"][0] if "t" in dump else {}
    return Snapshot(
        now=now_ms,
        calls={name: _call(name, record, f"l:{name}" in dump) for name, record in _of(dump, "c")},
        agents={name: _agent(name, record, profiles) for name, record in _of(dump, "a")},
        lanes={lane: _members(line) for lane, line in _of(dump, "w")},
        ready={profiles[name]: {agent: int(at) for agent, at in row.items()} for name, row in _of(dump, "i")},
        duty={profiles[name]: int(n) for name, n in counted.items() if name in profiles and n != "0"},
        deadlines={member: int(at) for member, at in deadlines.items()},
        keep_free={group: int(r) for group, _, r in (pair.partition("=") for pair in guide.get("k", "").split())},
        closed=frozenset(guide.get("x", "").split()),
    )


def _members(line: dict[str, str]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted((int(rank), call_id) for call_id, rank in line.items()))


def _call(name: str, record: dict[str, str], has_rest: bool) -> CallView:
    row = CallRow.parse(name, record)
    held = row.letter in LEASED
    return CallView(
        state=row.letter,
        rank=row.rank or 0,
        accepted_ms=row.facts.accepted_ms,
        agent=(row.agent_id or "") if held else "",
        offer=(row.offer_id or "") if held else "",
        lanes=row.lanes,
        step=row.step.name,
        steps_left=int(has_rest),
        avoid=row.avoids,
        outcome=row.outcome or "",
        current=row.lanes[len(row.lanes) - row.step.lanes :],
    )


def _agent(name: str, record: dict[str, str], profiles: dict[str, str]) -> AgentView:
    row = AgentRow.parse(name, record, "")
    return AgentView(
        state=row.letter,
        profile=profiles[row.profile],
        call=row.call_id or "",
        offer=(row.offer_id or "") if row.letter in ("o", "t") else "",
        ready_since=row.ready_since_ms if row.letter == "r" else 0,
        next_state=record.get("nx", ""),
        misses=row.misses,
    )


def misguided(dump: Dump) -> list[str]:
    """Rows of the guide that do not follow from the agents there are: which profiles serve a lane, how many agents."""
    guide = dump["g"][0] if "g" in dump else {}
    profiles = {int(name[1:]): text for name, text in guide.items() if name[0] == "P"}
    agents = [(int(record["pr"]), record["st"]) for _, record in _of(dump, "a")]
    closed = guide.get("x", "").split()
    wrong = []
    for name, row in guide.items():
        lane = name[1:]
        if name[0] != "L":
            continue
        levels = {number: level_in(text, lane) for number, text in profiles.items() if group_of(lane) not in closed}
        serving = sorted((level, number) for number, level in levels.items() if level is not None)
        existing = [state for number, state in agents if (levels.get(number) is not None)]
        duty = [state for state in existing if state not in AWAY]
        expected = f"{len(duty)}/{len(existing)};{' '.join(f'{level}:{number}' for level, number in serving)}"
        if group_of(lane) in closed:
            expected = "0/x;"
        if row != expected:
            wrong.append(f"lane {lane} is guided by {row!r}, not {expected!r}")
    return wrong


def leftovers(dump: Dump) -> list[str]:
    """What is left although every call has ended and every deadline has run, one line each."""
    wrong = []
    for key, (content, expires) in sorted(dump.items()):
        if key[:2] in ("c:", "m:", "r:") or key[:3] == "kn:":
            if expires < 0:
                wrong.append(f"{key} never expires")
            if key[:2] == "c:" and content["st"] != "e":
                wrong.append(f"{key} is {content['st']}")
        elif key[:2] not in ("a:", "d:", "i:") and key not in ("agents", "g", "n", "ev", "s", "k"):
            wrong.append(f"{key} is left: {content}")
    return wrong
