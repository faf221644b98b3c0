"""hear_offer: the agent's telephone was picked up; who listens to who is coming does not ignore the offer."""

from __future__ import annotations

from router.domain.errors import OfferGone
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Lease, Stage


@answers("OK")
async def test_who_picks_up_late_has_the_whole_offer_to_listen(
    engine: Engine, stage: Stage, offered_call: Lease
) -> None:
    await stage.later(engine.timing.offer_ms - SECOND)

    assert await stage.repeated(lambda: engine.hear_offer("c1", offered_call.offer_id)) == "o"

    assert await stage.deadline("a:ann") == engine.timing.offer_ms
    await stage.later(engine.timing.offer_ms - 1)
    assert await engine.accept_offer("c1", "ann", offered_call.offer_id) == "c"


async def test_it_still_ends(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.later(engine.timing.offer_ms - SECOND)
    await engine.hear_offer("c1", offered_call.offer_id)
    await stage.later(engine.timing.offer_ms)

    assert await stage.state("c1") == "w"
    assert (await stage.agent_row("ann")).state == "cooling"


async def test_asked_for_ever_it_holds_nobody_for_ever(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    for _ in range(3):
        await stage.later(engine.timing.offer_ms // 2)
        await engine.hear_offer("c1", offered_call.offer_id)

    assert await stage.deadline("a:ann") == engine.timing.offer_ms // 2


async def test_one_that_was_taken_has_its_own_time(engine: Engine, stage: Stage, bridging_call: Lease) -> None:
    async with stage.nothing_written():
        assert await engine.hear_offer("c1", bridging_call.offer_id) == "b"


@answers("OFFER_GONE")
async def test_an_offer_that_has_passed(engine: Engine, stage: Stage, offered_call: Lease) -> None:
    await stage.refused(OfferGone, engine.hear_offer("c1", "1-1"))
    await stage.refused(OfferGone, engine.hear_offer("ghost", offered_call.offer_id))
    await stage.later(engine.timing.offer_ms)
    await stage.refused(OfferGone, engine.hear_offer("c1", offered_call.offer_id))
