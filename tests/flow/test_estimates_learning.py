"""Estimates are learned from a site's own events: each entry once, whoever learns, and whatever happens to them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from router.domain.estimates import Estimator
from router.events.stream import read_entry
from tests.support.stage import MINUTE
from tests.support.waiting import wait_until


async def test_a_restart_in_the_middle_changes_nothing(untaught):
    """Whether one learner reads all, or each reads a little and dies, the same is learned."""
    await untaught.days(30)
    pieces = await untaught.channel.call("XRANGE", untaught.keys.events, "-", "+")
    assert len(pieces) > 100
    for name in "abcdefgh":
        learner = untaught.another("one")
        learning = await learner.load()
        after = learning.last
        rows = await untaught.channel.call("XRANGE", untaught.keys.events, f"({after}", "+", "COUNT", 17)
        await learner.learn(learning, [read_entry(row) for row in rows])
        if name in "bdf":
            continue  # it died before it wrote
        assert await learner.keep(learning, after)
    await untaught.learn()
    in_pieces = await untaught.kept()
    await untaught.channel.call("DEL", *(untaught.keys.own(name) for name in ("est", "est:c", "est:f", "est:by")))
    await untaught.learn()
    last, model = await untaught.kept()
    assert last == in_pieces[0]
    assert strip(model) == strip(in_pieces[1])


def strip(model: bytes) -> object:
    """Forecasts are made by the clock of the moment; what was counted is the same."""
    kept = json.loads(model)
    return {name: fit[0] for name, fit in kept["fits"].items()}, kept["talks"]


async def test_an_entry_handed_out_twice_is_learned_once(taught):
    learner = taught.learner
    learning = await learner.load()
    before = learning.estimator.dump()
    rows = await taught.channel.call("XRANGE", taught.keys.events, "-", "+")
    await learner.learn(learning, [read_entry(row) for row in rows])
    assert learning.estimator.dump() == before


async def test_an_entry_that_makes_no_sense_stops_nothing(taught):
    await taught.come()
    waiting = await taught.come()
    await taught.channel.call(
        "XADD", taught.keys.events, f"{taught.clock.now_ms}-*", "e", f"call.assigned|call={waiting}"
    )
    last = await taught.come()
    await taught.learn()
    assert last in (await taught.learner.load()).calls


async def test_hang_ups_and_helped_calls_teach_nothing(taught):
    engine = taught.engine
    _, gone, helped, plain = [await taught.come() for _ in range(4)]
    await taught.learn()
    before = (await taught.learner.load()).estimator.fits[";"].samples
    await engine.abandon_call(gone)
    await engine.boost_call(helped, MINUTE, by="eve", why="")
    for _ in range(3):
        await taught.serve()
    await taught.learn()
    assert (await taught.learner.load()).estimator.fits[";"].samples == before + 1
    assert plain


async def test_when_everything_has_ended_no_call_is_followed(taught):
    assert await taught.channel.call("HLEN", taught.keys.own("est:c")) == 0


async def test_calls_in_line_survive_a_restart_and_teach(untaught):
    await untaught.days(30)
    for _ in range(4):
        await untaught.come()
    await untaught.learn()
    samples = (await untaught.learner.load()).estimator.fits["vip;standard"].samples
    for _ in range(4):
        await untaught.serve()
    await untaught.learn(untaught.another("one"))
    assert (await untaught.learner.load()).estimator.fits["vip;standard"].samples == samples + 3


async def test_a_gap_in_the_stream_is_bridged_by_what_stands_in_line(taught):
    await taught.learn()
    calls = [await taught.come() for _ in range(5)]
    await taught.channel.call("XTRIM", taught.keys.events, "MAXLEN", 0)
    learning = await taught.learner.load()
    assert await taught.learner.step(learning, 1) == 0
    assert set(calls[1:]) <= set(learning.calls)
    await taught.come()
    await taught.learner.step(learning, 1)
    newest = list(learning.calls.values())[-1]
    assert [sample.ahead for sample in newest.samples] == [4]


async def test_the_bookmark_keeps_what_is_not_learned(taught):
    groups = await taught.channel.call("XINFO", "GROUPS", taught.keys.events)
    facts = dict(zip(groups[0][::2], groups[0][1::2], strict=True))
    assert facts[b"name"] == b"estimates"
    assert facts[b"last-delivered-id"] == (await taught.kept())[0]


async def test_of_two_learners_one_learns(taught):
    one, two = taught.learner, taught.another("two")
    held = await one.load()
    assert await two.step(await two.load(), 1) is None, "the other has the lease"
    await taught.channel.call("DEL", taught.keys.own("est:by"))
    await taught.days(3)
    taken = await two.load()
    assert await two.step(taken, 1)
    await taught.channel.call("DEL", taught.keys.own("est:by"))
    assert await one.step(held, 1) is None, "it went on from where another has gone on from"


async def test_another_takes_over_when_the_lease_ends(untaught):
    await untaught.days(30)
    await untaught.channel.call("SET", untaught.keys.own("est:by"), "dead", "PX", 50)
    learning = asyncio.create_task(untaught.learner.run())
    last = (await untaught.channel.call("XREVRANGE", untaught.keys.events, "+", "-", "COUNT", 1))[0][0]

    async def is_learned() -> bool:
        return bool((await untaught.kept())[0] == last)

    try:
        await wait_until(is_learned)
    finally:
        learning.cancel()
        with suppress(asyncio.CancelledError):
            await learning


async def test_the_service_learns_by_itself(api):
    await api.ready("agent-1")
    call = await api.call("c0")
    await api.accept(call)
    await api.call("c1")
    await api.post("/v1/calls/c0/complete", {"offer_id": call["offer"]["offer_id"]})
    await api.post("/v1/agents/agent-1/wrapped")
    await api.accept(await api.look("c1"))

    async def is_learned() -> bool:
        kept = await api.site.channel.call("HGET", api.site.keys.own("est"), "model")
        return bool(kept and Estimator.load(kept).fits.get("general;standard"))

    await wait_until(is_learned)
