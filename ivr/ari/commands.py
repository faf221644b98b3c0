"""The commands we give, spelled as Asterisk's API wants them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

Method = Literal["GET", "POST", "DELETE"]


FAR_HALF = "far."
"""Before the id of a Local channel's other half, the one the dialplan has: Asterisk tells of it, and it is no leg."""


@dataclass(frozen=True, slots=True)
class Command:
    """`path` is below `/ari/`, with its ids escaped."""

    method: Method
    path: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any = None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@lru_cache(maxsize=8_192)
def _escaped(part: str) -> str:
    return quote(part, safe="")


def _path(*parts: str) -> str:
    return "/".join([_escaped(part) for part in parts])


def channels() -> Command:
    return Command("GET", "channels")


def bridges() -> Command:
    return Command("GET", "bridges")


def channel(channel_id: str) -> Command:
    return Command("GET", _path("channels", channel_id))


def answer(channel_id: str) -> Command:
    return Command("POST", _path("channels", channel_id, "answer"))


def play(channel_id: str, playback_id: str, media: Sequence[str]) -> Command:
    return Command("POST", _path("channels", channel_id, "play", playback_id), {"media": ",".join(media)})


def stop(playback_id: str) -> Command:
    return Command("DELETE", _path("playbacks", playback_id))


def music(channel_id: str, name: str) -> Command:
    return Command("POST", _path("channels", channel_id, "moh"), {"mohClass": name})


def quiet(channel_id: str) -> Command:
    return Command("DELETE", _path("channels", channel_id, "moh"))


def ring(channel_id: str) -> Command:
    return Command("POST", _path("channels", channel_id, "ring"))


def ring_no_more(channel_id: str) -> Command:
    return Command("DELETE", _path("channels", channel_id, "ring"))


def hang_up(channel_id: str, reason: str = "normal") -> Command:
    return Command("DELETE", _path("channels", channel_id), {"reason": reason})


def originate(
    channel_id: str, endpoint: str, app: str, args: Sequence[str], caller_id: str, timeout_s: int, originator: str = ""
) -> Command:
    query = {
        "endpoint": endpoint,
        "app": app,
        "appArgs": ",".join(args),
        "callerId": caller_id,
        "timeout": str(timeout_s),
    }
    if endpoint.startswith("Local/"):
        query["otherChannelId"] = f"{FAR_HALF}{channel_id}"
    if originator:
        query["originator"] = originator
    elif endpoint.startswith("Local/"):  # else it takes the best there is, 192,000 samples a second
        query["formats"] = "slin"
    return Command("POST", _path("channels", channel_id), query)


def create_bridge(bridge_id: str) -> Command:
    return Command("POST", _path("bridges", bridge_id), {"type": "mixing,dtmf_events", "name": "vipline"})


def bridge(bridge_id: str) -> Command:
    return Command("GET", _path("bridges", bridge_id))


def destroy_bridge(bridge_id: str) -> Command:
    return Command("DELETE", _path("bridges", bridge_id))


def join_bridge(bridge_id: str, channel_ids: Sequence[str]) -> Command:
    return Command("POST", _path("bridges", bridge_id, "addChannel"), {"channel": ",".join(channel_ids)})


def leave_bridge(bridge_id: str, channel_id: str) -> Command:
    return Command("POST", _path("bridges", bridge_id, "removeChannel"), {"channel": channel_id})


def watch(app: str, sources: Sequence[str]) -> Command:
    return Command("POST", _path("applications", app, "subscription"), {"eventSource": ",".join(sources)})


def endpoint(name: str) -> Command:
    technology, _, resource = name.partition("/")
    return Command("GET", _path("endpoints", technology, resource))
