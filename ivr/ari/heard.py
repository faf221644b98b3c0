"""What Asterisk says, one message at a time → what it means to us. Pure; what it says too much is dropped here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_NAMED = re.compile(r'\{\s*"type"\s*:\s*"(\w+)"')

MAX_ID = 150
"""Asterisk's own limit for the id of a channel."""


class Rubbish(Exception):
    """Not a message of Asterisk's."""


@dataclass(frozen=True, slots=True)
class Channel:
    """`endpoint`: whose it is, `PJSIP/100` of `PJSIP/100-0000001a`. `variables`: those `ari.conf` lets us see."""

    id: str
    endpoint: str
    state: str
    number: str
    exten: str
    diverted_from: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """A channel is ours. `replaced`: of ours, whose place it takes."""

    channel: Channel
    app: str
    args: tuple[str, ...]
    replaced: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """A channel is no longer ours."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class HangupAsked:
    channel_id: str
    cause: int
    sip: int


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A channel is gone. `cause`: Q.850, 0 unknown; `sip`: the final SIP answer, 0 none."""

    channel_id: str
    cause: int
    sip: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A channel's state: Down, Ring, Ringing, Up, Busy…"""

    channel_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Digit:
    channel_id: str
    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """A playback is over, played or failed."""

    playback_id: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Dialled:
    """How dialling a channel goes: RINGING, ANSWER, BUSY, NOANSWER, CONGESTION…"""

    channel_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Bridged:
    """Somebody came into a bridge or went; `members` is who is in it now."""

    bridge_id: str
    channel_id: str
    members: tuple[str, ...]
    entered: bool


@dataclass(frozen=True, slots=True)
class BridgeGone:
    bridge_id: str


@dataclass(frozen=True, slots=True)
class Device:
    """A phone's state, e.g. `PJSIP/100` INUSE."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Somebody else speaks for our application now."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command that was sent over the WebSocket."""

    request_id: str
    status: int
    body: Any


OfChannel = Left | HangupAsked | Destroyed | Changed | Digit | Dialled
Heard = Started | OfChannel | Played | Bridged | BridgeGone | Device | TakenOver | Reply


def hear(raw: str) -> Heard | None:
    """None for what does not concern us. Raises Rubbish."""
    named = _NAMED.match(raw)
    if named is not None and named[1] not in _READERS:
        return None  # half of all that is said: not worth the reading
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        raise Rubbish from None
    if not isinstance(message, dict) or not isinstance(kind := message.get("type"), str):
        raise Rubbish
    read = _READERS.get(kind)
    if read is None:
        return None
    try:
        return read(message)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Rubbish from None


def channel_of(message: Mapping[str, Any]) -> Channel:
    """A channel as an event or a list shows it. Raises KeyError, TypeError, ValueError."""
    dialplan, caller = message.get("dialplan") or {}, message.get("caller") or {}
    name = str(message["name"])
    variables = message.get("channelvars") or {}
    return Channel(
        id=_id(message["id"]),
        endpoint=name.rpartition("-")[0] or name,
        state=str(message.get("state", "")),
        number=str(caller.get("number") or ""),
        exten=str(dialplan.get("exten") or ""),
        diverted_from=str(message.get("caller_rdnis") or ""),
        variables={str(key): str(value) for key, value in variables.items()},
    )


def _id(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise ValueError
    return value


def _of(message: dict[str, Any]) -> str:
    return _id(message["channel"]["id"])


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _started(message: dict[str, Any]) -> Started:
    replaced = message.get("replace_channel") or {}
    args = tuple(str(word) for word in message["args"])
    return Started(channel_of(message["channel"]), str(message["application"]), args, str(replaced.get("id") or ""))


def _hangup(message: dict[str, Any]) -> HangupAsked:
    return HangupAsked(_of(message), _whole(message.get("cause")), _whole(message.get("tech_cause")))


def _destroyed(message: dict[str, Any]) -> Destroyed:
    return Destroyed(_of(message), _whole(message.get("cause")), _whole(message.get("tech_cause")))


def _digit(message: dict[str, Any]) -> Digit:
    digit = message["digit"]
    if digit not in set("0123456789*#ABCD"):
        raise ValueError
    return Digit(_of(message), digit)


def _bridged(message: dict[str, Any]) -> Bridged:
    bridge, channel = message["bridge"], message.get("channel") or {"id": "?"}
    members = tuple(_id(one) for one in bridge["channels"])
    return Bridged(_id(bridge["id"]), _id(channel["id"]), members, message["type"] == "ChannelEnteredBridge")


def _reply(message: dict[str, Any]) -> Reply:
    body = message.get("message_body")
    found = json.loads(body) if isinstance(body, str) and body else None
    return Reply(str(message["request_id"]), int(message["status_code"]), found)


_READERS: dict[str, Callable[[dict[str, Any]], Heard]] = {
    "StasisStart": _started,
    "StasisEnd": lambda message: Left(_of(message)),
    "ChannelHangupRequest": _hangup,
    "ChannelDestroyed": _destroyed,
    "ChannelStateChange": lambda message: Changed(_of(message), str(message["channel"]["state"])),
    "ChannelDtmfReceived": _digit,
    "PlaybackFinished": lambda message: Played(
        _id(message["playback"]["id"]), message["playback"].get("state") == "failed"
    ),
    "Dial": lambda message: Dialled(_id(message["peer"]["id"]), str(message["dialstatus"])),
    "ChannelEnteredBridge": _bridged,
    "ChannelLeftBridge": _bridged,
    "BridgeDestroyed": lambda message: BridgeGone(_id(message["bridge"]["id"])),
    "DeviceStateChanged": lambda message: Device(
        str(message["device_state"]["name"]), str(message["device_state"]["state"])
    ),
    "ApplicationReplaced": lambda message: TakenOver(),
    "RESTResponse": _reply,
}
