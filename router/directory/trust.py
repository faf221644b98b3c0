"""How far the network vouches for a caller's number. Pure; exact words only, since a suffix changes their meaning."""

from __future__ import annotations

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


def trust_of_verstat(values: Sequence[str]) -> Trust:
    """Trust from every `verstat` the request carried. Absent, unknown or repeated (a smuggled second): `none`."""
    return _VERSTAT.get(values[0], "none") if len(values) == 1 else "none"


def trust_of_attestation(level: str | None, validated: bool | None) -> Trust:
    """Trust from a carrier that gives the SHAKEN level and the outcome of its check apart."""
    if validated is False:
        return "failed"
    return _ATTESTATION.get(level or "", "none") if validated else "none"
