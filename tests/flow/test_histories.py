"""Short random histories; `make soak` runs the long ones."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.histories import Histories

SHORT = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_model_keeps_its_promises_in_any_history() -> None:
    run_state_machine_as_test(Histories, settings=SHORT)
