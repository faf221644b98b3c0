"""jambonz itself: an account, numbers, legs and rooms, and what may happen to a leg at any moment."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from loadtests.carriers.carrier import newest_to, until_newest_to
from loadtests.carriers.faults import Faults
from loadtests.carriers.jambonz.asking import Asking, about, arrival
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.player import Player
from loadtests.carriers.jambonz.rest import RestApi
from loadtests.carriers.jambonz.rooms import HungUp
from loadtests.carriers.jambonz.schemas import Schemas
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.tasks import Tasks

ACCOUNT = "fef61e75-cec3-496c-a7bc-8368e4d02a04"
KEY = "a-key-of-the-test"
_OUTCOMES = {
    "busy": ("busy", 486),
    "no_answer": ("no-answer", 487),
    "answers": ("no-answer", 487),
    "declines": ("busy", 603),
    "device": ("failed", 404),
    "network": ("failed", 503),
}


class FakeJambonz:
    """`speed`: jambonz's seconds in one of ours. `schemas`: the unpacked `@jambonz/schema`, None: nothing is checked.

    `ignored_updates`: so many updates are accepted and then have no effect.
    """

    def __init__(self, secret: str, *, speed: float = 50.0, schemas: Path | None = None) -> None:
        self.secret = secret
        self.account = ACCOUNT
        self.key = KEY
        self.speed = speed
        self.faults = Faults()
        self.ignored_updates = 0
        self.breaches: list[str] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.people: dict[str, Person] = {}
        self.legs: dict[str, JambonzLeg] = {}
        self.schemas = Schemas.read(schemas) if schemas else None
        self.base = ""
        self.listener: Callable[[Leg, str], None] | None = None
        self.asking: Asking
        self._numbers: dict[str, tuple[str, str]] = {}
        self._player = Player(self)
        self._tasks = Tasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeJambonz]:
        """Serves `base`; leaving it hangs everybody up and fails on any breach."""
        runner = web.AppRunner(RestApi(self).application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.asking = Asking(self.secret, self.faults, self.breaches, self.schemas, self.speed)
        try:
            yield self
        finally:
            await self.fall_silent()
            await self.asking.session.close()
            await runner.cleanup()
        assert not self.breaches, "\n".join(self.breaches)
        if self._tasks.failures:
            raise self._tasks.failures[0]

    async def fall_silent(self) -> None:
        """Nothing happens any more; to be called before those who are asked go away."""
        await self._tasks.stop()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.start(work)

    # ------------------------------------------------------------ what happens

    def number(self, number: str, voice_url: str, status_url: str) -> None:
        """Which application answers when this number is called."""
        self._numbers[number] = (voice_url, status_url)

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> JambonzLeg:
        """Somebody calls one of our numbers. `extra`: `trunk`, the trunk it comes in by; all else are SIP headers."""
        voice_url, status_url = self._numbers[to_number]
        leg = self._new("inbound", from_number, to_number, person or Person(), extra)
        leg.status, leg.status_url, leg.trunk = "trying", status_url, extra.get("trunk", "")
        self._report(leg)
        leg.task = self.start(self._run(leg, "session-new", voice_url, arrival(leg)))
        self._limit(leg)
        return leg

    def place(self, body: Mapping[str, Any]) -> JambonzLeg:
        """A leg is created over REST."""
        to = body["to"]
        number = to.get("number") or to.get("sipUri") or to["name"]
        leg = self._new("outbound", body["from"], number, self.people.get(number, Person()), {})
        leg.status, leg.tag = "trying", body.get("tag")
        leg.status_url = body.get("call_status_hook", {}).get("url", "")
        leg.task = self.start(self._ring(leg, body["call_hook"]["url"], float(body.get("timeout", 60))))
        return leg

    def hand_over(self, caller: JambonzLeg, number: str, person: Person) -> JambonzLeg:
        """The leg a dial makes; it runs nothing of ours, and is reported where its caller is."""
        leg = self._new("outbound", caller.from_number, number, person, {})
        leg.status, leg.status_url = "ringing", caller.status_url
        self._report(leg)
        return leg

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        assert isinstance(leg, JambonzLeg)
        answered = leg.status == "in-progress"
        await self.end(leg, "completed" if answered else "no-answer", 200 if answered else 487, by="caller")

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

    async def answer(self, leg: JambonzLeg) -> None:
        if leg.status != "in-progress":
            leg.status, leg.sip_status = "in-progress", 200
            await leg.tell("answered")
            self._report(leg)

    async def end(self, leg: JambonzLeg, status: str, sip: int = 200, by: str = "jambonz") -> None:
        """The leg is over, once and for all."""
        if leg.ended:
            return
        leg.status, leg.sip_status = status, sip
        await leg.tell(f"ended: {status}")
        await self._unwind(leg)
        self._report(leg, {"duration": 7, "call_termination_by": by} if status == "completed" else {})

    def outcome(self, person: Person) -> tuple[str, int]:
        """How a leg ends that nobody took."""
        return _OUTCOMES[person.picks]

    def leg_to(self, number: str) -> JambonzLeg:
        """The newest leg placed to a number."""
        leg = newest_to(self.legs, number)
        assert isinstance(leg, JambonzLeg)
        return leg

    async def until_leg_to(self, number: str, count: int = 1, timeout_s: float = 10.0) -> JambonzLeg:
        """The newest leg to a number, once so many have been placed."""
        await until_newest_to(self.legs, number, count, timeout_s)
        return self.leg_to(number)

    # ------------------------------------------------------------ how

    def _new(
        self, direction: str, from_number: str, to_number: str, person: Person, extra: Mapping[str, str]
    ) -> JambonzLeg:
        leg = JambonzLeg(
            sid=str(uuid.uuid4()),
            account=self.account,
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            person=person,
            extra=extra,
            listener=self.listener,
        )
        self.legs[leg.sid] = leg
        return leg

    def _limit(self, leg: JambonzLeg) -> None:
        if leg.person.hangs_up_after_s is not None:
            self.start(self._hang_up_later(leg, leg.person.hangs_up_after_s))

    async def _hang_up_later(self, leg: JambonzLeg, seconds: float) -> None:
        await self.sleep(seconds)
        await self.hang_up(leg)

    async def _run(self, leg: JambonzLeg, kind: str, url: str, told: dict[str, Any]) -> None:
        try:
            await self._player.run(leg, kind, url, told)
        except HungUp as hung_up:
            await self.end(leg, hung_up.status, hung_up.sip)
        else:
            await self.end(leg, "completed")

    async def _replay(self, leg: JambonzLeg, verbs: list[dict[str, Any]]) -> None:
        try:
            await self._player.play(leg, verbs)
        except HungUp as hung_up:
            await self.end(leg, hung_up.status, hung_up.sip)
        else:
            await self.end(leg, "completed")

    async def _redirect(self, leg: JambonzLeg, url: str) -> None:
        """The new document is fetched while the old one goes on; only its verbs end that."""
        verbs = await self._player.follow(leg, "session-redirect", url, {})
        if not verbs or leg.ended:
            return
        await self._unwind(leg)
        await leg.tell(f"redirected: {url}")
        leg.task = self.start(self._replay(leg, verbs))

    async def _ring(self, leg: JambonzLeg, url: str, timeout_s: float) -> None:
        self._report(leg)
        await self.sleep(0.5)
        leg.status, leg.sip_status = "ringing", 180
        await leg.tell("ringing")
        self._report(leg)
        person = leg.person
        if person.picks == "no_answer" or (person.picks == "answers" and person.after_s > timeout_s):
            await self.sleep(timeout_s)
            await self.end(leg, "no-answer", 487)
            return
        await self.sleep(person.after_s)
        if person.picks != "answers":
            await self.end(leg, *self.outcome(person), by="caller")
            return
        await self.answer(leg)
        self._limit(leg)
        await self._run(leg, "session-new", url, {})

    async def _unwind(self, leg: JambonzLeg) -> None:
        """Ends what the leg was doing."""
        task, leg.task = leg.task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})

    def _report(self, leg: JambonzLeg, more: Mapping[str, Any] | None = None) -> None:
        """One status hook, in its own time: perhaps late, twice, or never."""
        if leg.status_url:
            told = about(leg) | dict(more or {})
            for late_s in self.faults.report_delays():
                self.start(self._report_later(leg.status_url, told, late_s))

    async def _report_later(self, url: str, told: Mapping[str, Any], late_s: float) -> None:
        await self.sleep(late_s)
        await self.asking.report("call-status", url, told)
