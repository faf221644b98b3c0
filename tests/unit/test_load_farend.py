"""Whether the load itself kept up: who was drawn and never came, or came late, is none of the service's doing."""

from __future__ import annotations

import time

from aiohttp.test_utils import TestClient, TestServer

from loadtests.farend import FarEnd, too_slow
from loadtests.judgement import Judgement
from loadtests.options import Options
from loadtests.report import headline, trouble


def test_callers_that_never_came_or_late_ones_are_told() -> None:
    assert too_slow(100, 100, 3.0) == []
    assert too_slow(100, 98, 0.1) == ["the load, not the service, was too slow: 2 of 100 callers never got to call"]
    assert too_slow(100, 100, 3.1) == ["the load, not the service, was too slow: callers came up to 3.1 s late"]


def test_such_a_run_is_not_clean_and_not_broken() -> None:
    found = Judgement(strained=too_slow(100, 98, 0.1))
    assert not found.clean
    assert headline(found).startswith("NOT CLEAN: the load was too slow")
    assert trouble(found, 30) == found.strained
    assert found.unproven
    assert not Judgement(strained=found.strained, faults=["a call is lost"]).unproven
    assert not Judgement(missing=["overflow: 49"]).unproven


async def test_the_far_end_counts_who_gets_as_far_as_it() -> None:
    far_end = FarEnd(Options(), {})
    went = {"answered": [], "missed": [], "made": [], "connected": {}, "finished": [], "sent": 2, "late_s": 0.5}
    async with TestClient(TestServer(far_end.application())) as client:
        await client.post("/went", json=went)
        await client.post("/calls", json={"way": "twilio", "due": time.monotonic() - 9})
    await far_end.stop()
    assert (far_end.sent, far_end.came) == (2, 1)
    assert far_end.late_s >= 9
    assert len(far_end.strained()) == 2
