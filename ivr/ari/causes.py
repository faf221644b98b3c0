"""Why a leg came to nothing, or ended: Asterisk's numbers and words → ours. Pure."""

from __future__ import annotations

from ivr.vocabulary import LegFailure

_BY_SIP: dict[int, LegFailure] = {
    **dict.fromkeys((486, 600), "busy"),
    **dict.fromkeys((603, 607), "declined"),
    **dict.fromkeys((404, 410, 415, 480, 484, 488, 604, 606), "device"),
}
_BY_CAUSE: dict[int, LegFailure] = {
    17: "busy",
    18: "no_answer",
    19: "no_answer",
    21: "declined",
    **dict.fromkeys((1, 3, 20, 22, 27, 28, 88), "device"),
}
_BY_STATUS: dict[str, LegFailure] = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CHANUNAVAIL": "device",
    "DONTCALL": "declined",
    "TORTURE": "declined",
}
BROKEN = frozenset({27, 38, 41, 42, 44})
"""Q.850 causes with which a talk breaks off, rather than somebody hanging up."""


def failure_of(cause: int, sip: int, status: str, rang_out: bool) -> LegFailure:
    """Of a leg nobody answered. `status`: how dialling it ended; `rang_out`: it had rung as long as it may.

    The SIP answer tells most; 487 answers our own cancel, so it says nothing. A 480 is Asterisk's own word too, for a
    leg that has rung as long as it may.
    """
    if rang_out and (cause, sip) == (19, 480):
        return "no_answer"
    known = _BY_SIP.get(sip) or _BY_CAUSE.get(cause) or _BY_STATUS.get(status)
    return known or ("no_answer" if rang_out else "network")


def broke_off(cause: int, sip: int) -> bool:
    """Whether an answered leg was lost rather than hung up."""
    return cause in BROKEN and sip not in (486, 603)
