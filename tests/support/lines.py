"""Telephone lines over Twilio's stand-in: callers who come all the time, agents who take what rings."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import yaml

from ivr.twilio.addresses import OVERRIDES
from loadtests.carriers.twilio import FakeTwilio, Person
from tests.support.load import AGENTS, number_of
from tests.support.waiting import wait_until

TOKEN = "a-token-of-the-test"
OPEN = "+12025550199"
SPEED = 20.0
EVERY_S = 0.15


def carried_by(fake: FakeTwilio, config: Path) -> None:
    """The site's calls come over the stand-in, which must be running; its secrets lie beside the plan."""
    plan = yaml.safe_load((config / "plan.yaml").read_text())
    account, secret = config.parent / "account", config.parent / "secret"
    account.write_text(fake.account)
    secret.write_text(TOKEN)
    plan["telephony"]["twilio"] |= {
        "api": fake.base,
        "account_sid": {"file": str(account)},
        "auth_token": {"file": str(secret)},
    }
    (config / "plan.yaml").write_text(yaml.safe_dump(plan))


class Lines:
    """`base`: where the service is asked. Some agents never press the key that takes a call."""

    def __init__(self, fake: FakeTwilio, base: str) -> None:
        self._fake = fake
        self.calls = 0
        hooks = f"{base}/hooks/twilio/main"
        fake.number(OPEN, f"{hooks}/voice{OVERRIDES}", f"{hooks}/status")
        for number in range(1, len(AGENTS) + 1):
            taking = Person(after_s=3.0, presses={"take the call": "1"}, talks_s=8.0)
            fake.people[f"sip:{number}@pbx"] = taking if number % 3 else Person(after_s=3.0)

    async def more(self, calls: int) -> None:
        for _ in range(calls):
            self.calls += 1
            self._fake.call(number_of(self.calls), OPEN, Person(hangs_up_after_s=400.0))
            await asyncio.sleep(EVERY_S)

    async def over(self) -> None:
        await wait_until(lambda: all(leg.ended for leg in self._fake.legs.values()), 60)

    def rings(self) -> Counter[str]:
        """How often each offer's agent was rung: an offer has an address of its own."""
        return Counter(leg.status_url for leg in self._fake.legs.values() if leg.direction == "outbound-api")
