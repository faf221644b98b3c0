"""Twilio itself: numbers that are called, legs that are placed, and its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from loadtests.carriers.phones import Person
from loadtests.carriers.stand_in import served
from loadtests.carriers.twilio.asking import Asking, progress
from loadtests.carriers.twilio.legs import TwilioLeg
from loadtests.carriers.twilio.lines import Lines
from loadtests.carriers.twilio.player import HungUp, Player
from loadtests.carriers.twilio.rest import RestApi

ACCOUNT = "AC" + "a" * 32
_OUTCOMES = {
    "busy": ("busy", "486"),
    "no_answer": ("no-answer", "487"),
    "answers": ("no-answer", "487"),
    "declines": ("busy", "603"),
    "device": ("failed", "404"),
    "network": ("failed", "503"),
}


class FakeTwilio(Lines):
    """`speed`: Twilio's seconds in one of ours. `reference`: folder of the descriptions to check by."""

    def __init__(
        self, token: str, *, account: str = ACCOUNT, speed: float = 50.0, reference: Path | None = None
    ) -> None:
        super().__init__(token, account, speed, reference)
        self.base = ""
        self._numbers: dict[str, tuple[str, str, str]] = {}
        self._player = Player(self)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        """Serves `base`."""
        async with served(RestApi(self, self.place, self.redirect).application(), shutdown_s=0.5) as self.base:
            self.asking = Asking(self.token, self.faults, self.breaches)
            try:
                yield
            finally:
                await self.asking.session.close()

    def number(self, number: str, voice_url: str, status_url: str, fallback_url: str = "") -> None:
        """Who is asked when this number is called."""
        self._numbers[number] = (voice_url, status_url, fallback_url)

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> TwilioLeg:
        """Somebody calls one of our numbers. `extra` is told with every request: StirVerstat, ForwardedFrom…"""
        voice_url, status_url, fallback_url = self._numbers[to_number]
        leg = TwilioLeg(
            account=self.account, direction="inbound", from_number=from_number, to_number=to_number,
            person=person or Person(), extra=extra, status="ringing", status_url=status_url, fallback_url=fallback_url,
        )  # fmt: skip
        self.know(leg)
        leg.task = self.start(self._run(leg, voice_url))
        self.after(leg.person.hangs_up_after_s, self.hang_up, leg)
        return leg

    def place(self, account: str, form: Mapping[str, str], events: frozenset[str]) -> TwilioLeg:
        """A leg is created over REST."""
        leg = TwilioLeg(
            account=account, direction="outbound-api", from_number=form["From"], to_number=form["To"],
            person=self.people.get(form["To"], Person()), status_url=form.get("StatusCallback", ""),
            status_events=events or frozenset({"completed"}),
        )  # fmt: skip
        self.know(leg)
        leg.task = self.start(self._ring(leg, form["Url"], float(form.get("Timeout", "60"))))
        return leg

    async def redirect(self, leg: TwilioLeg, url: str) -> None:
        """Out of whatever it hears, to another document. What a queue or a talk would have told is told at once."""
        await self.unwind(leg, "redirected")
        await leg.tell(f"redirected: {url}")
        leg.task = self.start(self._run(leg, url))

    # ------------------------------------------------------------ how

    async def _run(self, leg: TwilioLeg, url: str) -> None:
        try:
            await self._player.run(leg, url, {})
        except HungUp as hung_up:
            await self.end(leg, hung_up.status)
        else:
            await self.end(leg, "completed")

    async def _ring(self, leg: TwilioLeg, url: str, timeout_s: float) -> None:
        self.report(leg, progress(leg), "initiated")
        await self.sleep(0.5)
        leg.status = "ringing"
        await leg.tell("ringing")
        self.report(leg, progress(leg), "ringing")
        await self.sleep(leg.person.rings_s(timeout_s))
        if not leg.person.takes_within(timeout_s):
            status, sip = _OUTCOMES[leg.person.picks]
            await self.end(leg, status, sip)
            return
        leg.status = "in-progress"
        await leg.tell("answered")
        self.report(leg, progress(leg), "answered")
        self.after(leg.person.hangs_up_after_s, self.hang_up, leg)
        await self._run(leg, url)
