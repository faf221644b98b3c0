"""Random histories for as long as one likes: `SOAK_MINUTES` (default 10) of them, each longer than the short ones."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from router.domain.ladder import Timing
from tests.support.engine_driver import BlockingConnection, EngineDriver
from tests.support.histories import Histories
from tests.support.watching import START

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))

ROUND = settings(
    max_examples=100,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_the_engine_does_what_the_model_does_for_a_long_time(server: str) -> None:
    connection = BlockingConnection(server)

    class Pair(Histories):
        def engine_for(self, timing: Timing) -> EngineDriver:
            return EngineDriver(connection, timing, START)

    until = time.monotonic() + 60 * MINUTES
    while time.monotonic() < until:
        run_state_machine_as_test(Pair, settings=ROUND)
    connection.close()
