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
_INCLUDE = re.compile(r'^--- @include "(\w+)"\n', re.M)
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
    return match.group(1), text[match.end() :]


def _expand(path: Path) -> tuple[str, str, set[str]]:
    """Header, body with includes in place, and what the includes need."""
    header, body = _split(path)
    needs: set[str] = set()

    def put(match: re.Match[str]) -> str:
        inner_header, inner_body = _split(path.parent / "includes" / f"{match.group(1)}.lua")
        needs.update(_section(inner_header, "NEEDS").split())
        return inner_body

    return header, _INCLUDE.sub(put, body), needs


def load_script(path: Path) -> Script:
    """Reads one script; raises ScriptInvalid naming what its header gets wrong."""
    header, body, needs = _expand(path)
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
    for argument in arguments:
        if not re.search(rf"\b{argument}\b", body):
            raise complain(f"ARGV {argument} is never used")
    if missing := needs - set(arguments):
        raise complain(f"an include needs {', '.join(sorted(missing))}")
    returns = set(re.findall(r"\{([A-Z_]+)", _section(header, "RETURNS")))
    returned = set(re.findall(r"(?:return|reply =) \{'([A-Z_]+)'", body))
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
def load_all() -> dict[str, Script]:
    """Every script by name."""
    return {path.stem: load_script(path) for path in sorted(SCRIPTS.glob("*.lua"))}
