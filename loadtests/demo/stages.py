"""On whose telephones the hour is played. Another provider is a function here and a line in STAGES."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.adapter import Adapter
from loadtests.carriers.carrier import Carrier
from router.clock import RunningClock

SITE = "main"


@dataclass(frozen=True)
class Stage:
    """`section`: the provider's part of the plan, once the carrier runs. `wire` tells the carrier whose numbers ours
    are, given the service's address. `vouched`: what a call carries whose number is beyond doubt. `adapters`: instead
    of the service's own. `environment`: where the plan's secrets are found. `ready`: until calls can be made.
    `over`: puts back what the stage has changed in this process.
    """

    carrier: Carrier
    section: Callable[[], dict[str, Any]]
    wire: Callable[[str, Sequence[str]], None]
    vouched: Mapping[str, str] = field(default_factory=dict)
    adapters: Sequence[Adapter] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[None]] | None = None
    over: Callable[[], None] = lambda: None


def _simulator(clock: RunningClock, folder: Path) -> Stage:
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


def _twilio(clock: RunningClock, folder: Path) -> Stage:
    from ivr.twilio.addresses import OVERRIDES
    from loadtests.carriers.twilio import FakeTwilio

    token = secrets.token_hex(16)
    carrier = FakeTwilio(token, speed=clock.speed)

    def wire(base: str, numbers: Sequence[str]) -> None:
        hooks = f"{base}/hooks/twilio/{SITE}"
        for number in numbers:
            carrier.number(number, f"{hooks}/voice{OVERRIDES}", f"{hooks}/status{OVERRIDES}")

    return Stage(
        carrier,
        section=lambda: {
            "twilio": {
                "api": carrier.base,
                "account_sid": {"env": "DEMO_ACCOUNT"},
                "auth_token": {"env": "DEMO_TOKEN"},
            }
        },
        wire=wire,
        vouched={"StirVerstat": "TN-Validation-Passed-A"},
        environment={"DEMO_ACCOUNT": carrier.account, "DEMO_TOKEN": token},
    )


def _jambonz(clock: RunningClock, folder: Path) -> Stage:
    from ivr.jambonz.addresses import OVERRIDES
    from loadtests.carriers.jambonz import FakeJambonz

    carrier = FakeJambonz(secrets.token_hex(16), speed=clock.speed)

    def wire(base: str, numbers: Sequence[str]) -> None:
        hooks = f"{base}/hooks/jambonz/{SITE}"
        for number in numbers:
            carrier.number(number, f"{hooks}/voice{OVERRIDES}", f"{hooks}/status")

    names = {"account_sid": carrier.account, "api_key": carrier.key, "webhook_secret": carrier.secret}
    kept = {name: {"env": f"DEMO_{name.upper()}"} for name in names}
    voices = {"en": {"voice": "en-US-Neural2-C", "language": "en-US"}}
    return Stage(
        carrier,
        section=lambda: {
            "jambonz": {
                "api": carrier.base,
                "account_sid": kept["account_sid"],
                "api_key": kept["api_key"],
                "webhook_secrets": [kept["webhook_secret"]],
                "speech": {"voices": voices},
                "trunks": {"carrier": {"headers": True, "plus": True}},
            }
        },
        wire=wire,
        vouched={"trunk": "carrier", "P_Asserted_Identity": "<sip:one@192.0.2.17;verstat=TN-Validation-Passed-A>"},
        environment={kept[name]["env"]: value for name, value in names.items()},
    )


class _Telephones(dict[str, str]):
    """Asterisk's names of the agents' phones → the plan's: `PJSIP/alma` → `sip:alma@desk`."""

    def get(self, endpoint: str, default: Any = None) -> Any:
        kind, _, name = endpoint.partition("/")
        return f"sip:{name}@desk" if kind == "PJSIP" and name and "@" not in name else default


def _ari(clock: RunningClock, folder: Path) -> Stage:
    from ivr.ari.pace import set_second
    from ivr.ari.provider import AriAdapter
    from loadtests.carriers.ari import FakeAsterisk

    sounds = folder / "sounds"
    carrier = FakeAsterisk(secrets.token_hex(16), speed=clock.speed, sounds=sounds)
    carrier.aliases = _Telephones()
    adapter = AriAdapter()
    set_second(1 / clock.speed)

    async def ready() -> None:
        while not adapter.is_ready(SITE):
            await asyncio.sleep(0.01)

    return Stage(
        carrier,
        section=lambda: {
            "ari": {
                "asterisks": {
                    carrier.name: {
                        "user": carrier.user,
                        "password": {"env": "DEMO_PASSWORD"},
                        "url": carrier.base,
                    }
                },
                "number": "PJSIP/{number}@trunk",
                "trusted": ["trunk"],
                # The shortest command that speaks: a file that holds the text, which the far end reads again.
                "speak": {"command": ["tee", "{file}"], "folder": str(sounds)},
            }
        },
        wire=lambda base, numbers: None,
        vouched={"verstat": "TN-Validation-Passed-A"},
        adapters=(adapter,),
        environment={"DEMO_PASSWORD": carrier.password},
        ready=ready,
        over=lambda: set_second(1.0),
    )


# Each is given the clock of the hour, and a folder that lives as long.
STAGES: Mapping[str, Callable[[RunningClock, Path], Stage]] = {
    "simulator": _simulator,
    "twilio": _twilio,
    "jambonz": _jambonz,
    "ari": _ari,
}
