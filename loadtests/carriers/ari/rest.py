"""Asterisk's API: each command checked, delayed as Asterisk's own are, and carried out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from loadtests.carriers.ari.channels import Channels
from loadtests.carriers.ari.contract import Breach
from loadtests.carriers.ari.legs import AriLeg, FakeBridge, Playback
from loadtests.carriers.ari.people import People

Reply = tuple[int, Any]
SLOW_S = 1.0
CLOSED = -1
"""The connection ends without a word."""
EMPTY: Reply = (204, None)


class Refusal(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Rest:
    """`place`: id, query → a leg that is originated. `delay_ms`: what every command takes, by our clock.

    `counts`: commands by their name.
    """

    def __init__(
        self,
        asterisk: Channels,
        people: People,
        place: Callable[[str, dict[str, str]], Awaitable[AriLeg]],
        delay_ms: float,
    ) -> None:
        self._asterisk = asterisk
        self._people = people
        self._place = place
        self.delay_ms = delay_ms
        self.counts: Counter[str] = Counter()
        self.log: list[tuple[str, str]] = []

    async def take(self, method: str, path: str, query: dict[str, str]) -> Reply:
        asterisk = self._asterisk
        parts = [unquote(part) for part in path.strip("/").split("/")]
        name = _name(method, parts)
        self.counts[name] += 1
        self.log.append((name, path))
        for channel_id in _meant(parts, query):
            asterisk.commanded(channel_id)
        if asterisk.contract is not None:
            try:
                asterisk.contract.command(method, path, query)
            except Breach as breach:
                asterisk.breaches.append(str(breach))
                return 400, {"message": str(breach)}
        fault = asterisk.faults.take_rest(name)
        if fault == "busy":
            return 503, {"message": "busy"}
        if fault == "broken":
            return 500, {"message": "Internal Server Error"}
        if fault == "silent":
            return CLOSED, None
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1_000)
        try:
            reply = await self._do(name, parts, query)
        except Refusal as refusal:
            reply = refusal.status, {"message": "refused"}
        if fault == "lost":
            return CLOSED, None
        if fault == "slow":
            await asyncio.sleep(SLOW_S)
        return reply

    async def _do(self, name: str, parts: list[str], query: dict[str, str]) -> Reply:
        asterisk = self._asterisk
        if name == "channels":
            return 200, [leg.shown() for leg in asterisk.channels.values()]
        if name == "bridges":
            return 200, [bridge.shown() for bridge in asterisk.bridges.values()]
        if name == "originate":
            return await self._originate(parts[1], query)
        if name == "watch":
            asterisk.watched.update(query["eventSource"].split(","))
            return 200, asterisk.application_shown()
        if name == "endpoint":
            return 200, asterisk.phones.shown(f"{parts[1]}/{parts[2]}")
        if name == "stop":
            return await self._stop(parts[1])
        if parts[0] == "bridges":
            return await self._bridge(name, parts[1], query)
        return await self._channel(name, parts, query)

    async def _channel(self, name: str, parts: list[str], query: dict[str, str]) -> Reply:
        asterisk, leg = self._asterisk, self._leg(parts[1])
        if name == "channel":
            return 200, leg.shown()
        if name == "hang_up":
            causes = {"busy": 17, "rejected": 21, "no_answer": 19}
            await asterisk.end(leg, "by us", causes.get(query.get("reason", ""), 16))
            return EMPTY
        if leg.args is None:
            raise Refusal(409)
        if name == "answer":
            await asterisk.answered(leg)
        elif name == "play":
            playback = Playback(parts[3], query["media"].split(","), leg.channel_id)
            asterisk.playbacks[playback.id] = playback
            asterisk.start(self._people.play(leg, playback))
            return 201, playback.shown()
        elif name == "music":
            leg.music = query.get("mohClass", "default")
            await leg.tell(f"queue: {leg.music}")
        elif name == "quiet":
            leg.music = None
        elif name != "ring":
            raise NotImplementedError(name)
        return EMPTY

    async def _originate(self, channel_id: str, query: dict[str, str]) -> Reply:
        asterisk = self._asterisk
        if channel_id in asterisk.channels or query.get("otherChannelId") in asterisk.channels:
            raise Refusal(409)
        leg = await self._place(channel_id, query)
        return 200, leg.shown()

    async def _stop(self, playback_id: str) -> Reply:
        playback = self._asterisk.playbacks.get(playback_id)
        if playback is None:
            raise Refusal(404)
        playback.over.set()
        return EMPTY

    async def _bridge(self, name: str, bridge_id: str, query: dict[str, str]) -> Reply:
        asterisk = self._asterisk
        if name == "create_bridge":
            if bridge_id in asterisk.bridges:
                raise Refusal(409)
            bridge = FakeBridge(bridge_id, query.get("name", ""), query.get("type", ""))
            asterisk.bridges[bridge_id] = bridge
            return 200, bridge.shown()
        found = asterisk.bridges.get(bridge_id)
        if found is None:
            raise Refusal(404)
        if name == "bridge":
            return 200, found.shown()
        if name == "destroy_bridge":
            for leg in list(found.members):
                await asterisk.leave(leg)
            del asterisk.bridges[bridge_id]  # nobody is told who is not in it
            return EMPTY
        ids = query["channel"].split(",")
        if any(one not in asterisk.channels for one in ids):
            raise Refusal(400)
        for member in [asterisk.channels[one] for one in ids]:
            if member.args is None:
                raise Refusal(422)
            if name == "join_bridge":
                await asterisk.enter(member, found)
            elif member.room is found:
                await asterisk.leave(member)
            else:
                raise Refusal(422)
        return EMPTY

    def _leg(self, channel_id: str) -> AriLeg:
        leg = self._asterisk.channels.get(channel_id)
        if leg is None:
            raise Refusal(404)
        return leg


_NAMES = {
    ("GET", "channels", ""): "channels",
    ("GET", "bridges", ""): "bridges",
    ("POST", "channels", ""): "originate",
    ("DELETE", "channels", ""): "hang_up",
    ("POST", "channels", "answer"): "answer",
    ("POST", "channels", "play"): "play",
    ("POST", "channels", "moh"): "music",
    ("DELETE", "channels", "moh"): "quiet",
    ("POST", "channels", "ring"): "ring",
    ("DELETE", "channels", "ring"): "ring",
    ("DELETE", "playbacks", ""): "stop",
    ("POST", "bridges", ""): "create_bridge",
    ("DELETE", "bridges", ""): "destroy_bridge",
    ("POST", "bridges", "addChannel"): "join_bridge",
    ("POST", "bridges", "removeChannel"): "leave_bridge",
    ("POST", "applications", "subscription"): "watch",
}


def _meant(parts: list[str], query: dict[str, str]) -> list[str]:
    """The channels a command is about: who comes into a bridge may have heard of nothing before."""
    if parts[0] == "channels":
        return parts[1:2]
    return query.get("channel", "").split(",") if parts[0] == "bridges" else []


def _name(method: str, parts: list[str]) -> str:
    if method == "GET" and len(parts) > 1:
        return {"channels": "channel", "bridges": "bridge", "endpoints": "endpoint"}.get(parts[0], parts[0])
    return _NAMES.get((method, parts[0], parts[2] if len(parts) > 2 else ""), f"{method} {parts[0]}")
