"""Asterisk itself: telephones that call and are called, its API, and its wires."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from loadtests.carriers.ari.channels import Channels
from loadtests.carriers.ari.legs import AriLeg
from loadtests.carriers.ari.people import People
from loadtests.carriers.ari.rest import Reply, Rest
from loadtests.carriers.ari.wires import Wires
from loadtests.carriers.phones import Person
from loadtests.carriers.stand_in import served


class FakeAsterisk(Channels):
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
        super().__init__(name, app, speed, reference)
        self.user, self.password = user, password
        self.aliases: dict[str, str] = {}
        self.base = ""
        self.connects_to = connects_to
        self.sounds = sounds
        self._people = People(self, sounds)
        self.rest = Rest(self, self._people, self.place, delay_ms)
        self.wires = Wires(self, user, password, self.take)
        self._numbers = count(1)

    async def take(self, method: str, path: str, query: dict[str, str]) -> Reply:
        """A command, whichever way it came."""
        return await self.rest.take(method, path, query)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        """Serves `base`, and connects to us where it is to."""
        async with served(self.wires.application(), shutdown_s=0.2) as self.base:
            if self.connects_to:
                self.start(self.wires.connect(self.connects_to))
            try:
                yield
            finally:
                await self.wires.drop()

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> AriLeg:
        """Somebody calls. `extra` is what the dialplan tells our application; `endpoint`: whose trunk it came by."""
        endpoint = extra.pop("endpoint", "PJSIP/trunk")
        number = next(self._numbers)
        leg = self.new(f"1700000000.{number}", f"{endpoint}-{number:08x}", from_number, to_number, person or Person())
        leg.sid, leg.state = f"{self.name}:{leg.channel_id}", "Ring"
        self.know(leg)
        args = ["caller", f"to={to_number}", *(f"{name}={value}" for name, value in extra.items())]
        leg.task = self.start(self._people.arrive(leg, args))
        return leg

    async def place(self, channel_id: str, query: Mapping[str, str]) -> AriLeg:
        """A leg is originated."""
        endpoint = query["endpoint"]
        target = self.aliases.get(endpoint) or dialled(endpoint)
        person = self.people.get(target, Person())
        name = f"{endpoint.partition('@')[0]}-{next(self._numbers):08x}"
        leg = self.new(channel_id, name, query.get("callerId", ""), target, person, inbound=False)
        self.know(leg)
        if far_id := query.get("otherChannelId"):
            leg.far = self.channels[far_id] = self.new(far_id, f"{name};2", "", target, Person(), inbound=False)
            self.emit("Dial", peer=leg.far.shown() | {"id": f"1700000000.{next(self._numbers)}"}, dialstatus="RINGING")
        args = query.get("appArgs", "").split(",")
        leg.task = self.start(self._people.ring(leg, endpoint, args, float(query.get("timeout", "30"))))
        return leg

    def know(self, leg: AriLeg) -> AriLeg:
        self.channels[leg.channel_id] = super().know(leg)
        self.start(self._people.fingers(leg))
        return leg


def dialled(endpoint: str) -> str:
    """Whom an endpoint stands for: `PJSIP/+12025550123@trunk` is a number, `PJSIP/100` a telephone."""
    resource, at, _ = endpoint.partition("/")[2].partition("@")
    return resource if at else endpoint
