"""Keys: one spelling in Python, the same one in Lua, all of one site in one cluster slot."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from router.store.channel import Channel
from router.store.keyspace import Keyspace
from router.store.script_loader import SCRIPTS
from router.store.wire import ServerError
from tests.support.servers import cluster
from tests.support.stage import SECOND, Stage, owner, queue

KEYS = Keyspace("site", "prefix:")

SAME = {
    "C": KEYS.call(""),
    "L": KEYS.steps(""),
    "M": KEYS.meta(""),
    "F": KEYS.documents(""),
    "O": KEYS.actions(""),
    "A": KEYS.agent(""),
    "D": KEYS.card(""),
    "W": KEYS.lane(""),
    "I": KEYS.ready(""),
    "R": KEYS.identity(""),
    "KN": KEYS.booked(""),
    "N": KEYS.duty,
    "T": KEYS.deadlines,
    "G": KEYS.guide,
    "EV": KEYS.events,
    "V": KEYS.virtual,
    "AGENTS": KEYS.agents,
    "CALLBACKS": KEYS.callbacks,
    "CLOSED": KEYS.closed,
    "SEQ": KEYS.sequence,
}
"""The name of a key in Lua → how Python spells it."""

IN_PYTHON_ONLY = {KEYS.history("")}
"""The timeline is written by a reader of the stream, never by a script."""


def spelled_in_lua() -> dict[str, str]:
    """keys.lua, carried out by hand: `local A, B = site .. ':a:', site .. ':b'`."""
    found: dict[str, str] = {}
    text = (SCRIPTS / "includes" / "keys.lua").read_text(encoding="utf-8")
    for names, values in re.findall(r"^local ([A-Z, ]+) = (.*)$", text, re.M):
        parts = re.findall(r"site \.\. '([^']*)'", values)
        found.update(zip(names.split(", "), (KEYS.root + part for part in parts), strict=True))
    return found


def test_python_and_lua_spell_every_key_alike() -> None:
    assert spelled_in_lua() == SAME


def test_every_key_python_spells_is_compared() -> None:
    spelled = set()
    for name, member in inspect.getmembers(Keyspace):
        if name.startswith("_") or name in ("site", "prefix", "root", "own"):
            continue
        spelled.add(getattr(KEYS, name) if isinstance(member, property) else getattr(KEYS, name)(""))

    assert spelled == set(SAME.values()) | IN_PYTHON_ONLY


def test_keys_of_different_things_never_meet() -> None:
    """Whatever an id holds: `c:` of a call named `x:y` is no other key."""
    prefixes = [*SAME.values(), *IN_PYTHON_ONLY]
    assert len(set(prefixes)) == len(prefixes)
    of_things = [prefix for prefix in prefixes if prefix.endswith(":")]
    assert not [(a, b) for a in of_things for b in prefixes if a != b and b.startswith(a)]


def test_no_script_spells_a_key_itself() -> None:
    for path in SCRIPTS.rglob("*.lua"):
        body = path.read_text(encoding="utf-8").partition("]]")[2]
        if path.stem != "keys":
            assert not re.search(r"\bsite\b", body), path.name


def test_the_readme_names_every_key() -> None:
    text = (SCRIPTS.parent / "README.md").read_text(encoding="utf-8")
    for key in (*SAME.values(), *IN_PYTHON_ONLY):
        name = key.removeprefix(f"{KEYS.root}:")
        assert f"| `{name}<" in text if name.endswith(":") else f"| `{name}` |" in text, name


def test_a_prefix_goes_before_the_tag() -> None:
    assert KEYS.root == "prefix:{site}"
    assert KEYS.call("c1") == "prefix:{site}:c:c1"


async def test_these_tests_run_as_a_user_who_may_touch_one_site_only(stage: Stage) -> None:
    """So every test of a script proves that it stays within its site."""
    for key in ("other", f"{stage.keys.root[:-1]}x}}:c:c1"):
        with pytest.raises(ServerError, match="permission"):
            await stage.channel.call("EVAL", "return redis.call('GET', ARGV[1])", 0, key)


async def test_a_story_on_a_cluster(tmp_path: Path) -> None:
    """A cluster refuses a script that touches keys of two slots: each of these finds all its keys in one."""
    with cluster(tmp_path, masters=1) as (node,):
        channel = await Channel.open(node.url)
        stage = Stage(channel, Keyspace("main", "x:"))
        engine = stage.engine
        await engine.make_virtual()
        await engine.set_plan("1", {"vip": 1})
        await stage.agent("ann", "vip general")
        await stage.agent("bob", "vip")
        held = await stage.offered("c1", owner("ann"), queue("general"), plan_version="1", identity="li")
        await engine.decline_offer("c1", held.agent_id, held.offer_id)
        await stage.call("c2", queue("general"), plan_version="1", identity="li")
        await engine.boost_call("c2", SECOND, by="sue")
        await engine.assign_call("c2", "bob", by="sue")
        await stage.later(60 * SECOND)
        await engine.close_group("vip")
        await engine.delete_agent("ann") if (await stage.agent_row("ann")).state == "ready" else None
        await engine.open_group("vip")
        await stage.wind_up()
        await channel.close()
