"""Times as the API spells them: RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(ms: int) -> str:
    """1700000000123 is `2023-11-14T22:13:20.123Z`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def ms_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
