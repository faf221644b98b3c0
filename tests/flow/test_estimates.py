"""What callers are told of their wait: nothing until enough is known, and nothing that grows with time."""

from __future__ import annotations

import pytest

from router.domain.estimates import ENOUGH, LEAD_MS, Forecast
from router.domain.events import Told
from router.domain.fitting import Curve
from router.domain.judging import Announcement, Estimate
from router.domain.talks import Talks
from tests.support.learning_desk import TALK_S
from tests.support.stage import MINUTE, SECOND, profile
from tests.support.waiting import wait_until


async def test_nothing_is_said_until_enough_is_known(untaught):
    await untaught.days(ENOUGH)  # the first of them did not have to wait
    await untaught.learn()
    untaught.clock.now_ms += MINUTE
    await untaught.come()
    assert await untaught.look(await untaught.come()) is None
    assert untaught.estimates.announcement(None) is None


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


async def test_an_asked_caller_hears_when_the_owner_is_free(taught):
    engine = taught.engine
    await taught.come()
    talking = await taught.take()
    await taught.ask("asked")
    assert (await engine.read_call("asked")).state == "choosing"
    now = await taught.look("asked")
    assert now.p50_ms == pytest.approx((TALK_S + 30) * SECOND, rel=0.2)
    taught.clock.now_ms += 10 * SECOND
    later = await taught.look("asked")
    assert later.p50_ms < now.p50_ms
    await engine.choose("asked", "wait")
    await taught.ask("second")
    assert (await taught.look("second")).p50_ms > (await taught.look("asked")).p50_ms
    assert (await taught.look("asked")).p50_ms <= later.p50_ms
    await engine.complete_call(talking)
    wrapping = await taught.look("asked")
    assert wrapping == Estimate(30_000, 30_000)
    assert taught.estimates.announcement(wrapping) == Announcement(1, 1)


async def test_who_asks_for_an_owner_hears_nothing_when_owners_came_late(taught):
    await taught.come()
    await taught.take()
    await taught.ask("asked")
    assert await taught.told("asked") is not None
    taught.clock.now_ms += 30 * MINUTE
    waits = await taught.come()
    await taught.learn()
    taught.clock.now_ms += LEAD_MS
    await taught.ask("later")
    assert await taught.look("later") is not None
    assert await taught.told("later") is None
    assert (taught.estimates.owners.answers, taught.estimates.owners.hits) == (1, 0)
    assert await taught.told(waits) is not None, "of the queue nothing else was said than came true"


async def test_nobody_can_say_when_an_owner_who_is_away_is_free(taught):
    await taught.engine.put_agent("bob", profile("vip"), "{}")
    assert await taught.estimates.until_free("bob", taught.clock.now_ms) is None
    assert await taught.estimates.until_free("nobody", taught.clock.now_ms) is None


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
