"""What the outbox has done is acknowledged: seldom, surely, and without holding anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from ivr.vocabulary import CallEnded
from router.store.channel import ConnectionLost
from router.telephony import term as terms
from router.telephony.carrying import Carrier
from router.telephony.claims import Claims
from router.telephony.pace import Pace
from router.telephony.term import GROUP, Term
from tests.support.desk_stage import PRIYA
from tests.support.fake_gateway import FakeGateway
from tests.support.outbox_stage import caller, until
from tests.support.service import Api
from tests.support.waiting import wait_until


@pytest.fixture
async def term(api: Api) -> AsyncIterator[Term]:
    """It has read that five callers of an adapter came and left, and nothing else is in the stream."""
    for number in range(5):
        call = caller(api, f"n{number}")
        await call.calls(PRIYA)
        await call.reports(CallEnded())
    carrier = Carrier(api.site, Claims(api.site.channel, api.site.keys, "me"), Pace())
    opened = Term(api.site, {"fake": FakeGateway()}, api.site.channel, carrier, Pace())
    await opened.begin()
    yield opened
    await opened.stop()


async def pending(api: Api) -> int:
    """Entries of the telephony group that were handed out and not acknowledged."""
    return int((await api.site.channel.call("XPENDING", api.site.keys.events, GROUP))[0])


async def all_settled(api: Api, term: Term) -> int:
    await until(lambda: not term._at)
    assert await pending(api) == len(term._settled) >= 5
    return len(term._settled)


async def test_what_was_settled_meanwhile_goes_in_one_and_what_fails_is_tried_again(
    api: Api, term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first acknowledgement dies with its connection, when everything has been settled."""
    call, sent, may_fail = api.site.channel.call, [], asyncio.Event()

    async def flaky(*words: Any) -> Any:
        if words[0] != "XACK" or words[2] != GROUP:
            return await call(*words)
        sent.append(len(words) - 3)
        if len(sent) == 1:
            await may_fail.wait()
            raise ConnectionLost("gone")
        return await call(*words)

    monkeypatch.setattr(terms, "RETRY_S", 0.01)
    await term.read(">", 0)  # what is not the outbox's is acknowledged here
    monkeypatch.setattr(api.site.channel, "call", flaky)
    entries = await all_settled(api, term)
    may_fail.set()
    await wait_until(lambda: _none_pending(api))
    assert (len(sent), sent[1]) == (2, entries)


async def _none_pending(api: Api) -> bool:
    return await pending(api) == 0


async def test_a_term_that_ends_acknowledges_what_gathered(
    api: Api, term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "GATHER_S", 3_600)
    await term.read(">", 0)
    await all_settled(api, term)
    await term.stop()
    assert await pending(api) == 0


async def test_a_term_ends_at_once_while_the_store_does_not_answer(
    api: Api, term: Term, peek: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leaves says so to the one who comes next: not after one more deadline of the connection."""
    monkeypatch.setattr(terms, "GATHER_S", 3_600)
    await term.read(">", 0)
    await all_settled(api, term)
    monkeypatch.setattr(api.site.channel, "deadline_s", 600)
    peek.execute_command("CLIENT PAUSE", 600_000, "WRITE")
    try:
        async with asyncio.timeout(15):
            await term.stop()
    finally:
        peek.execute_command("CLIENT UNPAUSE")
