"""A site on an Asterisk."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from ivr.ari.gateway import ARI
from ivr.ari.pace import set_second
from loadtests.carriers.ari import AriLeg, FakeAsterisk
from loadtests.carriers.phones import Leg
from tests.stories.house import Stage
from tests.support.ari_stage import PASSWORD, SPEED, adapter_of, descriptions, section, told_apart
from tests.support.waiting import wait_until


def stage(request: pytest.FixtureRequest, folder: Path) -> Stage:
    carrier = FakeAsterisk(PASSWORD, speed=SPEED, reference=descriptions(request), sounds=folder / "sounds")
    told_apart(carrier)
    set_second(1 / SPEED)
    request.addfinalizer(lambda: set_second(1.0))

    async def ready(app: web.Application) -> None:
        adapter = adapter_of(app)
        await wait_until(lambda: adapter.is_ready("main"))

    async def breaks(leg: Leg) -> None:
        assert isinstance(leg, AriLeg)
        await carrier.end(leg, "the network is out of order", 38)

    return Stage(
        "ari",
        carrier,
        ARI,
        section=lambda: {"ari": section(folder, carrier)},
        wire=lambda base, numbers: None,
        vouched={"verstat": "TN-Validation-Passed-A"},
        spoofed={"verstat": "TN-Validation-Failed-A"},
        ready=ready,
        breaks=breaks,
        places="originate",
    )
