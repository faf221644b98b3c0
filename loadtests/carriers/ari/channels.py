"""Asterisk's channels and bridges: what is said of them, and what may happen to one at any moment."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.carriers.ari.contract import AriContract, Breach
from loadtests.carriers.ari.devices import Devices
from loadtests.carriers.ari.legs import AriLeg, FakeBridge, Playback, now
from loadtests.carriers.heard import Heard
from loadtests.carriers.phones import Bridge, Leg, Person
from loadtests.carriers.stand_in import StandIn

REPORTS = frozenset({"Dial", "ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed"})
"""What only tells how a channel fares. The rest of what it says is the conversation itself, in order, by TCP."""


class Channels(StandIn[AriLeg]):
    """`out`: what is to be said over the connection, while there is one; `connections`: how many there have been.

    `heard` is told how long after a channel came to us its first command was there.
    """

    def __init__(self, name: str, app: str, speed: float, reference: Path | None) -> None:
        super().__init__(speed)
        self.name, self.app = name, app
        self.out: asyncio.Queue[str] | None = None
        self.connections = 0
        self.heard: Heard | None = None
        self._came: dict[str, float] = {}
        self.channels: dict[str, AriLeg] = {}
        self.bridges: dict[str, FakeBridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.watched: set[str] = set()
        self.contract = AriContract.read(reference) if reference else None
        self.phones = Devices(self._device)

    # ------------------------------------------------------------ what it says

    def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        event = {"type": kind, "application": self.app, "timestamp": now(), "asterisk_id": self.name, **fields}
        self.check(event)
        return event

    def send(self, text: str) -> None:
        """Into the queue of whoever listens. Without a connection events are lost, as Asterisk's are."""
        if self.out is not None:
            self.out.put_nowait(text)

    def emit(self, kind: str, **fields: Any) -> None:
        event = self.event(kind, **fields)
        if kind in REPORTS and self.faults.happens(self.faults.reports_dropped):
            return
        text = json.dumps(event)
        if kind == "StasisStart" and self.heard is not None and self.out is not None:
            self._came[fields["channel"]["id"]] = time.time()
        self.send(text)
        if kind != "ChannelDtmfReceived" and self.faults.happens(self.faults.reports_twice):
            self.send(text)

    def commanded(self, channel_id: str) -> None:
        """The first time, that is our answer to whoever has come."""
        began = self._came.pop(channel_id, None)
        if began is not None and self.heard is not None:
            self.heard.acted("stasis-start", began)

    def check(self, message: Mapping[str, Any]) -> None:
        if self.contract is not None:
            try:
                self.contract.message(message)
            except Breach as breach:
                self.breaches.append(f"the far end itself: {breach}")

    def application_shown(self) -> dict[str, Any]:
        devices = [one.removeprefix("deviceState:") for one in self.watched]
        lists: dict[str, list[Any]] = {"endpoint_ids": [], "events_allowed": [], "events_disallowed": []}
        ids = {"channel_ids": list(self.channels), "bridge_ids": list(self.bridges), "device_names": devices}
        return {"name": self.app} | ids | lists

    def _device(self, device: str, state: str) -> None:
        if f"deviceState:{device}" in self.watched:
            self.emit("DeviceStateChanged", device_state={"name": device, "state": state})

    # ------------------------------------------------------------ what happens

    def new(
        self, channel_id: str, name: str, from_number: str, to_number: str, person: Person, inbound: bool = True
    ) -> AriLeg:
        return AriLeg(
            sid=channel_id, from_number=from_number, to_number=to_number, person=person, listener=self.listener,
            channel_id=channel_id, name=name, app=self.app, inbound=inbound,
        )  # fmt: skip

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        assert isinstance(leg, AriLeg)
        if not leg.over:
            self.emit("ChannelHangupRequest", channel=leg.shown())
            await self.end(leg, "hung up", 16)

    async def end(self, leg: AriLeg, why: str, cause: int, sip: int = 0) -> None:
        """The channel is gone, once and for all; nobody else's is."""
        if leg.over:
            return
        leg.over = True
        leg.status = "ended"
        if (far := leg.far) is not None:
            self.channels.pop(far.channel_id, None)
            self.emit("ChannelHangupRequest", channel=far.shown(), cause=16, soft=True)
            self.emit("ChannelDestroyed", channel=far.shown(), cause=cause, cause_txt="of the test")
        if leg.playback is not None:
            leg.playback.over.set()
        await self.leave(leg)
        if leg.args is not None:
            leg.args = None
            self.emit("StasisEnd", channel=leg.shown())
        self.channels.pop(leg.channel_id, None)
        self._came.pop(leg.channel_id, None)
        if not leg.inbound:  # a channel nobody asked for is not watched any longer than it is in the application
            told = {"cause": cause, "cause_txt": "of the test"} | ({"tech_cause": sip} if sip else {})
            self.emit("ChannelDestroyed", channel=leg.shown(), **told)
            self.phones.release(leg.name.rpartition("-")[0], leg.channel_id)
        await leg.tell(f"ended: {why}")
        if leg.task is not None and leg.task is not asyncio.current_task():
            leg.task.cancel()

    async def answered(self, leg: AriLeg) -> None:
        if leg.state != "Up":
            leg.state = "Up"
            leg.status = "in-progress"
            self.emit("ChannelStateChange", channel=leg.shown())
            await leg.tell("answered")
            self.after(leg.person.hangs_up_after_s, self.hang_up, leg)

    async def enter(self, leg: AriLeg, bridge: FakeBridge) -> None:
        """As soon as nothing is played to it."""
        async with leg.busy:
            if leg.over or leg.room is bridge:
                return
            await self.leave(leg)
            leg.room = bridge
            bridge.members.append(leg)
            self.emit("ChannelEnteredBridge", bridge=bridge.shown(), channel=leg.shown())
        if len(bridge.members) == 2:
            one, other = sorted(bridge.members, key=lambda member: not member.inbound)
            one.bridge = other.bridge = Bridge(one, other)
            await one.tell(f"bridged: {other.to_number}")
            await other.tell(f"bridged: {one.from_number if one.inbound else one.to_number}")
            for member in (one, other):
                self.after(member.person.talks_s, self.hang_up, member)
        elif len(bridge.members) > 2:
            self.breaches.append(f"a third one in bridge {bridge.id}")

    async def leave(self, leg: AriLeg) -> None:
        bridge, leg.room = leg.room, None
        if bridge is None:
            return
        bridge.members.remove(leg)
        self.emit("ChannelLeftBridge", bridge=bridge.shown(), channel=leg.shown())
        if (talk := leg.bridge) is not None:
            talk.over.set()
            talk.caller.bridge = talk.agent.bridge = None
