"""A site on the simulated exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.simulator.adapter import SIMULATOR, Simulator
from loadtests.carriers.phones import Leg
from loadtests.carriers.simulator import SimulatedCarrier, SimulatedLeg
from tests.stories.house import Stage


def stage(request: pytest.FixtureRequest, folder: Path) -> Stage:
    carrier = SimulatedCarrier()

    async def breaks(leg: Leg) -> None:
        assert isinstance(leg, SimulatedLeg)
        assert leg.line is not None
        await carrier.exchange.end(leg.line, "network")

    return Stage(
        "simulator",
        carrier,
        SIMULATOR,
        section=lambda: {"simulator": {}},
        wire=lambda base, numbers: None,
        vouched={"trust": "verified"},
        spoofed={"trust": "failed"},
        adapters=(Simulator(carrier.exchange),),
        breaks=breaks,
    )
