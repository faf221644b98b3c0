"""Random histories, short; `make soak` runs the long ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from router.domain.ladder import Timing
from tests.support.engine_driver import BlockingConnection, EngineDriver
from tests.support.histories import Histories
from tests.support.watching import START

SHORT = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.fixture
def connection(server: str) -> Iterator[BlockingConnection]:
    opened = BlockingConnection(server)
    yield opened
    opened.close()


def test_the_model_keeps_every_promise() -> None:
    """The specification does not contradict itself."""
    run_state_machine_as_test(Histories, settings=SHORT)


def test_the_engine_does_what_the_model_does(connection: BlockingConnection) -> None:
    """Every state, answer and event of the scripts, against a plain reading of the specification."""

    class Pair(Histories):
        def engine_for(self, timing: Timing) -> EngineDriver:
            return EngineDriver(connection, timing, START)

    run_state_machine_as_test(Pair, settings=SHORT)
