"""Asterisk itself: channels, bridges and phones, and what may happen to a channel at any moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web

from loadtests.carriers.ari.contract import AriContract, Breach
from loadtests.carriers.ari.devices import Devices
from loadtests.carriers.ari.legs import AriLeg, FakeBridge, Playback, now
from loadtests.carriers.ari.people import People
from loadtests.carriers.ari.rest import Rest
from loadtests.carriers.ari.wires import Wires
from loadtests.carriers.carrier import newest_to, until_newest_to
from loadtests.carriers.faults import Faults
from loadtests.carriers.phones import Bridge, Leg, Person
from loadtests.carriers.tasks import Tasks

REPORTS = frozenset({"Dial", "ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed"})
"""What only tells how a channel fares. The rest of what it says is the conversation itself, in order, by TCP."""


class FakeAsterisk:
    """`name`: as the plan calls it. `speed`: its seconds in one of ours. `delay_ms`: what every command takes, by our
    clock. `reference`: folder of the descriptions to check by. `sounds`: where texts are rendered to.
    `connects_to`: we are connected to by it, at this address.
    """

    def __init__(
        self,
        password: str = "secret",
        *,
        name: str = "pbx1",
        user: str = "vipline",
        app: str = "vipline",
        speed: float = 50.0,
        delay_ms: float = 0.0,
        reference: Path | None = None,
        sounds: Path | None = None,
        connects_to: str = "",
    ) -> None:
        self.name, self.user, self.password, self.app = name, user, password, app
        self.speed = speed
        self.delay_ms = delay_ms
        self.connects_to = connects_to
        self.faults = Faults()
        self.breaches: list[str] = []
        self.people: dict[str, Person] = {}
        self.aliases: dict[str, str] = {}
        self.legs: dict[str, AriLeg] = {}
        self.channels: dict[str, AriLeg] = {}
        self.bridges: dict[str, FakeBridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.watched: set[str] = set()
        self.listener: Callable[[Leg, str], None] | None = None
        self.contract = AriContract.read(reference) if reference else None
        self.base = ""
        self.rest = Rest(self)
        self.wires = Wires(self)
        self.phones = Devices(self._device)
        self.sounds = sounds
        self._numbers = count(1)
        self._tasks = Tasks()
        self._people = People(self)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeAsterisk]:
        """Serves `base`; leaving it hangs everybody up and fails on any breach."""
        runner = web.AppRunner(self.wires.application(), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        if self.connects_to:
            self.start(self.wires.connect(self.connects_to))
        try:
            yield self
        finally:
            await self.fall_silent()
            await self.wires.drop()
            await runner.cleanup()
        assert not self.breaches, "\n".join(self.breaches)
        if self._tasks.failures:
            raise self._tasks.failures[0]

    async def fall_silent(self) -> None:
        await self._tasks.stop()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.start(work)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    # ------------------------------------------------------------ what it says

    def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        event = {"type": kind, "application": self.app, "timestamp": now(), "asterisk_id": self.name, **fields}
        self.check(event)
        return event

    def emit(self, kind: str, **fields: Any) -> None:
        event = self.event(kind, **fields)
        if kind in REPORTS and self.faults.happens(self.faults.reports_dropped):
            return
        text = json.dumps(event)
        self.wires.send(text)
        if kind != "ChannelDtmfReceived" and self.faults.happens(self.faults.reports_twice):
            self.wires.send(text)

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

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> AriLeg:
        """Somebody calls. `extra` is what the dialplan tells our application; `endpoint`: whose trunk it came by."""
        endpoint = extra.pop("endpoint", "PJSIP/trunk")
        number = next(self._numbers)
        leg = self._new(f"1700000000.{number}", f"{endpoint}-{number:08x}", from_number, to_number, person or Person())
        leg.sid, leg.state = f"{self.name}:{leg.channel_id}", "Ring"
        self._know(leg)
        args = ["caller", f"to={to_number}", *(f"{name}={value}" for name, value in extra.items())]
        leg.task = self.start(self._people.arrive(leg, args))
        return leg

    async def place(self, channel_id: str, query: Mapping[str, str]) -> AriLeg:
        """A leg is originated."""
        endpoint = query["endpoint"]
        target = self.aliases.get(endpoint) or dialled(endpoint)
        person = self.people.get(target, Person())
        name = f"{endpoint.partition('@')[0]}-{next(self._numbers):08x}"
        leg = self._new(channel_id, name, query.get("callerId", ""), target, person, inbound=False)
        self._know(leg)
        self.emit("ChannelCreated", channel=leg.shown())
        args = query.get("appArgs", "").split(",")
        leg.task = self.start(self._people.ring(leg, endpoint, args, float(query.get("timeout", "30"))))
        return leg

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        assert isinstance(leg, AriLeg)
        if not leg.over:
            self.emit("ChannelHangupRequest", channel=leg.shown(), cause=16)
            await self.end(leg, "hung up", 16)

    async def end(self, leg: AriLeg, why: str, cause: int, sip: int = 0) -> None:
        """The channel is gone, once and for all; nobody else's is."""
        if leg.over:
            return
        leg.over = True
        leg.status = "ended"
        if leg.playback is not None:
            leg.playback.over.set()
        await self.leave(leg)
        if leg.args is not None:
            leg.args = None
            self.emit("StasisEnd", channel=leg.shown())
        self.channels.pop(leg.channel_id, None)
        told = {"cause": cause, "cause_txt": "of the test"} | ({"tech_cause": sip} if sip else {})
        self.emit("ChannelDestroyed", channel=leg.shown(), **told)
        if not leg.inbound:
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
            if leg.person.hangs_up_after_s is not None:
                self.start(self._hang_up_later(leg, leg.person.hangs_up_after_s))

    async def play(self, leg: AriLeg, playback: Playback) -> None:
        """One thing after the other; music ends, and does not come back by itself."""
        async with leg.busy:
            leg.playback, leg.music, playback.state = playback, None, "playing"
            self.emit("PlaybackStarted", playback=playback.shown())
            for media in playback.media:
                if playback.over.is_set() or leg.over:
                    break
                await self._people.hear(leg, playback, media)
            leg.playback = None
            playback.state = "failed" if leg.over else "done"
            self.playbacks.pop(playback.id, None)
            self.emit("PlaybackFinished", playback=playback.shown())

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
                if member.person.talks_s is not None:
                    self.start(self._hang_up_later(member, member.person.talks_s))
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

    def leg_to(self, number: str) -> AriLeg:
        leg = newest_to(self.legs, number)
        assert isinstance(leg, AriLeg)
        return leg

    async def until_leg_to(self, number: str, count: int = 1, timeout_s: float = 10.0) -> AriLeg:
        leg = await until_newest_to(self.legs, number, count, timeout_s)
        assert isinstance(leg, AriLeg)
        return leg

    # ------------------------------------------------------------ how

    def _new(
        self, channel_id: str, name: str, from_number: str, to_number: str, person: Person, inbound: bool = True
    ) -> AriLeg:
        return AriLeg(
            sid=channel_id, from_number=from_number, to_number=to_number, person=person, listener=self.listener,
            channel_id=channel_id, name=name, app=self.app, inbound=inbound,
        )  # fmt: skip

    def _know(self, leg: AriLeg) -> None:
        self.legs[leg.sid] = self.channels[leg.channel_id] = leg
        self.start(self._people.fingers(leg))

    async def _hang_up_later(self, leg: AriLeg, seconds: float) -> None:
        await self.sleep(seconds)
        await self.hang_up(leg)


def dialled(endpoint: str) -> str:
    """Whom an endpoint stands for: `PJSIP/+12025550123@trunk` is a number, `PJSIP/100` a telephone."""
    resource, at, _ = endpoint.partition("/")[2].partition("@")
    return resource if at else endpoint
