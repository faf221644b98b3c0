"""Scripts as bytes and back: the desk keeps what it answered as bytes, and the exchange plays commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ivr.vocabulary import Collect, Command, Dial, Goto, Hangup, Hold, Join, Pause, Play, Reject, Route, Say, Script

_COMMANDS: dict[str, Any] = {
    kind.__name__: kind for kind in (Say, Play, Pause, Collect, Hold, Join, Goto, Dial, Reject, Hangup)
}
_ROUTES = ("route", "left", "bridged", "over")


def write(script: Script) -> bytes:
    return json.dumps([_written(command) for command in script], ensure_ascii=False).encode()


def read(document: bytes) -> Script:
    return tuple(_read(found) for found in json.loads(document))


def _written(command: Command) -> dict[str, Any]:
    given = asdict(command)
    if isinstance(command, Collect):
        given["prompts"] = [_written(prompt) for prompt in command.prompts]
    return {"do": type(command).__name__, **given}


def _read(found: dict[str, Any]) -> Any:
    given: dict[str, Any] = {
        name: Route(**value) if name in _ROUTES else value for name, value in found.items() if name != "do"
    }
    if "prompts" in given:
        given["prompts"] = tuple(_read(prompt) for prompt in given["prompts"])
    return _COMMANDS[found["do"]](**given)
