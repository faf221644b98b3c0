"""A failing neighbour is left alone, then asked one question."""

from __future__ import annotations

from router.directory.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_only():
    breaker = Breaker(3, 10, Clock())
    for failed in (True, True, False, True, True):
        breaker.failed() if failed else breaker.succeeded()
    assert breaker.allow()
    breaker.failed()
    assert not breaker.allow()


def test_after_its_rest_one_probe_passes_and_decides():
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    breaker.failed()
    clock.now = 9.9
    assert not breaker.allow()
    clock.now = 10
    assert [breaker.allow(), breaker.allow()] == [True, False]
    breaker.failed()
    clock.now = 19.9
    assert not breaker.allow()
    clock.now = 20
    assert breaker.allow()
    breaker.succeeded()
    assert [breaker.allow(), breaker.allow()] == [True, True]


def test_a_probe_that_never_comes_back_does_not_keep_it_shut():
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    breaker.failed()
    clock.now = 10
    assert breaker.allow()
    clock.now = 20
    assert breaker.allow()
