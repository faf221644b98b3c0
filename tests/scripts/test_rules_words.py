"""What people write about a call lies with its cold facts, under the entry that it is about, and in no entry."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from router.domain.errors import OfferGone, WrongState
from router.store.engine import Engine
from tests.support.stage import MINUTE, SECOND, Lease, Stage, ladder, queue

WORDS = 'Mona "Quill" | 又一次 ]}\\'


async def boost(stage: Stage, words: str) -> str:
    return await stage.engine.boost_call("c1", MINUTE, by="sue", why=words)


async def assign(stage: Stage, words: str) -> str:
    return await stage.engine.assign_call("c1", "tom", by="sue", why=words)


async def withdraw(stage: Stage, words: str) -> str:
    return await stage.engine.withdraw_call("c1", by="sue", why=words)


async def decline(stage: Stage, words: str) -> str:
    return await stage.engine.decline_offer("c1", "ann", await offer(stage), reason=words)


async def transfer(stage: Stage, words: str) -> str:
    way = ladder(queue("general"))
    return await stage.engine.transfer_call("c1", await offer(stage), way, plan_version="", note=words)


async def offer(stage: Stage) -> str:
    """Of what ann was offered first."""
    rows = await stage.channel.call("XRANGE", stage.keys.events, "-", "+")
    return next(str(entry_id.decode()) for entry_id, pair in rows if b"call.offered|call=c1|agent=ann|" in pair[1])


async def facts(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await stage.channel.call("GET", stage.keys.meta("c1")))
    return found


@pytest.fixture(params=[boost, assign, withdraw, decline, transfer])
async def act(request: pytest.FixtureRequest, stage: Stage) -> Any:
    """What people do with a call and say a word about; c1 is in a state for it, and tom talks to somebody else."""
    await stage.agent("tom", "general", state="talking")
    await stage.engine.know_lanes([queue("general")])
    if request.param in (decline, transfer):
        await stage.agent("ann")
    await stage.call("c1", queue("vip"), meta=f'{{"to":"1","said":{json.dumps(WORDS)}}}')
    if request.param is transfer:
        await stage.engine.accept_offer("c1", "ann", await offer(stage))
    return request.param


async def test_they_lie_under_the_entry_and_not_in_it(stage: Stage, act: Any) -> None:
    await stage.events()
    await act(stage, WORDS)

    first, *_ = await stage.events()
    key = {decline: "reason", transfer: "note"}.get(act, "why")
    assert first.fields[key] == "words:"
    assert first.text(key) == ""
    told = await facts(stage)
    assert told == {"to": "1", "said": WORDS, f"words:{first.entry_id}": WORDS}
    assert first.with_words(told).text(key) == WORDS


async def test_a_repeat_writes_nothing_whatever_it_says(stage: Stage, act: Any) -> None:
    await stage.repeated(lambda: act(stage, WORDS))
    async with stage.nothing_written():
        await act(stage, "in other words")


async def test_what_is_refused_writes_nothing(stage: Stage, act: Any) -> None:
    if act in (decline, transfer):
        await stage.engine.abandon_call("c1")
    else:
        await stage.agent("ann")  # who is offered the call
    async with stage.nothing_written():
        with pytest.raises((OfferGone, WrongState)):
            await act(stage, WORDS)


async def test_fifty_at_once_are_written_down_once(stage: Stage, act: Any) -> None:
    await asyncio.gather(*(act(stage, f"{WORDS} {number}") for number in range(50)))

    assert len([name for name in await facts(stage) if name.startswith("words:")]) == 1


async def test_nothing_said_is_nothing_written_down(stage: Stage, act: Any) -> None:
    before = await facts(stage)
    await act(stage, "")
    assert await facts(stage) == before
    assert "words:" not in str([event.raw for event in await stage.events()])


async def test_what_is_erased_stays_so(stage: Stage, act: Any) -> None:
    await stage.channel.call("DEL", stage.keys.meta("c1"))
    await act(stage, WORDS)
    assert await stage.channel.call("EXISTS", stage.keys.meta("c1")) == 0


async def test_an_empty_record_takes_them_too(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await boost(stage, WORDS)
    assert list((await facts(stage)).values()) == [WORDS]


async def test_they_end_with_the_call(engine: Engine, stage: Stage, waiting_call: str) -> None:
    await withdraw(stage, WORDS)
    assert 0 < await stage.channel.call("PTTL", stage.keys.meta("c1")) <= engine.timing.retain_ended_ms


async def test_a_call_takes_so_many_and_no_more(engine: Engine, stage: Stage, waiting_call: str) -> None:
    """Every boost is carried out; the record, which each look at the call reads, does not grow for ever."""
    for number in range(60):
        await engine.boost_call("c1", number * SECOND + 1, by="sue", why="x")
    assert len(await facts(stage)) == 50
    assert (await stage.told()).count("call.boosted") == 60


async def test_a_stale_lease_has_no_say(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    for agent_id, offer_id in (("bob", offered_call.offer_id), ("ann", "1-1")):
        await stage.refused(OfferGone, engine.decline_offer("c1", agent_id, offer_id, reason=WORDS))
