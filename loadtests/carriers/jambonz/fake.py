"""jambonz itself: numbers that are called, legs that are placed and changed, and its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from loadtests.carriers.jambonz.asking import Asking, arrival
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.lines import Lines
from loadtests.carriers.jambonz.player import Player
from loadtests.carriers.jambonz.rest import RestApi
from loadtests.carriers.jambonz.voice import HungUp
from loadtests.carriers.phones import Person
from loadtests.carriers.stand_in import served


class FakeJambonz(Lines):
    """`speed`: jambonz's seconds in one of ours. `schemas`: the unpacked `@jambonz/schema`, None: nothing is checked.

    `ignored_updates`: so many updates are accepted and then have no effect.
    """

    def __init__(self, secret: str, *, speed: float = 50.0, schemas: Path | None = None) -> None:
        super().__init__(secret, speed, schemas)
        self.ignored_updates = 0
        self.base = ""
        self._numbers: dict[str, tuple[str, str]] = {}
        self._player = Player(self)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        """Serves `base`."""
        async with served(RestApi(self, self.place, self.update).application(), shutdown_s=0.5) as self.base:
            self.asking = Asking(self.secret, self.faults, self.breaches, self.schemas, self.speed)
            async with self.asking.session:
                yield

    def number(self, number: str, voice_url: str, status_url: str) -> None:
        """Which application answers when this number is called."""
        self._numbers[number] = (voice_url, status_url)

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> JambonzLeg:
        """Somebody calls one of our numbers. `extra`: `trunk`, the trunk it comes in by; all else are SIP headers."""
        voice_url, status_url = self._numbers[to_number]
        leg = JambonzLeg(
            account=self.account, direction="inbound", from_number=from_number, to_number=to_number,
            person=person or Person(), extra=extra, status="trying", status_url=status_url,
            trunk=extra.get("trunk", ""),
        )  # fmt: skip
        self.know(leg)
        self.report(leg)
        leg.task = self.start(self._run(leg, self._player.run, "session-new", voice_url, arrival(leg)))
        self.after(leg.person.hangs_up_after_s, self.hang_up, leg)
        return leg

    def place(self, body: Mapping[str, Any]) -> JambonzLeg:
        """A leg is created over REST."""
        to = body["to"]
        number = to.get("number") or to.get("sipUri") or to["name"]
        leg = JambonzLeg(
            account=self.account, direction="outbound", from_number=body["from"], to_number=number,
            person=self.people.get(number, Person()), status="trying", tag=body.get("tag"),
            status_url=body.get("call_status_hook", {}).get("url", ""),
        )  # fmt: skip
        self.know(leg)
        leg.task = self.start(self._ring(leg, body["call_hook"]["url"], float(body.get("timeout", 60))))
        return leg

    def update(self, leg: JambonzLeg, body: Mapping[str, Any]) -> None:
        """Accepted; it takes effect a little later, if at all."""
        if self.ignored_updates > 0:
            self.ignored_updates -= 1
        elif "call_hook" in body:
            self.start(self._redirect(leg, body["call_hook"]["url"]))
        elif body.get("call_status") == "completed":
            self.start(self.end(leg, "completed", 200))
        elif body.get("call_status") == "no-answer":
            self.start(self.end(leg, "no-answer", 487))

    # ------------------------------------------------------------ how

    async def _run(self, leg: JambonzLeg, play: Callable[..., Awaitable[None]], *given: Any) -> None:
        """Plays to a leg, whose end is the end of that."""
        try:
            await play(leg, *given)
        except HungUp as hung_up:
            await self.end(leg, hung_up.status, hung_up.sip)
        else:
            await self.end(leg, "completed")

    async def _redirect(self, leg: JambonzLeg, url: str) -> None:
        """The new document is fetched while the old one goes on; only its verbs end that."""
        verbs = await self._player.voice.follow(leg, "session-redirect", url, {})
        if not verbs or leg.ended:
            return
        await leg.stop()
        await leg.tell(f"redirected: {url}")
        leg.task = self.start(self._run(leg, self._player.play, verbs))

    async def _ring(self, leg: JambonzLeg, url: str, timeout_s: float) -> None:
        self.report(leg)
        await self.sleep(0.5)
        leg.status, leg.sip_status = "ringing", 180
        await leg.tell("ringing")
        self.report(leg)
        await self.sleep(leg.person.rings_s(timeout_s))
        if not leg.person.takes_within(timeout_s):
            await self.end(leg, *self.outcome(leg.person))
            return
        await self.answer(leg)
        self.after(leg.person.hangs_up_after_s, self.hang_up, leg)
        await self._run(leg, self._player.run, "session-new", url, {})
