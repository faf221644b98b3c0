"""What a load's processes use: read from /proc, added up, and fitted with a line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from loadtests.meter import PARTS, Meter, Reading, slope, spent
from loadtests.processes import cpu_s, family, machine_s, use_of


def reading(at_s: float, service: float, server: float = 0.0) -> Reading:
    return Reading(
        round(at_s * 1000), dict.fromkeys(PARTS, 0.0) | {"service": service, "server": server}, dict.fromkeys(PARTS, 1)
    )


def test_what_grew_between_readings_is_spent() -> None:
    found = spent([reading(0, 5.0, 1.0), reading(10, 7.0, 1.5), reading(20, 8.0, 2.0)])
    assert found.wall_s == 20
    assert found.cpu_s["service"] == 3.0
    assert found.cores("service", "server") == pytest.approx(0.2)


def test_a_process_that_has_gone_takes_nothing_back() -> None:
    assert spent([reading(0, 5.0), reading(10, 9.0), reading(20, 0.5), reading(30, 2.5)]).cpu_s["service"] == 6.0


def test_what_went_before_the_first_call_is_not_in_it() -> None:
    meter = Meter(10)
    meter.readings = [reading(0, 0.0), reading(10, 7.0), reading(20, 8.0)]
    assert meter.spent(15_000).cpu_s["service"] == 1.0
    assert meter.spent(10_000).wall_s == 10
    assert meter.spent(0).cpu_s["service"] == meter.spent().cpu_s["service"] == 8.0


def test_nothing_read_is_nothing_spent() -> None:
    assert spent([]).cores("service") == 0.0


@pytest.mark.parametrize(
    ("points", "per_cent"),
    [
        ([(0, 100), (300, 100), (600, 100)], 0.0),
        ([(0, 100), (600, 102)], 2 / 1.01),
        ([(0, 100), (300, 90), (600, 100)], 0.0),
        ([(0, 100)], 0.0),
        ([], 0.0),
    ],
)
def test_the_slope_is_that_of_the_fitting_line(points: list[tuple[float, float]], per_cent: float) -> None:
    assert slope(points) == pytest.approx(per_cent)


def test_children_are_in_the_family_and_the_far_end_is_counted_alone() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        until = time.monotonic() + 30
        while cpu_s(busy.pid) < 0.05 and time.monotonic() < until:
            time.sleep(0.01)
        assert busy.pid in family(os.getpid())
        meter = Meter(10)
        meter.watch_service(busy.pid)
        meter.read()
        (now,) = meter.readings
        assert now.cpu_s["service"] >= 0.05
        assert now.rss["service"] > 1_000_000
        assert now.rss["server"] == 0
        assert now.rss["far end"] > now.rss["service"]
    finally:
        busy.kill()
        busy.wait()
    assert use_of(busy.pid) is None
    assert cpu_s(busy.pid) == 0.0


def test_a_machine_is_full_when_all_its_processors_are_busy_in_that_time() -> None:
    meter = Meter(10)
    assert not meter.full(0, 100)
    calm, none = reading(0, 0.0), (0.0, 0.0)
    busy = ((none, 0), ((2.0, 20.0), 10), ((22.0, 40.0), 20), ((23.0, 60.0), 30))
    meter.readings = [replace(calm, at_ms=at_s * 1000, machine_s=machine) for machine, at_s in busy]
    assert meter.full(11, 19)
    assert not meter.full(1, 9)
    assert not meter.full(1, 19)
    assert not meter.full(21, 99)
    assert meter.full(10, 20)


def test_the_machine_s_processors_are_read() -> None:
    busy, passed = machine_s()
    assert 0 < busy < passed
