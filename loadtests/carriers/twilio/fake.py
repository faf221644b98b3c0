"""Twilio itself: accounts, numbers, legs and queues, and what may happen to a leg at any moment."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from loadtests.carriers.carrier import newest_to, until_newest_to
from loadtests.carriers.faults import Faults
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.tasks import Tasks
from loadtests.carriers.twilio.asking import Asking, about, progress
from loadtests.carriers.twilio.contract import RestContract, TwimlContract
from loadtests.carriers.twilio.legs import Queue, TwilioLeg
from loadtests.carriers.twilio.player import HungUp, Player
from loadtests.carriers.twilio.rest import RestApi

ACCOUNT = "AC" + "a" * 32
_OUTCOMES = {
    "busy": ("busy", "486"),
    "no_answer": ("no-answer", "487"),
    "declines": ("busy", "603"),
    "device": ("failed", "404"),
    "network": ("failed", "503"),
}


class FakeTwilio:
    """`speed`: Twilio's seconds in one of ours. `reference`: folder of the descriptions to check by."""

    def __init__(
        self, token: str, *, account: str = ACCOUNT, speed: float = 50.0, reference: Path | None = None
    ) -> None:
        self.token = token
        self.account = account
        self.accounts = {account: token}
        self.speed = speed
        self.faults = Faults()
        self.breaches: list[str] = []
        self.requests: list[tuple[str, list[tuple[str, str]]]] = []
        self.people: dict[str, Person] = {}
        self.legs: dict[str, TwilioLeg] = {}
        self.queues: dict[str, Queue] = {}
        self.rest_contract = RestContract.read(reference) if reference else None
        self.twiml = TwimlContract.read(reference) if reference else None
        self.base = ""
        self.listener: Callable[[Leg, str], None] | None = None
        self.timed: Callable[[str, float], None] | None = None
        self.asking: Asking
        self._numbers: dict[str, tuple[str, str, str]] = {}
        self._player = Player(self)
        self._tasks = Tasks()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeTwilio]:
        """Serves `base`; leaving it hangs everybody up and fails on any breach."""
        runner = web.AppRunner(RestApi(self).application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.asking = Asking(self.token, self.faults, self.breaches)
        self.asking.timed = self.timed
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

    # ------------------------------------------------------------ what happens

    def number(self, number: str, voice_url: str, status_url: str, fallback_url: str = "") -> None:
        """Who is asked when this number is called."""
        self._numbers[number] = (voice_url, status_url, fallback_url)

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> TwilioLeg:
        """Somebody calls one of our numbers. `extra` is told with every request: StirVerstat, ForwardedFrom…"""
        voice_url, status_url, fallback_url = self._numbers[to_number]
        leg = self._new(self.account, "inbound", from_number, to_number, person or Person(), extra)
        leg.status, leg.status_url, leg.fallback_url = "ringing", status_url, fallback_url
        leg.task = self._tasks.start(self._run(leg, voice_url))
        self._limit(leg)
        return leg

    def place(self, account: str, form: Mapping[str, str], events: frozenset[str]) -> TwilioLeg:
        """A leg is created over REST."""
        to_number = form["To"]
        person = self.people.get(to_number, Person())
        leg = self._new(account, "outbound-api", form["From"], to_number, person, {})
        leg.status_url = form.get("StatusCallback", "")
        leg.status_events = events or frozenset({"completed"})
        leg.task = self._tasks.start(self._ring(leg, form["Url"], float(form.get("Timeout", "60"))))
        return leg

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        assert isinstance(leg, TwilioLeg)
        if not leg.ended:
            await self.end(leg, "completed" if leg.status == "in-progress" else "canceled")

    async def redirect(self, leg: TwilioLeg, url: str) -> None:
        """Out of whatever it hears, to another document. What a queue or a talk would have told is told at once."""
        await self._unwind(leg, "redirected")
        await leg.tell(f"redirected: {url}")
        leg.task = self._tasks.start(self._run(leg, url))

    async def end(self, leg: TwilioLeg, status: str, sip: str = "") -> None:
        """The leg is over, once and for all."""
        if leg.ended:
            return
        leg.status = status
        await leg.tell(f"ended: {status}")
        await self._unwind(leg, "hangup")
        if leg.direction == "inbound":
            if leg.status_url:
                self._report(leg, about(leg) | {"CallDuration": "7"})
        else:
            self._report(leg, progress(leg, sip), "completed")

    def queue(self, name: str) -> Queue:
        if name not in self.queues:
            self.queues[name] = Queue(f"QU{secrets.token_hex(16)}", name)
        return self.queues[name]

    def leg_to(self, number: str) -> TwilioLeg:
        """The newest leg placed to a number."""
        leg = newest_to(self.legs, number)
        assert isinstance(leg, TwilioLeg)
        return leg

    async def until_leg_to(self, number: str, count: int = 1, timeout_s: float = 10.0) -> TwilioLeg:
        """The newest leg to a number, once so many have been placed."""
        await until_newest_to(self.legs, number, count, timeout_s)
        return self.leg_to(number)

    # ------------------------------------------------------------ how

    def _new(
        self, account: str, direction: str, from_number: str, to_number: str, person: Person, extra: Mapping[str, str]
    ) -> TwilioLeg:
        leg = TwilioLeg(
            sid=f"CA{secrets.token_hex(16)}",
            account=account,
            direction=direction,
            from_number=from_number,
            to_number=to_number,
            person=person,
            extra=extra,
            listener=self.listener,
        )
        self.legs[leg.sid] = leg
        return leg

    def _limit(self, leg: TwilioLeg) -> None:
        if leg.person.hangs_up_after_s is not None:
            self._tasks.start(self._hang_up_later(leg, leg.person.hangs_up_after_s))

    async def _hang_up_later(self, leg: TwilioLeg, seconds: float) -> None:
        await self.sleep(seconds)
        await self.hang_up(leg)

    async def _run(self, leg: TwilioLeg, url: str) -> None:
        try:
            await self._player.run(leg, url, {})
        except HungUp as hung_up:
            await self.end(leg, hung_up.status)
        else:
            await self.end(leg, "completed")

    async def _ring(self, leg: TwilioLeg, url: str, timeout_s: float) -> None:
        self._report(leg, progress(leg), "initiated")
        await self.sleep(0.5)
        leg.status = "ringing"
        await leg.tell("ringing")
        self._report(leg, progress(leg), "ringing")
        person = leg.person
        if person.picks in ("answers", "no_answer") and (person.picks == "no_answer" or person.after_s > timeout_s):
            await self.sleep(timeout_s)
            await self.end(leg, "no-answer", sip="487")
            return
        await self.sleep(person.after_s)
        if person.picks != "answers":
            status, sip = _OUTCOMES[person.picks]
            await self.end(leg, status, sip)
            return
        leg.status = "in-progress"
        await leg.tell("answered")
        self._report(leg, progress(leg), "answered")
        self._limit(leg)
        await self._run(leg, url)

    async def _unwind(self, leg: TwilioLeg, result: str) -> None:
        """Ends what the leg was doing. Twilio still asks the address the interrupted verb named, but plays nothing."""
        task, leg.task = leg.task, None
        pending, leg.pending = leg.pending, None
        bridge, leg.bridge = leg.bridge, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})
        if bridge is not None:
            bridge.over.set()
        if pending is not None:
            url, told = pending
            if told.get("QueueResult") == "hangup":
                told = told | {"QueueResult": result}
            elif told.get("QueueResult") == "bridged" and result == "redirected":
                told = told | {"QueueResult": "redirected-from-bridged"}
            self._tasks.start(self.asking.report(url, about(leg) | told))

    def _report(self, leg: TwilioLeg, form: Mapping[str, str], event: str = "") -> None:
        """One status callback, in its own time: perhaps late, twice, or never."""
        if not leg.status_url or (event and event not in leg.status_events):
            return
        for late_s in self.faults.report_delays():
            self._tasks.start(self._report_later(leg.status_url, form, late_s))

    async def _report_later(self, url: str, form: Mapping[str, str], late_s: float) -> None:
        await self.sleep(late_s)
        await self.asking.report(url, form)
