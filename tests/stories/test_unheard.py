"""Legs whose end we never hear of: they are looked for, and nobody is kept for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ivr.adapters import all_adapters
from ivr.desk import Desk
from ivr.desk.desk import Render
from ivr.gateway import Tells
from ivr.vocabulary import Envelope, Event
from router.telephony import watch
from tests.stories.house import ADA, PRIYA, House, Stage
from tests.support.service import LONG_S
from tests.support.waiting import wait_until

OFTEN_S = 0.3
Deafen = Callable[[], None]


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    """Before the house opens: it waits for its first look from then on."""
    adapters = all_adapters("http://127.0.0.1") if stage.adapters is None else stage.adapters
    if not any(isinstance(one.gateway, Tells) for one in adapters if one.name == stage.name):
        pytest.skip(f"{stage.name} cannot be asked whether a leg is up")
    monkeypatch.setattr(watch, "EVERY_S", OFTEN_S)


@pytest.fixture
def deafen(monkeypatch: pytest.MonkeyPatch) -> Deafen:
    """From then on every request and report of the carrier is lost on us: answered, and nothing comes of it."""

    async def hear(desk: Desk, page: str, call_id: str, step: str, event: Event, of: Envelope, render: Render) -> bytes:
        return render(())

    async def note(desk: Desk, event: Event, of: Envelope) -> None:
        pass

    def lose() -> None:
        monkeypatch.setattr(Desk, "hear", hear)
        monkeypatch.setattr(Desk, "note", note)

    return lose


async def found_gone(house: House) -> None:
    async def counted() -> bool:
        await house.api.site.local.flush()
        shown = (await house.api.get("/metrics")).text
        return 'vipline_outbox_ends_missed_total{site="main"} 1' in shown

    await wait_until(counted, timeout=LONG_S)


@pytest.mark.usefixtures("looks_often")
async def test_a_caller_who_left_unheard_is_in_line_no_more(house: House, deafen: Deafen) -> None:
    call = house.call(PRIYA)
    await call.until("queue:")
    await house.until(call.sid, state="waiting")
    deafen()
    await house.carrier.hang_up(call)
    await house.until(call.sid, state="ended")
    await found_gone(house)


@pytest.mark.usefixtures("looks_often")
async def test_a_talk_that_ended_unheard_keeps_no_agent(house: House, deafen: Deafen) -> None:
    call, agent = await house.talking(ADA)
    deafen()
    await house.carrier.hang_up(agent)
    await house.until(call.sid, state="ended", outcome="answered")
    await house.agent_is("agent-7", "wrapping")
    await found_gone(house)
