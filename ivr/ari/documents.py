"""Script ↔ bytes: the same step is answered by the same bytes, so a script is kept as such. Pure."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from ivr.vocabulary import (
    Collect,
    Command,
    Dial,
    Goto,
    Hangup,
    Hold,
    Join,
    Pause,
    Play,
    Reject,
    Route,
    Say,
    Script,
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Say, Play, Pause, Collect, Hold, Join, Goto, Dial, Reject, Hangup, Route)
}


def write(script: Script) -> bytes:
    return json.dumps([_plain(command) for command in script], ensure_ascii=False, separators=(",", ":")).encode()


def read(document: bytes) -> Script:
    """Raises ValueError for what is no document of ours."""
    try:
        found: tuple[Command, ...] = tuple(_typed(one) for one in json.loads(document))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"is": type(value).__name__} | {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        given = dict(value)
        kind = _KINDS[given.pop("is")]
        return kind(**{name: _typed(one) for name, one in given.items()})
    return tuple(_typed(one) for one in value) if isinstance(value, list) else value
