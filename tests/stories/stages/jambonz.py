"""A site on jambonz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ivr.jambonz.addresses import OVERRIDES
from ivr.jambonz.gateway import JAMBONZ
from loadtests.carriers.jambonz import FakeJambonz, JambonzLeg
from loadtests.carriers.jambonz.asking import CHANGES
from loadtests.carriers.phones import Leg
from tests.stories.house import Stage
from tests.support.jambonz_stage import SIGNED, TRUNK, schemas_folder
from tests.support.jambonz_stage import section as section_of


def stage(request: pytest.FixtureRequest, folder: Path) -> Stage:
    carrier = FakeJambonz(SIGNED, schemas=schemas_folder())
    hooks: list[str] = []

    def section() -> dict[str, Any]:
        return {"jambonz": section_of(folder, carrier)}

    def wire(base: str, numbers: Sequence[str]) -> None:
        hooks.append(f"{base}/hooks/jambonz/main")
        for number in numbers:
            carrier.number(number, f"{hooks[0]}/voice{OVERRIDES}", f"{hooks[0]}/status")

    async def breaks(leg: Leg) -> None:
        assert isinstance(leg, JambonzLeg)
        await carrier.end(leg, "failed", 503)

    async def replay() -> int:
        asked = list(carrier.asking.log)
        for one in asked:
            status, _, body = await carrier.asking.post(one.url, one.raw, one.signature)
            assert (status, body) == (one.status, one.body) or any(page in one.url for page in CHANGES), one.url
        return len(asked)

    async def forge() -> list[int]:
        last = carrier.asking.log[-1]
        ended = last.raw.replace(b'"in-progress"', b'"completed"') + b" "
        forged = (
            (last.url, last.raw, "no"),
            (last.url, ended, last.signature),
            (last.url.replace("/main/", "/elsewhere/"), last.raw, last.signature),
            (f"{hooks[0]}/status", ended, ""),
        )
        return [(await carrier.asking.post(*one))[0] for one in forged]

    def vouched(verdict: str) -> dict[str, str]:
        return {"trunk": TRUNK, "P_Asserted_Identity": f"<sip:somebody@192.0.2.17;verstat=TN-Validation-{verdict}>"}

    return Stage(
        "jambonz",
        carrier,
        JAMBONZ,
        section,
        wire,
        vouched=vouched("Passed-A"),
        spoofed=vouched("Failed"),
        breaks=breaks,
        replay=replay,
        forge=forge,
    )
