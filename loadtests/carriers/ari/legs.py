"""Asterisk's channels and bridges, and how they are shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loadtests.carriers.phones import Leg


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


@dataclass(eq=False)
class Playback:
    id: str
    media: list[str]
    channel_id: str
    state: str = "queued"
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def shown(self) -> dict[str, Any]:
        shown = {"id": self.id, "media_uri": self.media[0], "target_uri": f"channel:{self.channel_id}"}
        return shown | {"language": "en", "state": self.state}


@dataclass(eq=False, kw_only=True)
class AriLeg(Leg):
    """A channel. `state` is Asterisk's word; `args`: of its Stasis application while it is in it, else None.

    `busy`: held by whatever runs on the channel; a playback lets nothing else begin. `asks`: the sound that is heard.
    `far`: a Local channel's other half, the one the dialplan has.
    """

    channel_id: str
    name: str
    app: str
    inbound: bool
    state: str = "Down"
    args: list[str] | None = None
    music: str | None = None
    playback: Playback | None = None
    room: FakeBridge | None = None
    far: AriLeg | None = None
    over: bool = False
    created: str = field(default_factory=now)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def ended(self) -> bool:
        return self.over

    def shown(self) -> dict[str, Any]:
        number, other = (self.from_number, self.to_number) if self.inbound else (self.to_number, self.from_number)
        app = {"app_name": "Stasis", "app_data": ",".join([self.app, *self.args])} if self.args is not None else {}
        return {
            "id": self.channel_id,
            "protocol_id": f"{self.channel_id}@far.example",
            "name": self.name,
            "state": self.state,
            "caller": {"name": "", "number": number},
            "connected": {"name": "", "number": other},
            "accountcode": "",
            "dialplan": {
                "context": "from-trunk",
                "exten": self.to_number if self.inbound else "",
                "priority": 2,
                "app_name": "",
                "app_data": "",
            }
            | app,
            "creationtime": self.created,
            "language": "en",
        }


@dataclass(eq=False)
class FakeBridge:
    id: str
    name: str
    kind: str
    members: list[AriLeg] = field(default_factory=list)
    created: str = field(default_factory=now)

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "technology": "simple_bridge",
            "bridge_type": "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": self.name,
            "channels": [leg.channel_id for leg in self.members],
            "creationtime": self.created,
            "video_mode": "talker",
        }
