"""A script's header is the truth: the loader refuses one that is wrong, and the tests hear every word it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis

from router.store.script_loader import SCRIPTS, ScriptInvalid, load_all, load_script
from tests.support.lua_globals import globals_of
from tests.support.promises import promised

GOOD = """--[[
  greet -- says hello.

  KEYS[1] site          prefix of every key

  ARGV[1] clock         time
  ARGV[2] name          whom

  RETURNS {OK, name} | {GONE}
  EVENTS  call.greeted
  WHY     somebody has to.
]]
--- @include "tell"

if name == '' then return {'GONE'} end
emit('call.greeted|name=' .. name .. clock)
return {'OK', name}
"""

INCLUDE = """--[[
  tell -- tells.
  NEEDS   clock
]]
local function emit(text) return redis.call('XADD', site, '*', 'e', text) end
"""

WRONG = {
    "no header": ("--[[", "--"),
    "another script's header": ("  greet -- ", "  meet -- "),
    "no key": ("  KEYS[1] site          prefix of every key\n", ""),
    "another key": ("  KEYS[1] site ", "  KEYS[1] lane "),
    "a second key": ("  ARGV[1]", "  KEYS[2] lane\n\n  ARGV[1]"),
    "arguments from zero": ("ARGV[1] clock", "ARGV[0] clock"),
    "a gap in the arguments": ("ARGV[2] name", "ARGV[3] name"),
    "an argument twice": ("ARGV[2] name", "ARGV[1] name"),
    "an argument nobody uses": ("whom\n", "whom\n  ARGV[3] other\n"),
    "an argument that an include needs": ("  ARGV[1] clock         time\n  ARGV[2]", "  ARGV[1]"),
    "a word it never answers": ("| {GONE}", "| {GONE} | {LOST}"),
    "a word it does not promise": (" | {GONE}", ""),
    "an event it never writes": ("call.greeted\n  WHY", "call.greeted call.other\n  WHY"),
    "an event it does not promise": ("EVENTS  call.greeted", "EVENTS  none"),
    "no why": ("somebody has to.", ""),
    "no why at all": ("  WHY     somebody has to.\n", ""),
}


def put(folder: Path, text: str) -> Path:
    (folder / "includes").mkdir()
    (folder / "includes" / "tell.lua").write_text(INCLUDE)
    path = folder / "greet.lua"
    path.write_text(text)
    return path


def test_a_right_header_gives_names_to_arguments(tmp_path: Path) -> None:
    script = load_script(put(tmp_path, GOOD))

    assert (script.name, script.arguments) == ("greet", ("clock", "name"))
    assert script.returns == {"OK", "GONE"}
    assert script.events == {"call.greeted"}
    assert script.body.startswith("local site = KEYS[1]\nlocal clock, name = ARGV[1], ARGV[2]\n")


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_header_is_refused(tmp_path: Path, what: str) -> None:
    right, wrong = WRONG[what]
    assert right in GOOD

    with pytest.raises(ScriptInvalid) as caught:
        load_script(put(tmp_path, GOOD.replace(right, wrong, 1)))

    assert str(caught.value).startswith("greet.lua: ")


def test_an_include_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_script(put(tmp_path, GOOD.replace('"tell"', '"shout"')))


def test_a_changed_include_is_another_script(tmp_path: Path) -> None:
    path = put(tmp_path, GOOD)
    before = load_script(path).sha
    (tmp_path / "includes" / "tell.lua").write_text(INCLUDE + "assert(site)\n")

    assert load_script(path).sha != before


# ---------------------------------------------------------------------- the scripts that are shipped

NAMES = sorted(path.stem for path in SCRIPTS.glob("*.lua"))


def test_they_are_all_right() -> None:
    assert sorted(load_all()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_word_is_heard(name: str) -> None:
    """By a test of the script's own file; NOT_VIRTUAL of every script by test_clock."""
    script = load_all()[name]
    tests = Path(__file__).parent / f"test_{name}.py"
    assert tests.exists(), f"{name} has no tests"

    expected = script.returns | ({"NOT_VIRTUAL"} if "clock" in script.arguments else set())
    heard = promised(tests) | ({"NOT_VIRTUAL"} if "clock" in script.arguments else set())
    assert heard == expected


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_global(peek: redis.Redis, name: str) -> None:
    """And keys and arguments have names: only the prologue that the loader writes counts positions."""
    script = load_all()[name]

    read, written = globals_of(peek, script.body)

    assert not written
    assert read.pop("KEYS") == 1
    assert read.pop("ARGV", 0) == len(script.arguments)
    library = {"redis", "string", "table", "math", "tonumber", "tostring", "ipairs", "pairs", "unpack", "next"}
    assert set(read) <= library


def test_a_global_would_be_found(peek: redis.Redis) -> None:
    read, written = globals_of(peek, "local function f() oops = oopsie end f() return KEYS[1]")

    assert (dict(written), dict(read)) == ({"oops": 1}, {"oopsie": 1, "KEYS": 1})


def test_every_include_is_used() -> None:
    used = {word for path in SCRIPTS.rglob("*.lua") for word in re.findall(r'@include "(\w+)"', path.read_text())}
    assert used == {path.stem for path in (SCRIPTS / "includes").glob("*.lua")}


def test_the_readme_names_every_script() -> None:
    """With the very line its header begins with."""
    text = (SCRIPTS.parent / "README.md").read_text(encoding="utf-8")
    for path in SCRIPTS.glob("*.lua"):
        line = re.search(rf"^  {path.stem} -- (.*)$", path.read_text(encoding="utf-8"), re.M)
        assert line
        assert f"`{path.stem}` — {line[1]}" in text
