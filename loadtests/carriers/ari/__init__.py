"""Asterisk's side, played on real sockets: its commands, its events, its phones.

    async with FakeAsterisk(password="secret").running() as asterisk:
        asterisk.people["PJSIP/7"] = Person(presses={"take the call": "1"})
        leg = asterisk.call("+12025550123", "+12025550100", Person())
        await leg.until("bridged")

It plays what it is asked to play on a clock of its own, faster than real time, and refuses whatever Asterisk would
refuse: every such `breach` fails the test that leaves the `running` block.
"""

from loadtests.carriers.ari.fake import FakeAsterisk
from loadtests.carriers.ari.legs import AriLeg
from loadtests.carriers.faults import Faults
from loadtests.carriers.phones import Person

__all__ = ["AriLeg", "FakeAsterisk", "Faults", "Person"]
