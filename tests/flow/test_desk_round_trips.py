"""How often a hook asks the server: twice for a call's first document, once for every other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from ivr.desk import Desk
from router.store.channel import Channel
from tests.support.desk_stage import ADA, LI, PRIYA, Line, offer_of
from tests.support.service import Api

UNAWAITED = ("HSET", "PEXPIRE")
counted: ContextVar[set[int] | None] = ContextVar("counted", default=None)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are told apart by the write they left with, and belong to the task that sent them, or its parent."""
    send, flush, number = Channel.send, Channel._flush, [0]

    def count(self: Channel, *args: Any) -> Any:
        rounds = counted.get()
        if rounds is not None and args[0] not in UNAWAITED:
            rounds.add(number[0])
        return send(self, *args)

    def flushed(self: Channel) -> None:
        number[0] += 1
        flush(self)

    monkeypatch.setattr(Channel, "send", count)
    monkeypatch.setattr(Channel, "_flush", flushed)


@contextmanager
def round_trips(expected: int) -> Iterator[None]:
    rounds: set[int] = set()
    token = counted.set(rounds)
    yield
    counted.reset(token)
    assert 0 < len(rounds) <= expected


@pytest.mark.usefixtures("writes")
async def test_round_trips(api: Api) -> None:
    desk = Desk(api.site)
    for number in (ADA, PRIYA):  # lanes are registered once a process
        await Line(desk, f"warm{number[-1]}").calls(number)
        await api.post(f"/v1/calls/warm{number[-1]}/withdraw", {})
    await api.ready("agent-7")
    first, asked, waits = Line(desk, "n1"), Line(desk, "n2"), Line(desk, "n3")
    with round_trips(2):
        await first.calls(ADA)
    await api.site.engine.accept_offer("n1", "agent-7", await offer_of(api, "n1"))
    with round_trips(2):
        await asked.calls(LI)
    with round_trips(1):
        await asked.presses("2")
    with round_trips(2):
        await waits.calls(PRIYA)
    with round_trips(1):
        await waits.enters_room()
    with round_trips(1):
        await waits.presses(None)
    offer = await offer_of(api, "n1")
    with round_trips(1):
        await Line(desk, "n1").picks_up(offer)
