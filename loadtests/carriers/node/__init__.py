"""A platform that keeps its media, played: its flow asks for decisions over HTTP and follows them.

async with FakePlatform().running() as platform:
    platform.number("+12025550100", f"{base}/node/main/{platform.secret}")
    platform.people["sip:7@pbx"] = Person()
    leg = platform.call("+12025550123", "+12025550100", Person())
    await leg.until("bridged")
"""

from loadtests.carriers.node.legs import PlatformLeg
from loadtests.carriers.node.platform import FakePlatform

__all__ = ["FakePlatform", "PlatformLeg"]
