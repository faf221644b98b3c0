"""How far the network vouches for a caller's number. Pure; exact words only, since a suffix changes their meaning.

A word that speaks against the caller counts however it is written and wherever it stands: it is their own loss alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Trust = Literal["verified", "partial", "gateway", "failed", "none", "withheld"]

# A diverted or passed-through call was signed for another called number: it counts one grade lower.
_VERSTAT: dict[str, Trust] = {
    "TN-Validation-Passed-A": "verified",
    "TN-Validation-Passed-B": "partial",
    "TN-Validation-Passed-C": "gateway",
    "TN-Validation-Passed-A-Diverted": "partial",
    "TN-Validation-Passed-B-Diverted": "gateway",
    "TN-Validation-Passed-C-Diverted": "gateway",
    "TN-Validation-Passed-A-Passthrough": "partial",
    "TN-Validation-Passed-B-Passthrough": "gateway",
    "TN-Validation-Passed-C-Passthrough": "gateway",
    "TN-Validation-Failed": "failed",
    "No-TN-Validation": "none",
    "NULL": "none",
}
_SUFFIXES = ("", "-Diverted", "-Passthrough")
_VERSTAT |= {f"TN-Validation-Failed-{grade}{suffix}": "failed" for grade in "ABC" for suffix in _SUFFIXES}

_ATTESTATION: dict[str, Trust] = {"A": "verified", "B": "partial", "C": "gateway"}


_FAILED = "tn-validation-failed"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"?')
_PLAIN = re.compile(r"[A-Za-z0-9-]*")
_ADDRESS = re.compile(r"<([^<>]*)(?:>|$)([^<,]*)")
_PARAMETER = re.compile(r";\s*verstat\s*=\s*([^\s;,<>@?&]*)", re.IGNORECASE)


def trust_of_verstat(values: Sequence[str]) -> Trust:
    """Trust from every `verstat` the request carried. Absent, unknown or repeated (a smuggled second): `none`."""
    if any(says_failed(value) for value in values):
        return "failed"
    return _VERSTAT.get(values[0], "none") if len(values) == 1 else "none"


def says_failed(text: str) -> bool:
    return _FAILED in text.casefold()


def trust_of_header(header: str) -> Trust:
    """Trust from a P-Asserted-Identity or From: the `verstat` of its URI (before or behind the host) or behind it."""
    return "failed" if says_failed(header) else trust_of_verstat(_verstats(header))


def _verstats(header: str) -> list[str]:
    """Every `verstat` of its addresses. What is shown as a name is the caller's to choose, and not looked at."""
    bare = _QUOTED.sub(lambda quoted: quoted[1] if _PLAIN.fullmatch(quoted[1]) else "", header)
    parts = [f"{inside};{behind}" for inside, behind in _ADDRESS.findall(bare)] if "<" in bare else [bare]
    return [value for part in parts for value in _PARAMETER.findall(part)]


def trust_of_attestation(level: str | None, validated: bool | None) -> Trust:
    """Trust from a carrier that gives the SHAKEN level and the outcome of its check apart."""
    if validated is False:
        return "failed"
    return _ATTESTATION.get(level or "", "none") if validated else "none"
