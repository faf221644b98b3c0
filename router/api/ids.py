"""What an id may look like; the same rules in paths, queries, headers and bodies."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import StringConstraints

from router.api.problem import Problem

CALL = r"^[A-Za-z0-9._:@+=/-]{1,128}$"
NAME = r"^[A-Za-z0-9_.-]{1,64}$"
LANE = r"^@?[A-Za-z0-9_.-]{1,64}(\+[A-Za-z0-9_.-]{1,64}){0,4}$"
FENCE = r"^[0-9]{1,20}-[0-9]{1,20}$"

CallId = Annotated[str, StringConstraints(pattern=CALL)]
Name = Annotated[str, StringConstraints(pattern=NAME)]
Lane = Annotated[str, StringConstraints(pattern=LANE)]
OfferId = Annotated[str, StringConstraints(pattern=FENCE)]

_PATTERNS = {"call_id": CALL, "offer_id": FENCE}
_RULES = {
    CALL: "1 to 128 of A-Z a-z 0-9 . _ : @ + = / -",
    NAME: "1 to 64 of A-Z a-z 0-9 _ . -",
    FENCE: "<digits>-<digits>",
}
_COMPILED = {pattern: re.compile(pattern) for pattern in _RULES}


def pattern_of(name: str) -> str:
    """The pattern of a path parameter: `call_id`, `offer_id`, everything else a plain name."""
    return _PATTERNS.get(name, NAME)


def check(name: str, value: str) -> str:
    """`value`, or a 422 that says what the id may look like (never the id itself: it may be 10 kB)."""
    pattern = pattern_of(name)
    if not _COMPILED[pattern].fullmatch(value) or value.endswith("\n"):
        raise Problem(422, "bad-id", f"{name} must be {_RULES[pattern]}.")
    return value


def schema_of(name: str) -> dict[str, Any]:
    """The JSON schema of a path parameter."""
    return {"type": "string", "pattern": pattern_of(name)}
