"""Estimates learned from a site's own events: each entry once, whoever learns, and nothing that grows with time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from router.domain.estimates import ENOUGH, LEAD_MS, Announcement, Estimate, Estimator, Forecast
from router.domain.events import Told
from router.domain.fitting import Curve
from router.domain.ladder import Timing
from router.domain.talks import Talks
from router.estimates import Estimates
from router.events.estimating import Learner
from router.events.stream import read_entry
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.sending import VirtualClock
from tests.support.stage import MINUTE, SECOND, START, ladder, owner, profile, queue
from tests.support.waiting import wait_until

VIP = queue("vip")
TALK_S = 60


class Desk:
    """A virtual site with one agent, a learner, and what a process would say."""

    def __init__(self, channel: Channel, keys: Keyspace, blocking: Channel) -> None:
        self.channel = channel
        self.keys = keys
        self.clock = VirtualClock(START)
        self.engine = Engine(channel, keys, Timing(), self.clock)
        self._blocking = blocking
        self.learner = self.another("one")
        self.estimates = Estimates(self.engine, lambda: self.clock.now_ms)
        self._calls = 0

    def another(self, name: str) -> Learner:
        wrap_up_ms = self.engine.timing.wrap_up_ms
        return Learner(self.channel, self._blocking, self.keys, name, self.engine.lanes, lambda: wrap_up_ms)

    async def come(self, tier: str = "standard", head_start_ms: int = 0) -> str:
        self._calls += 1
        call_id = f"call{self._calls}"
        ladders = ladder(VIP, head_start_ms=head_start_ms)
        await self.engine.route_call(call_id, ladders, plan_version="", tier=tier)
        return call_id

    async def serve(self, talk_s: float = TALK_S) -> None:
        """Ann takes the call she is offered, talks, wraps up, and is offered the next."""
        engine = self.engine
        agent = await engine.read_agent("ann")
        assert agent is not None
        if agent.call_id is None or agent.offer_id is None:
            return
        await engine.accept_offer(agent.call_id, "ann", agent.offer_id)
        self.clock.now_ms += round(talk_s * SECOND)
        await engine.complete_call(agent.call_id)
        await engine.end_wrap_up("ann")

    async def days(self, calls: int, step: int = 5) -> None:
        """So many callers in a row, with a few in line all the time."""
        for number in range(calls):
            await self.come()
            if number >= step:
                await self.serve()
        while (agent := await self.engine.read_agent("ann")) and agent.call_id:
            await self.serve()

    async def learn(self, learner: Learner | None = None) -> None:
        """All there is, by a learner who begins anew from what is kept."""
        learner = learner or self.learner
        learning = await learner.load()
        while await learner.step(learning, 1):
            pass

    async def look(self, call_id: str) -> Estimate | None:
        await self.estimates.refresh()
        row = await self.engine.read_call(call_id)
        assert row is not None
        return await self.estimates.of(row)

    async def told(self, call_id: str) -> Announcement | None:
        await self.estimates.refresh()
        view = await self.engine.view_call(call_id)
        assert view is not None
        return self.estimates.told(view, self.clock.now_ms)

    async def kept(self) -> tuple[bytes, bytes]:
        return tuple(await self.channel.call("HMGET", self.keys.own("est"), "last", "model"))


@pytest.fixture
async def blocking(server) -> AsyncIterator[Channel]:
    channel = await Channel.open(server)
    yield channel
    await channel.close()


@pytest.fixture
async def desk(channel: Channel, site: str, blocking) -> Desk:
    desk = Desk(channel, Keyspace(site), blocking)
    await desk.engine.make_virtual()
    await desk.engine.put_agent("ann", profile("vip"), "{}")
    await desk.engine.agent_ready("ann")
    return desk


@pytest.fixture
async def taught(desk: Desk) -> Desk:
    """A desk that knows its callers; a forecast is in force."""
    await desk.days(60)
    await desk.learn()
    desk.clock.now_ms += LEAD_MS + 1
    return desk


async def test_nothing_is_said_until_enough_is_known(desk):
    await desk.days(ENOUGH)  # the first of them did not have to wait
    await desk.learn()
    desk.clock.now_ms += MINUTE
    await desk.come()
    assert await desk.look(await desk.come()) is None
    assert desk.estimates.announcement(None) is None


async def test_a_caller_hears_of_the_calls_ahead(taught):
    calls = [await taught.come() for _ in range(5)]
    said = [await taught.look(call_id) for call_id in calls[1:]]
    assert [each.p50_ms for each in said] == sorted(each.p50_ms for each in said)
    assert said[-1].p50_ms == pytest.approx(4 * TALK_S * SECOND, rel=0.35)
    assert all(each.p50_ms <= each.p90_ms for each in said)
    assert taught.estimates.announcement(said[-1]) is not None
    assert (await taught.look(calls[0])).p50_ms == 0  # it rings


async def test_nothing_is_said_where_nobody_is_on_duty(taught):
    first, second = [await taught.come() for _ in range(2)]
    await taught.engine.abandon_call(first)
    await taught.serve()
    await taught.engine.agent_away("ann", "offline")
    alone = await taught.come()
    assert await taught.look(alone) is None
    assert await taught.told(alone) is None
    await taught.engine.put_agent("bob", profile("vip"), "{}")
    await taught.engine.agent_ready("bob")
    assert await taught.told(await taught.come()) is not None
    assert second


async def test_nothing_is_said_once_the_time_that_was_told_has_passed(taught):
    _, waiting = [await taught.come() for _ in range(2)]
    said = await taught.told(waiting)
    at_ms, most_ms = taught.clock.now_ms, said.at_most_min * MINUTE
    kept = Told(at_ms, said.about_min * MINUTE, most_ms).text()
    await taught.channel.call("HSET", taught.keys.documents(waiting), "told", kept)
    taught.clock.now_ms += most_ms
    assert await taught.told(waiting) == said
    taught.clock.now_ms += 1
    assert await taught.told(waiting) is None
    assert await taught.look(waiting) is not None


async def test_a_site_that_nobody_answers_falls_silent(taught):
    callers = [await taught.come() for _ in range(40)]
    await taught.learn()
    assert await taught.told(callers[1]) is not None
    taught.clock.now_ms += 120 * MINUTE
    await taught.come()
    await taught.learn()
    await taught.estimates.refresh()
    assert taught.estimates.quality.hit_rate < 0.7
    taught.clock.now_ms += LEAD_MS
    assert await taught.told(await taught.come()) is None


async def test_it_never_grows_because_time_passes(taught):
    first, *others = [await taught.come() for _ in range(4)]
    before = [await taught.look(call_id) for call_id in others]
    for _ in range(8):
        taught.clock.now_ms += 30 * SECOND
        await taught.learn()
        after = [await taught.look(call_id) for call_id in others]
        assert after == before, "nobody has left and nobody has come"
    await taught.serve()
    after = [await taught.look(call_id) for call_id in others[1:]]
    assert all(now.p50_ms <= was.p50_ms for now, was in zip(after, before[1:], strict=True))
    # A call that comes in ahead may say otherwise.
    patient = await taught.look(others[-1])
    await taught.come("gold", head_start_ms=10 * MINUTE)
    assert (await taught.look(others[-1])).p50_ms >= patient.p50_ms
    assert first


async def test_a_restart_in_the_middle_changes_nothing(desk, blocking):
    """Whether one learner reads all, or each reads a little and dies, the same is learned."""
    await desk.days(30)
    pieces = await desk.channel.call("XRANGE", desk.keys.events, "-", "+")
    assert len(pieces) > 100
    for name in "abcdefgh":
        learner = desk.another("one")
        learning = await learner.load()
        after = learning.last
        rows = await desk.channel.call("XRANGE", desk.keys.events, f"({after}", "+", "COUNT", 17)
        await learner.learn(learning, [read_entry(row) for row in rows])
        if name in "bdf":
            continue  # it died before it wrote
        assert await learner.keep(learning, after)
    await desk.learn()
    in_pieces = await desk.kept()
    await desk.channel.call("DEL", *(desk.keys.own(name) for name in ("est", "est:c", "est:f", "est:by")))
    await desk.learn()
    last, model = await desk.kept()
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


async def test_another_takes_over_when_the_lease_ends(desk):
    await desk.days(30)
    await desk.channel.call("SET", desk.keys.own("est:by"), "dead", "PX", 50)
    learning = asyncio.create_task(desk.learner.run())
    last = (await desk.channel.call("XREVRANGE", desk.keys.events, "+", "-", "COUNT", 1))[0][0]

    async def is_learned() -> bool:
        return bool((await desk.kept())[0] == last)

    try:
        await wait_until(is_learned)
    finally:
        learning.cancel()
        with suppress(asyncio.CancelledError):
            await learning


async def test_calls_in_line_survive_a_restart_and_teach(desk):
    await desk.days(30)
    for _ in range(4):
        await desk.come()
    await desk.learn()
    samples = (await desk.learner.load()).estimator.fits["vip;standard"].samples
    for _ in range(4):
        await desk.serve()
    await desk.learn(desk.another("one"))
    assert (await desk.learner.load()).estimator.fits["vip;standard"].samples == samples + 3


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


async def test_an_asked_caller_hears_when_the_owner_is_free(taught):
    engine = taught.engine
    await taught.come()
    agent = await engine.read_agent("ann")
    await engine.accept_offer(agent.call_id, "ann", agent.offer_id)
    await engine.route_call("asked", ladder(owner("ann"), VIP), plan_version="")
    assert (await engine.read_call("asked")).state == "choosing"
    now = await taught.look("asked")
    assert now.p50_ms == pytest.approx((TALK_S + 30) * SECOND, rel=0.2)
    taught.clock.now_ms += 10 * SECOND
    later = await taught.look("asked")
    assert later.p50_ms < now.p50_ms
    await engine.choose("asked", "wait")
    await engine.route_call("second", ladder(owner("ann"), VIP), plan_version="")
    assert (await taught.look("second")).p50_ms > (await taught.look("asked")).p50_ms
    assert (await taught.look("asked")).p50_ms <= later.p50_ms
    await engine.complete_call(agent.call_id)
    wrapping = await taught.look("asked")
    assert wrapping == Estimate(30_000, 30_000)
    assert taught.estimates.announcement(wrapping) == Announcement(1, 1)


async def test_who_asks_for_an_owner_hears_nothing_when_owners_came_late(taught):
    engine = taught.engine
    await taught.come()
    agent = await engine.read_agent("ann")
    await engine.accept_offer(agent.call_id, "ann", agent.offer_id)
    await engine.route_call("asked", ladder(owner("ann"), VIP), plan_version="")
    assert await taught.told("asked") is not None
    taught.clock.now_ms += 30 * MINUTE
    waits = await taught.come()
    await taught.learn()
    taught.clock.now_ms += LEAD_MS
    await engine.route_call("later", ladder(owner("ann"), VIP), plan_version="")
    assert await taught.look("later") is not None
    assert await taught.told("later") is None
    assert (taught.estimates.owners.answers, taught.estimates.owners.hits) == (1, 0)
    assert await taught.told(waits) is not None, "of the queue nothing else was said than came true"


async def test_nobody_can_say_when_an_owner_who_is_away_is_free(taught):
    await taught.engine.put_agent("bob", profile("vip"), "{}")
    assert await taught.estimates.until_free("bob", taught.clock.now_ms) is None
    assert await taught.estimates.until_free("nobody", taught.clock.now_ms) is None


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


async def test_the_api_shows_estimates_once_they_are_known(api):
    site = api.site
    await api.ready("agent-1")
    talking = await api.call("c0")
    assert talking["estimate_ms"] is None
    await api.accept(talking)
    await api.call("c1")
    curve = Curve(100, 40.0, 20.0, (0.8,) * 4, (2.0,) * 4)
    forecast = Forecast(0, {";": curve}, {}, Talks())
    await site.channel.call("RPUSH", site.keys.own("est:f"), forecast.dump())
    await site.channel.call("HINCRBY", site.keys.own("est"), "forecasts", 1)

    async def is_known() -> bool:
        return (await api.look("c1"))["estimate_ms"] is not None

    await wait_until(is_known)
    assert (await api.look("c1"))["estimate_ms"] == {"p50": 32_000, "p90": 80_000}
    assert (await api.look("c0"))["estimate_ms"] is None
    queues = {row["group"]: row for row in (await api.get("/v1/queues")).json["queues"]}
    assert queues["general"]["estimate_ms"] == {"p50": 48_000, "p90": 120_000}
    tiers = {row["tier"]: row["estimate_ms"] for row in queues["general"]["tiers"]}
    assert tiers["standard"] == {"p50": 48_000, "p90": 120_000}
    assert tiers["diamond"] == {"p50": 32_000, "p90": 80_000}


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
