"""How long a carrier has waited for us: from its first try on, and also where it waited in vain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loadtests.answers import Answers
from loadtests.carriers.faults import Faults
from loadtests.carriers.jambonz.asking import Asking as JambonzAsking
from loadtests.carriers.twilio.asking import Asking as TwilioAsking

TAKES_S = 0.03
URL = "http://127.0.0.1:1/hooks/x/main/status#rc=2&rp=ct,rt,5xx"


@pytest.mark.parametrize("way", ["twilio", "jambonz"])
@pytest.mark.parametrize(("answers", "given_up"), [([503, 503, 204], False), ([503, 503, 503], True)])
async def test_all_tries_of_a_hook_are_in_its_time(
    way: str, answers: list[int], given_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(answers)

    async def post(*_: object, fresh: bool = False) -> tuple[int, str, bytes]:
        assert fresh == (way == "twilio" and len(left) < len(answers)), "a second try over an idle connection"
        await asyncio.sleep(TAKES_S)
        return left.pop(0), "text/xml", b""

    asking: Any
    if way == "twilio":
        asking, told = TwilioAsking("token", Faults(), []), (URL, {"CallSid": "CA1"})
    else:
        asking, told = JambonzAsking("secret", Faults(), [], None, 1_000.0), ("status", URL, {})  # type: ignore[assignment]
    found = Answers()
    asking.heard = found.of(way)
    monkeypatch.setattr(asking, "post", post)
    await asking.report(*told)
    await asking.session.close()
    ((page, ms),) = found.hooks
    assert page == f"{way} status"
    assert ms >= 3 * TAKES_S * 1000 * 0.9
    assert [miss.given_up for miss in found.missed] == [False] * (3 if given_up else 2) + [True] * given_up
    assert len(found.answered) == (not given_up)
