"""People on the phones of the simulator: the far end of calls that never leave this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivr.simulator.exchange import Exchange
from ivr.simulator.lines import HungUp, Line
from loadtests.carriers.faults import RestFault
from loadtests.carriers.phones import Leg, Person, Pick
from loadtests.carriers.stand_in import StandIn
from router.clock import RunningClock

SITE = "main"


@dataclass(eq=False, kw_only=True)
class SimulatedLeg(Leg):
    """The phone at the end of a line of the exchange."""

    carrier: SimulatedCarrier
    line: Line | None = None

    @property
    def ended(self) -> bool:
        return self.line is not None and self.line.state == "ended"

    @property
    def picks(self) -> Pick:
        return self.person.picks

    @property
    def after_s(self) -> float:
        return self.person.after_s

    @property
    def talks_s(self) -> float | None:
        return self.person.talks_s

    @property
    def partner(self) -> Leg | None:
        talk = self.line.talk if self.line else None
        if talk is None:
            return None
        phone = (talk.agent if talk.caller is self.line else talk.caller).phone
        assert isinstance(phone, Leg)
        return phone

    def plugged(self, line: Line) -> None:
        self.line, self.sid = line, line.line_id
        if line.role != "caller":
            self.from_number = line.shown
        self.carrier.legs[self.sid] = self

    def press(self, keys: str) -> None:
        assert self.line is not None
        self.line.press(keys)

    async def happens(self, words: str) -> None:
        await self.tell(words)
        if words == "answered":
            self.carrier.stay(self)

    def hears(self, line: Line, words: str, may_press: bool) -> None:
        if self.person.hangs_up_on(words):
            raise HungUp
        for keys in self.person.keys_for(words) if may_press else ():
            line.press(keys)


class SimulatedCarrier(StandIn[SimulatedLeg]):
    """`speed`: seconds of the exchange in one of ours; `exchange`: one with another clock instead."""

    def __init__(self, *, speed: float = 50.0, exchange: Exchange | None = None) -> None:
        super().__init__(speed)
        self.exchange = exchange or Exchange(RunningClock(speed))
        self.breaches = self.exchange.breaches
        self._sites: dict[str, str] = {}
        self.exchange.plug_in(self._phone_at)
        self.exchange.disturbances = _Disturbing(self)

    async def fall_silent(self) -> None:
        await super().fall_silent()
        await self.exchange.stop()

    async def sleep(self, seconds: float) -> None:
        await self.exchange.clock.sleep(seconds)

    def number(self, number: str, site: str) -> None:
        """Whose number it is; what is not said belongs to the main site."""
        self._sites[number] = site

    def call(self, from_number: str, to_number: str, person: Person | None = None, **extra: str) -> SimulatedLeg:
        """`extra`: `trust`, `diverted_from`."""
        leg = self._leg(from_number, to_number, person or Person(), extra)
        told: dict[str, Any] = dict(extra)
        self.exchange.call(self._sites.get(to_number, SITE), leg, from_number or None, to_number, **told)
        self.stay(leg)
        return leg

    async def hang_up(self, leg: Leg) -> None:
        assert isinstance(leg, SimulatedLeg)
        assert leg.line is not None
        await self.exchange.hang_up(leg.line)

    # ------------------------------------------------------------ how

    def _failures(self) -> list[BaseException]:
        return [*super()._failures(), *self.exchange.failures]

    def stay(self, leg: SimulatedLeg) -> None:
        """On the phone, no longer than they want to."""
        self.after(leg.person.hangs_up_after_s, self.hang_up, leg)

    def _phone_at(self, number: str) -> SimulatedLeg:
        """Somebody answers everywhere, as on other carriers, if nobody else is said to be there."""
        return self._leg("", number, self.people.get(number, Person()), {})

    def _leg(self, from_number: str, to_number: str, person: Person, extra: Mapping[str, str]) -> SimulatedLeg:
        return SimulatedLeg(
            sid="",
            from_number=from_number,
            to_number=to_number,
            person=person,
            extra=extra,
            listener=self.listener,
            carrier=self,
        )


class _Disturbing:
    """The carrier's faults as the exchange asks for them."""

    def __init__(self, carrier: SimulatedCarrier) -> None:
        self._carrier = carrier

    def asks_twice(self) -> bool:
        faults = self._carrier.faults
        return faults.happens(faults.documents_twice)

    def report_delays(self) -> Sequence[float]:
        return self._carrier.faults.report_delays()

    def take_rest(self, what: str) -> RestFault | None:
        return self._carrier.faults.take_rest(what)
