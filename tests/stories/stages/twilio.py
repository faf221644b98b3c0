"""A site on Twilio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ivr.twilio.addresses import OVERRIDES
from ivr.twilio.gateway import TWILIO
from loadtests.carriers.phones import Leg
from loadtests.carriers.twilio import FakeTwilio
from loadtests.carriers.twilio.legs import TwilioLeg
from tests.stories.house import Stage
from tests.support.twilio_stage import TOKEN, descriptions

SECRETS = {"account_sid": "account", "auth_token": "token"}


def stage(request: pytest.FixtureRequest, folder: Path) -> Stage:
    carrier = FakeTwilio(TOKEN, reference=descriptions(request))
    (folder / "account").write_text(carrier.account)
    (folder / "token").write_text(TOKEN)
    hooks: list[str] = []

    def section() -> dict[str, Any]:
        secrets = {name: {"file": str(folder / file)} for name, file in SECRETS.items()}
        return {"twilio": {"api": carrier.base, **secrets}}

    def wire(base: str, numbers: Sequence[str]) -> None:
        hooks.append(f"{base}/hooks/twilio/main")
        for number in numbers:
            carrier.number(number, f"{hooks[0]}/voice{OVERRIDES}", f"{hooks[0]}/status")

    async def breaks(leg: Leg) -> None:
        assert isinstance(leg, TwilioLeg)
        await carrier.end(leg, "failed", sip="503")

    async def replay() -> int:
        asked = list(carrier.asking.log)
        for one in asked:
            status, _, body = await carrier.asking.post(one.url, one.form, "again", 15)
            assert (status, body) == (one.status, one.body) or "/join/" in one.url or "/status" in one.url, one.url
        return len(asked)

    async def forge() -> list[int]:
        statuses = []
        url, form = carrier.asking.log[-1].url, dict(carrier.asking.log[-1].form)
        for there, sent, signature in (
            (url, form, "no"),
            (url, form | {"CallStatus": "completed"}, carrier.asking.sign(url, form)),
            (url.replace("/main/", "/elsewhere/"), form, carrier.asking.sign(url, form)),
            (f"{hooks[0]}/status", form | {"CallStatus": "completed"}, ""),
        ):
            answer = await carrier.asking.send(there, sent, {"X-Twilio-Signature": signature})
            statuses.append(answer.status)
        return statuses

    return Stage(
        "twilio",
        carrier,
        TWILIO,
        section,
        wire,
        vouched={"StirVerstat": "TN-Validation-Passed-A"},
        spoofed={"StirVerstat": "TN-Validation-Failed-A"},
        breaks=breaks,
        replay=replay,
        forge=forge,
    )
