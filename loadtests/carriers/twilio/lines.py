"""Twilio's lines: its legs and queues, and how either ends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from loadtests.carriers.phones import Leg
from loadtests.carriers.stand_in import StandIn
from loadtests.carriers.twilio.asking import Asking, about, progress
from loadtests.carriers.twilio.contract import RestContract, TwimlContract
from loadtests.carriers.twilio.legs import Queue, TwilioLeg


class Lines(StandIn[TwilioLeg]):
    """`reference`: folder of the descriptions to check by."""

    asking: Asking

    def __init__(self, token: str, account: str, speed: float, reference: Path | None) -> None:
        super().__init__(speed)
        self.token = token
        self.account = account
        self.accounts = {account: token}
        self.requests: list[tuple[str, list[tuple[str, str]]]] = []
        self.queues: dict[str, Queue] = {}
        self.rest_contract = RestContract.read(reference) if reference else None
        self.twiml = TwimlContract.read(reference) if reference else None

    async def hang_up(self, leg: Leg) -> None:
        """Whoever is on the leg hangs up now."""
        assert isinstance(leg, TwilioLeg)
        if not leg.ended:
            await self.end(leg, "completed" if leg.status == "in-progress" else "canceled")

    async def end(self, leg: TwilioLeg, status: str, sip: str = "") -> None:
        """The leg is over, once and for all."""
        if leg.ended:
            return
        leg.status = status
        await leg.tell(f"ended: {status}")
        await self.unwind(leg, "hangup")
        if leg.direction == "inbound":
            if leg.status_url:
                self.report(leg, about(leg) | {"CallDuration": "7"})
        else:
            self.report(leg, progress(leg, sip), "completed")

    def queue(self, name: str) -> Queue:
        if name not in self.queues:
            self.queues[name] = Queue(f"QU{secrets.token_hex(16)}", name)
        return self.queues[name]

    async def unwind(self, leg: TwilioLeg, result: str) -> None:
        """Ends what the leg was doing. Twilio still asks the address the interrupted verb named, but plays nothing."""
        pending, leg.pending = leg.pending, None
        bridge, leg.bridge = leg.bridge, None
        await leg.stop()
        if bridge is not None:
            bridge.over.set()
        if pending is not None:
            url, told = pending
            if told.get("QueueResult") == "hangup":
                told = told | {"QueueResult": result}
            elif told.get("QueueResult") == "bridged" and result == "redirected":
                told = told | {"QueueResult": "redirected-from-bridged"}
            self.start(self.asking.report(url, about(leg) | told))

    def report(self, leg: TwilioLeg, form: Mapping[str, str], event: str = "") -> None:
        """One status callback, in its own time: perhaps late, twice, or never."""
        if not leg.status_url or (event and event not in leg.status_events):
            return
        for late_s in self.faults.report_delays():
            self.after(late_s, self.asking.report, leg.status_url, form)
