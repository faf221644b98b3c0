"""jambonz's lines: its legs, what they come to, and how they end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.carriers.jambonz.asking import Asking, about
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.schemas import Schemas
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.stand_in import StandIn

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


class Lines(StandIn[JambonzLeg]):
    """`schemas`: the unpacked `@jambonz/schema`, None: nothing is checked."""

    asking: Asking

    def __init__(self, secret: str, speed: float, schemas: Path | None) -> None:
        super().__init__(speed)
        self.secret = secret
        self.account = ACCOUNT
        self.key = KEY
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.schemas = Schemas.read(schemas) if schemas else None

    def hand_over(self, caller: JambonzLeg, number: str, person: Person) -> JambonzLeg:
        """The leg a dial makes; it runs nothing of ours, and is reported where its caller is."""
        leg = JambonzLeg(
            account=self.account, direction="outbound", from_number=caller.from_number, to_number=number,
            person=person, status="ringing", status_url=caller.status_url,
        )  # fmt: skip
        self.know(leg)
        self.report(leg)
        return leg

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        assert isinstance(leg, JambonzLeg)
        answered = leg.status == "in-progress"
        await self.end(leg, "completed" if answered else "no-answer", 200 if answered else 487, by="caller")

    async def answer(self, leg: JambonzLeg) -> None:
        if leg.status != "in-progress":
            leg.status, leg.sip_status = "in-progress", 200
            await leg.tell("answered")
            self.report(leg)

    async def end(self, leg: JambonzLeg, status: str, sip: int = 200, by: str = "jambonz") -> None:
        """The leg is over, once and for all."""
        if leg.ended:
            return
        leg.status, leg.sip_status = status, sip
        await leg.tell(f"ended: {status}")
        await leg.stop()
        self.report(leg, {"duration": 7, "call_termination_by": by} if status == "completed" else {})

    def outcome(self, person: Person) -> tuple[str, int]:
        """How a leg ends that nobody took."""
        return _OUTCOMES[person.picks]

    def report(self, leg: JambonzLeg, more: Mapping[str, Any] | None = None) -> None:
        """One status hook, in its own time: perhaps late, twice, or never."""
        if leg.status_url:
            told = about(leg) | dict(more or {})
            for late_s in self.faults.report_delays():
                self.after(late_s, self.asking.report, "call-status", leg.status_url, told)
