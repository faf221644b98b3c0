"""How time passes on the line: a second lasts a second, or as long as that of a far end that is played faster."""

from __future__ import annotations

import asyncio

_second = [1.0]


def set_second(seconds: float) -> None:
    """For tests and demos whose Asterisk is played faster than real time."""
    _second[0] = seconds


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds * _second[0])


def lasting(seconds: float) -> float:
    """So long by our own clock."""
    return seconds * _second[0]
