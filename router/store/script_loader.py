"""Reads the Lua scripts, resolves their includes, and refuses a file whose header does not say what it does.

A script's header is the truth about its arguments: the names in its ARGV lines become Lua locals, and Python passes
arguments by these names. So no position is ever written twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"

_HEADER = re.compile(r"\A--\[\[\n(.*?)\n\]\]\n", re.S)
_INCLUDE = re.compile(r'^( *)--- @include "(\w+)"\n', re.M)
_DEFINITION = re.compile(r"^local function (\w+)\((?:[^\n]* end\n|.*?^end\n)|^local (\w+) = [^\n]*\n", re.M | re.S)
_KEY = re.compile(r"^local ([A-Z]+) = (site \.\. ':\w+:')\n", re.M)
_COMMENT = re.compile(r"^ *-- .*\n", re.M)
_WORD = re.compile(r"\w+")
_KEYS = re.compile(r"^  KEYS\[(\d+)\] (\w+)", re.M)
_ARGV = re.compile(r"^  ARGV\[(\d+)\] (\w+)", re.M)
_SECTION = r"^  {name}(.*?)(?=^  [A-Z]+\b(?:\[| )|\Z)"


class ScriptInvalid(Exception):
    """A script's header and body disagree."""


@dataclass(frozen=True, slots=True)
class Script:
    """One transition, ready to be sent. `arguments` are the names of ARGV in order."""

    name: str
    arguments: tuple[str, ...]
    returns: frozenset[str]
    events: frozenset[str]
    body: str
    sha: str


def _section(header: str, name: str) -> str:
    match = re.search(_SECTION.format(name=name), header, re.M | re.S)
    return match.group(1) if match else ""


def _split(path: Path) -> tuple[str, str]:
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    if not match:
        raise ScriptInvalid(f"{path.name}: no header")
    if not match.group(1).startswith(f"  {path.stem} -- "):
        raise ScriptInvalid(f"{path.name}: the header names another script")
    return match.group(1), _COMMENT.sub("", text[match.end() :])


def _with_step(header: str, own: str) -> tuple[str, str]:
    """The same script, asked by a carrier: its `step` is taken before anything else happens."""
    last = f"  ARGV[{len(_ARGV.findall(header)) + 1}] step          see includes/step\n"
    header = header.replace("\n  RETURNS ", f"{last}\n  RETURNS {{REPEAT}} | {{LATE}} | ", 1)
    return header, _INCLUDE.sub(lambda first: f'{first.group(0)}--- @include "step"\n', own, count=1)


def _expand(path: Path, stepped: bool = False) -> tuple[str, str, set[str]]:
    """Header, body with includes in place, and what the includes need. `stepped`: see `load_stepped`.

    A definition of an include that nobody below it uses is left out: a closure costs time at every call, and its code
    is memory that the server's collector walks.
    """
    header, own = _split(path)
    if stepped:
        header, own = _with_step(header, own)
    needs: set[str] = set()

    def text_of(name: str) -> str:
        inner_header, inner = _split(path.parent / "includes" / f"{name}.lua")
        needs.update(_section(inner_header, "NEEDS").split())
        return _INCLUDE.sub(put, inner)

    def put(match: re.Match[str]) -> str:
        return re.sub(r"^(?=.)", match.group(1), text_of(match.group(2)), flags=re.M)

    parts = _INCLUDE.split(own)  # own text, indentation, name, own text …
    body = parts[-1]
    words = set(_WORD.findall(body))
    for before, indent, name in reversed(list(zip(parts[:-1:3], parts[1::3], parts[2::3], strict=True))):
        included = re.sub(r"^(?=.)", indent, text_of(name), flags=re.M)
        body = before + _used(included, words) + body
        words.update(_WORD.findall(before))
    return header, _spell_keys(body), needs


def _spell_keys(body: str) -> str:
    """`C .. call_id` becomes `site .. ':c:' .. call_id`: one string is made instead of two."""
    spelled = dict(_KEY.findall(body))
    if not spelled:
        return body
    uses = rf"\b({'|'.join(spelled)})(?= \.\. )"
    return re.sub(uses, lambda use: spelled[use.group(1)], _KEY.sub("", body))


def _used(included: str, words: set[str]) -> str:
    """The included text without the definitions that neither it nor what stands below uses.

    `words`: all there are below; those of what is kept are added.
    """
    pieces: list[str] = []
    end = len(included)
    for match in reversed(list(_DEFINITION.finditer(included))):
        rest = included[match.end() : end]
        pieces.append(rest)
        words.update(_WORD.findall(rest))
        end = match.start()
        if (match.group(1) or match.group(2)) in words:
            pieces.append(match.group(0))
            words.update(_WORD.findall(match.group(0)))
    words.update(_WORD.findall(included[:end]))
    return included[:end] + "".join(reversed(pieces))


def load_script(path: Path, stepped: bool = False) -> Script:
    """Reads one script; raises ScriptInvalid naming what its header gets wrong."""
    header, body, needs = _expand(path, stepped)
    name = path.stem

    def complain(what: str) -> ScriptInvalid:
        return ScriptInvalid(f"{path.name}: {what}")

    keys = _KEYS.findall(header)
    if keys != [("1", "site")]:
        raise complain("KEYS[1] must be site, and there is no other key")
    numbered = _ARGV.findall(header)
    if [int(number) for number, _ in numbered] != list(range(1, len(numbered) + 1)):
        raise complain("ARGV is not numbered from 1")
    arguments = tuple(argument for _, argument in numbered)
    words = set(_WORD.findall(body))
    for argument in arguments:
        if argument not in words:
            raise complain(f"ARGV {argument} is never used")
    if missing := (needs & words) - set(arguments):
        raise complain(f"an include needs {', '.join(sorted(missing))}")
    returns = set(re.findall(r"\{([A-Z_]+)", _section(header, "RETURNS")))
    returned = set(re.findall(r"(?:return \{?|reply = \{)'([A-Z_]+)[ ']", body))
    if returns != returned:
        raise complain(f"RETURNS and the body differ in {', '.join(sorted(returns ^ returned))}")
    own = _split(path)[1]
    events = set(re.findall(r"\b[a-z]+\.[a-z_]+\b", _section(header, "EVENTS")))
    emitted = set(re.findall(r"emit\('([a-z_.]+)", own))
    if events != emitted:
        raise complain(f"EVENTS and the body differ in {', '.join(sorted(events ^ emitted))}")
    if not _section(header, "WHY").strip():
        raise complain("it does not say WHY")
    all_events = frozenset(re.findall(r"emit\('([a-z_.]+)", body))
    prologue = "local site = KEYS[1]\n"
    if arguments:
        slots = ", ".join(f"ARGV[{i}]" for i in range(1, len(arguments) + 1))
        prologue += f"local {', '.join(arguments)} = {slots}\n"
    full = prologue + body
    sha = hashlib.sha1(full.encode(), usedforsecurity=False).hexdigest()
    return Script(name, arguments, frozenset(returns), all_events, full, sha)


@cache
def load_stepped(name: str) -> Script:
    """A transition that a carrier's request asks for: it takes the request's `step`, or does nothing at all.

    Scripts of their own, loaded when first sent: what nobody uses would be memory that the server's collector walks.
    """
    return load_script(SCRIPTS / f"{name}.lua", stepped=True)


@cache
def load_all() -> dict[str, Script]:
    """Every script by name."""
    return {path.stem: load_script(path) for path in sorted(SCRIPTS.glob("*.lua"))}
