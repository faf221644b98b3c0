"""How long the outbox tries, by a clock of the test's own: a provider that is away costs nobody a place or a miss."""

from __future__ import annotations

import asyncio

import pytest

from ivr.gateway import Done, GatewayBusy, GatewayUnknown
from ivr.vocabulary import Action, Interrupt, Originate, Role, Route, Terminate
from router.telephony.actions import Wanted, stop
from router.telephony.carrying import PATIENCE_S, Carrier
from router.telephony.claims import CLAIM_MS, Claims
from router.telephony.dispatch import Outbox
from router.telephony.leader import Leader
from router.telephony.pace import Pace
from router.telephony.term import CONSUMER, GROUP, Term
from tests.support.desk_stage import ADA, offer_of, row_of
from tests.support.fake_gateway import FakeGateway
from tests.support.outbox_stage import booked, caller, until
from tests.support.service import Api

FOR_EVER = 10_000


class Patience:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.slept_s = 0.0
        self.pace = Pace(lambda: self.slept_s, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        await asyncio.sleep(0)


def carrier(api: Api, patience: Patience, name: str = "me", claim_ms: int = CLAIM_MS) -> Carrier:
    return Carrier(api.site, Claims(api.site.channel, api.site.keys, name, claim_ms), patience.pace)


def originate(call_id: str, offer: str, role: Role, ring_ms: int) -> Wanted:
    leg_id = offer if role == "agent" else f"{offer}c"
    answered, status = Route("whisper", call_id, leg_id), Route("status", call_id, leg_id)
    action = Originate(leg_id, role, "sip:7@pbx", "+12025550199", answered, status, ring_ms)
    return Wanted(f"{'ring' if role == 'agent' else 'dial'}:{offer}", action, offer)


async def offered(api: Api) -> str:
    await api.ready("agent-7")
    await caller(api).calls(ADA)
    return await offer_of(api, "n1")


async def act(api: Api, call_id: str, name: str) -> bytes | None:
    found: bytes | None = await api.site.channel.call("HGET", api.site.keys.own(f"o:{call_id}"), f"do:{name}")
    return found


async def test_a_ring_that_cannot_leave_gives_the_caller_back_and_counts_no_miss(api: Api) -> None:
    offer, patience, gateway = await offered(api), Patience(), FakeGateway(troubles=["busy"] * FOR_EVER)
    await carrier(api, patience).carry_out("n1", originate("n1", offer, "agent", 20_000), gateway)
    assert 5 < patience.slept_s < 11
    assert (await row_of(api, "n1")).letter == "w"
    agent = await api.site.engine.read_agent("agent-7")
    assert agent is not None
    assert (agent.state, agent.misses) == ("cooling", 0)
    assert await act(api, "n1", f"ring:{offer}") is None  # nothing is under way
    await api.site.local.flush()
    shown = (await api.get("/metrics")).text
    assert 'vipline_outbox_rings_total{outcome="given_up",site="main"} 1' in shown


async def test_a_callback_that_cannot_be_dialled_goes_back_into_the_line(api: Api) -> None:
    back_id = (await booked(api)).call_id
    rank = (await row_of(api, back_id)).rank
    await api.ready("agent-4")
    offer = await offer_of(api, back_id)
    await api.site.engine.accept_offer(back_id, "agent-4", offer)
    patience, gateway = Patience(), FakeGateway(troubles=["busy"] * FOR_EVER)
    await carrier(api, patience).carry_out(back_id, originate(back_id, offer, "callback", 60_000), gateway)
    assert 20 < patience.slept_s < 31
    row = await row_of(api, back_id)
    assert (row.letter, row.rank) == ("w", rank)


@pytest.mark.parametrize("placed", [True, False])
async def test_what_may_ring_is_looked_for_until_it_is_known(api: Api, placed: bool) -> None:
    """The provider does not say for a minute; meanwhile the caller has gone."""

    class Mute(FakeGateway):
        async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
            if patience.slept_s < 60:
                await api.site.engine.abandon_call("n1")
                raise unsure
            return await super().find(site, action, since_ms)

    unsure = GatewayBusy(1_000)
    offer, patience = await offered(api), Patience()
    gateway = Mute(troubles=["placed, answer lost" if placed else "never placed, answer lost"])
    await carrier(api, patience).carry_out("n1", originate("n1", offer, "agent", 20_000), gateway)
    assert 60 <= patience.slept_s < 70
    assert gateway.stopped() == ([offer] if placed else [])
    assert len(gateway.originates()) == 1


@pytest.mark.parametrize("heard", [False, True])
async def test_a_ring_of_which_nothing_becomes_known_is_no_miss(api: Api, heard: bool) -> None:
    """Unless the agent has picked up, which says enough."""
    offer, patience = await offered(api), Patience()
    gateway = FakeGateway(troubles=["never placed, answer lost"] * FOR_EVER)
    if heard:
        await caller(api).picks_up(offer)
    carrying = asyncio.create_task(
        carrier(api, patience).carry_out("n1", originate("n1", offer, "agent", 20_000), gateway)
    )
    await until(lambda: patience.slept_s > 15 or carrying.done())
    assert (await row_of(api, "n1")).letter == ("o" if heard else "w")
    agent = await api.site.engine.read_agent("agent-7")
    assert agent is not None
    assert agent.misses == 0
    carrying.cancel()
    await asyncio.wait([carrying])


async def test_a_later_ring_of_the_same_telephone_is_not_taken_for_an_earlier_one(api: Api) -> None:
    """A provider that finds legs by their number alone."""

    class ByNumber(FakeGateway):
        async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
            return next(reversed(self.placed.values()), None)

    gateway, patience = ByNumber(troubles=["never placed, answer lost"]), Patience()
    first = await offered(api)
    carriers = carrier(api, patience)

    async def second_call() -> str:
        await api.site.engine.abandon_call("n1")
        await caller(api, "n2").calls(ADA)
        offer = await offer_of(api, "n2")
        await carriers.carry_out("n2", originate("n2", offer, "agent", 20_000), gateway)
        return offer

    class Once(Patience):
        later = ""

        async def _sleep(self, seconds: float) -> None:
            self.later = self.later or await second_call()

    once = Once()
    await carrier(api, once).carry_out("n1", originate("n1", first, "agent", 20_000), gateway)
    assert list(gateway.placed) == [once.later]
    assert gateway.stopped() == []


async def test_a_leg_that_cannot_be_ended_is_given_up_in_the_end(api: Api) -> None:
    class Away(FakeGateway):
        async def perform(self, site: str, action: Action, leg: str | None) -> Done:
            self.asked.append(action)
            raise GatewayUnknown("timeout")

    offer, patience, gateway = await offered(api), Patience(), Away()
    await carrier(api, patience).carry_out("n1", stop(offer), gateway)
    assert PATIENCE_S - 10 < patience.slept_s < PATIENCE_S + 1
    assert len(gateway.asked) > 10


@pytest.mark.parametrize(("letter", "sent"), [("=o", 1), ("=q", 0)])
async def test_an_old_question_is_not_put_to_somebody_who_talks_by_now(api: Api, letter: str, sent: int) -> None:
    await offered(api)
    again = Wanted("again:1-0", Interrupt("n1", Route("again", "n1", "1-0")), letter)
    gateway = FakeGateway()
    await carrier(api, Patience()).carry_out("n1", again, gateway)
    assert len(gateway.asked) == sent


async def test_a_leg_placed_by_one_who_was_taken_for_dead_is_ended(api: Api) -> None:
    offer, patience = await offered(api), Patience()
    first, second = FakeGateway(hold=asyncio.Event()), FakeGateway()
    ring = originate("n1", offer, "agent", 20_000)
    sleeper = asyncio.create_task(carrier(api, patience, "sleeper", 5_000).carry_out("n1", ring, first))
    await until(lambda: first.asked)
    await asyncio.sleep(0.2)
    second.placed["another"] = "sid-0"  # so that its legs have other ids
    await carrier(api, patience, "heir", 200).carry_out("n1", ring, second)
    assert first.hold is not None
    first.hold.set()
    await sleeper
    assert [(type(action), leg) for action, leg in zip(first.asked, first.legs, strict=True)] == [
        (Originate, None),
        (Terminate, "sid-0"),
    ]
    assert await api.site.channel.call("HGET", api.site.keys.own("o:n1"), f"leg:{offer}") == b"sid-1"


async def test_what_a_sleeper_took_with_it_is_read_again(api: Api) -> None:
    """An entry was handed out to one who thought to lead, and went no further."""
    channel, events = api.site.channel, api.site.keys.events
    offers: list[str] = []

    class Robbed(Term):
        async def read(self, position: str, block_ms: int) -> str:
            if position == ">" and not offers:
                offers.append(await offered(api))
                await channel.call("XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", FOR_EVER, "STREAMS", events, ">")
            return await super().read(position, block_ms)

    gateway, leader = FakeGateway(), Leader(channel, api.site.keys.own("by"), "me", 10_000)
    outbox = Outbox(api.site, {"fake": gateway}, channel, lease_ms=300)
    term = Robbed(api.site, {"fake": gateway}, channel, carrier(api, Patience()), Pace())
    await term.begin()
    leading = asyncio.create_task(outbox._read(leader, term))
    await until(lambda: gateway.originates())
    leading.cancel()
    await asyncio.wait([leading])
    await term.stop()
    assert [ring.leg_id for ring in gateway.originates()] == offers


@pytest.mark.parametrize(("left", "free_after_ms"), [(True, 3_000), (False, CLAIM_MS)])
async def test_who_left_in_good_order_is_not_waited_for(api: Api, left: bool, free_after_ms: int) -> None:
    now = [1_000_000]
    first, second = (
        Claims(api.site.channel, api.site.keys, name, clock=lambda: str(now[0])) for name in ("first", "second")
    )
    assert (await first.claim("n1", "stop:1-0", "")).word == "OK"
    if left:
        first.leave()
    now[0] += free_after_ms - 1
    assert (await second.claim("n1", "stop:1-0", "")).word == "BUSY"
    now[0] += 1
    assert (await second.claim("n1", "stop:1-0", "")).word == "AGAIN"
