"""Twilio's side, played on a real socket: its REST API, its phones and queues, its webhooks with valid signatures.

    async with FakeTwilio(TOKEN).running() as twilio:
        twilio.number("+12025550100", voice_url, status_url)
        twilio.people["client:chen"] = Person(presses={"take the call": "1"})
        leg = twilio.call("+12025550123", "+12025550100", Person())
        await leg.until("bridged")

It runs our documents on a clock of its own, faster than real time, and refuses whatever Twilio would refuse: every such
`breach` fails the test that leaves the `running` block.
"""

from loadtests.carriers.faults import Faults
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.twilio.fake import FakeTwilio
from loadtests.carriers.twilio.legs import TwilioLeg

__all__ = ["FakeTwilio", "Faults", "Leg", "Person", "TwilioLeg"]
