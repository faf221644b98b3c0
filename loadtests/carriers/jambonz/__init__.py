"""jambonz's side, played on a real socket: its REST API, its phones and rooms, its webhooks with valid signatures.

    async with FakeJambonz(SECRET).running() as jambonz:
        jambonz.number("+12025550100", voice_url, status_url)
        jambonz.people["sip:7@pbx"] = Person(presses={"take the call": "1"})
        leg = jambonz.call("+12025550123", "+12025550100", Person())
        await leg.until("bridged")

It runs our verbs on a clock of its own, faster than real time. With the schemas of `@jambonz/schema` at hand every
document, every call we place and every webhook it sends itself is checked by them.
"""

from loadtests.carriers.faults import Faults
from loadtests.carriers.jambonz.fake import FakeJambonz
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.phones import Person

__all__ = ["FakeJambonz", "Faults", "JambonzLeg", "Person"]
