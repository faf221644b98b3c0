"""On whose telephones the hour is played. Another provider is a function here and a line in STAGES."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivr.adapter import Adapter
from loadtests.carriers.carrier import Carrier
from router.clock import RunningClock

SITE = "main"


@dataclass(frozen=True)
class Stage:
    """`section`: the provider's part of the plan, once the carrier runs. `wire` tells the carrier whose numbers ours
    are, given the service's address. `vouched`: what a call carries whose number is beyond doubt. `adapters`: instead
    of the service's own. `environment`: where the plan's secrets are found.
    """

    carrier: Carrier
    section: Callable[[], dict[str, Any]]
    wire: Callable[[str, Sequence[str]], None]
    vouched: Mapping[str, str] = field(default_factory=dict)
    adapters: Sequence[Adapter] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def _simulator(clock: RunningClock) -> Stage:
    from ivr.simulator.adapter import Simulator
    from ivr.simulator.exchange import Exchange
    from loadtests.carriers.simulator import SimulatedCarrier

    exchange = Exchange(clock)
    return Stage(
        SimulatedCarrier(speed=clock.speed, exchange=exchange),
        section=lambda: {"simulator": {}},
        wire=lambda base, numbers: None,
        adapters=(Simulator(exchange),),
    )


def _twilio(clock: RunningClock) -> Stage:
    from ivr.twilio.addresses import OVERRIDES
    from loadtests.carriers.twilio import FakeTwilio

    token = secrets.token_hex(16)
    carrier = FakeTwilio(token, speed=clock.speed)

    def wire(base: str, numbers: Sequence[str]) -> None:
        hooks = f"{base}/hooks/twilio/{SITE}"
        for number in numbers:
            carrier.number(number, f"{hooks}/voice{OVERRIDES}", f"{hooks}/status")

    return Stage(
        carrier,
        section=lambda: {
            "twilio": {
                "api": carrier.base,
                "account_sid": {"env": "VIPLINE_DEMO_ACCOUNT"},
                "auth_token": {"env": "VIPLINE_DEMO_TOKEN"},
            }
        },
        wire=wire,
        vouched={"StirVerstat": "TN-Validation-Passed-A"},
        environment={"VIPLINE_DEMO_ACCOUNT": carrier.account, "VIPLINE_DEMO_TOKEN": token},
    )


STAGES: Mapping[str, Callable[[RunningClock], Stage]] = {
    "simulator": _simulator,
    "twilio": _twilio,
}
