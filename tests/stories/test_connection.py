"""From the ring to the end of the talk: whoever fails or leaves, whenever, nobody is left alone or stuck."""

from __future__ import annotations

import pytest

from loadtests.carriers.phones import Person, Pick
from tests.stories.house import ADA, CHEN, GRETA, LI, PRIYA, House


@pytest.mark.needs("whisper")
async def test_a_vip_talks_to_her_agent_who_wraps_up(house: House) -> None:
    call, agent = await house.talking()
    assert any("diamond customer Ms Ada Marlow" in words for words in agent.story)
    await agent.until(f"bridged: {ADA}")
    await house.carrier.hang_up(agent)
    await house.until(call.sid, state="ended", outcome="answered")
    await call.until("Thank you for calling")
    await call.until("ended")
    await house.agent_is("agent-7", "wrapping")


@pytest.mark.needs("interrupt")
async def test_after_the_talk_the_caller_may_say_how_it_was(house: House) -> None:
    await house.change(voice={"survey": True})
    house.agent(GRETA)
    await house.api.ready("agent-7")
    call = house.call(ADA, Person(presses={"How satisfied": "5"}))
    await call.until(f"bridged: {GRETA}")
    await house.carrier.hang_up(house.carrier.leg_to(GRETA))
    await call.until("ended")
    assert (await house.meta(call.sid))["survey"] == "5"


async def test_the_agent_completes_in_the_application(house: House) -> None:
    call, agent = await house.talking()
    offer = (await house.api.look(call.sid))["offer"]["offer_id"]
    done = await house.api.post(f"/v1/calls/{call.sid}/complete", {"offer_id": offer})
    assert done.status == 200, done.text
    await agent.until("ended")
    await call.until("Thank you for calling")
    await call.until("ended")


async def test_the_agent_passes_the_caller_on(house: House) -> None:
    house.agent(CHEN)
    call, agent = await house.talking()
    await house.api.ready("agent-3")
    offer = (await house.api.look(call.sid))["offer"]["offer_id"]
    passed = await house.api.post(f"/v1/calls/{call.sid}/transfer", {"offer_id": offer, "to": {"group": "vip"}})
    assert passed.status == 200, passed.text
    await agent.until("ended")
    await call.until(f"bridged: {CHEN}")
    await house.until(call.sid, state="connected", agent_id="agent-3")


# ---------------------------------------------------------------- accepting


@pytest.mark.needs("whisper")
async def test_accepted_in_the_application_while_the_agent_listens(house: House) -> None:
    house.agent(GRETA, presses={})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    agent = await house.carrier.until_leg_to(GRETA)
    await agent.until("take the call")
    await house.api.accept(await house.api.look(call.sid))
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected", agent_id="agent-7")
    assert len(house.legs_to(GRETA)) == 1


async def test_accepted_in_the_application_while_the_phone_rings(house: House) -> None:
    house.agent(GRETA, after_s=20.0, presses={})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await house.rung(GRETA)
    await house.api.accept(await house.api.look(call.sid))
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected")


@pytest.mark.needs("whisper")
async def test_accepted_by_key_and_in_the_application_at_once(house: House) -> None:
    house.agent(GRETA, presses={})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    agent = await house.carrier.until_leg_to(GRETA)
    await agent.until("take the call")
    offered = await house.api.look(call.sid)
    agent.press("1")
    await house.api.accept(offered)
    await call.until(f"bridged: {GRETA}")
    await house.until(call.sid, state="connected")
    assert not call.ended


# ---------------------------------------------------------------- an agent who cannot, or will not


@pytest.mark.parametrize(
    ("picks", "why"),
    [
        ("busy", "the line of agent-7 was busy"),
        ("no_answer", "agent-7 did not pick up"),
        ("declines", "agent-7 declined"),
        ("device", "the device of agent-7 failed"),
        ("network", "the line to agent-7 failed"),
    ],
)
async def test_another_agent_comes_instead(house: House, picks: Pick, why: str) -> None:
    house.agent(GRETA, picks=picks)
    house.agent(CHEN)
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.until(call.sid, state="connected", agent_id="agent-3")
    assert house.carrier.leg_to(GRETA).ended
    await house.told(call.sid, why)
    await house.agent_is("agent-7", "cooling")


@pytest.mark.needs("whisper")
@pytest.mark.parametrize("keys", ["7", ""])
async def test_another_key_or_none_is_a_no(house: House, keys: str) -> None:
    house.agent(GRETA, presses={"take the call": keys} if keys else {})
    house.agent(CHEN)
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.carrier.leg_to(GRETA).until("ended")


async def test_the_agent_declines_in_the_application(house: House) -> None:
    house.agent(GRETA, after_s=500)
    house.agent(CHEN)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    leg = await house.rung(GRETA)
    await house.api.ready("agent-3")
    offer = (await house.api.look(call.sid))["offer"]["offer_id"]
    agent = await house.api.as_("agent", site="main", agent_id="agent-7")
    assert (await agent.post(f"/v1/offers/{offer}/decline", {})).status == 200
    await leg.until("ended")
    await call.until(f"bridged: {CHEN}")


@pytest.mark.needs("whisper")
async def test_the_agent_hangs_up_on_the_whisper(house: House) -> None:
    house.agent(GRETA, presses={}, hangs_up_at="take the call")
    house.agent(CHEN)
    await house.api.ready("agent-7", "agent-3")
    call = house.call(ADA)
    await call.until(f"bridged: {CHEN}")
    await house.agent_is("agent-7", "cooling")


async def test_the_agent_goes_away_while_being_rung(house: House) -> None:
    house.agent(GRETA, after_s=500)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    leg = await house.rung(GRETA)
    assert (await house.api.put("/v1/agents/agent-7/state", {"state": "break"})).status == 200
    await leg.until("ended")
    await house.until(call.sid, state="waiting")
    assert not call.ended


@pytest.mark.needs("breaks")
async def test_a_leg_that_breaks_in_mid_talk_leaves_the_caller_in_line(house: House) -> None:
    house.agent(CHEN)
    call, agent = await house.talking()
    rank = (await house.api.look(call.sid))["accepted_at"]
    assert house.stage.breaks is not None
    await house.stage.breaks(agent)
    await house.until(call.sid, state="waiting")
    await house.api.ready("agent-3")
    await call.until(f"bridged: {CHEN}")
    await house.until(call.sid, state="connected", agent_id="agent-3", accepted_at=rank)


# ---------------------------------------------------------------- a caller who leaves


@pytest.mark.needs("interrupt")
async def test_the_caller_leaves_during_the_greeting(house: House) -> None:
    call = house.call(ADA, Person(hangs_up_at="Ms Ada Marlow"))
    await call.until("ended")
    await house.until(call.sid, state="ended", outcome="short_abandoned")


async def test_the_caller_leaves_while_being_asked(house: House) -> None:
    await house.talking()
    call = house.call(LI, Person(hangs_up_at="Press 1 to speak"))
    await call.until("ended")
    await house.until(call.sid, state="ended")
    await house.agent_is("agent-7", "talking")


async def test_the_caller_leaves_while_waiting(house: House) -> None:
    call = house.call(PRIYA)
    await call.until("queue:")
    await house.carrier.hang_up(call)
    await house.until(call.sid, state="ended", outcome="short_abandoned")


async def test_the_caller_leaves_while_the_agent_is_rung(house: House) -> None:
    house.agent(GRETA, after_s=500)
    await house.api.ready("agent-7")
    call = house.call(ADA)
    leg = await house.rung(GRETA)
    await call.until("queue:")
    await house.carrier.hang_up(call)
    await leg.until("ended")
    await house.agent_is("agent-7", "ready")


@pytest.mark.needs("whisper")
async def test_the_caller_leaves_while_the_agent_hears_who_comes(house: House) -> None:
    house.agent(GRETA, presses={})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until("queue:")
    agent = await house.carrier.until_leg_to(GRETA)
    await agent.until("take the call")
    await house.carrier.hang_up(call)
    await agent.until("ended")
    await house.agent_is("agent-7", "ready")


@pytest.mark.needs("whisper")
async def test_the_caller_leaves_as_the_agent_accepts(house: House) -> None:
    house.agent(GRETA, presses={})
    await house.api.ready("agent-7")
    call = house.call(ADA)
    await call.until("queue:")
    agent = await house.carrier.until_leg_to(GRETA)
    await agent.until("take the call")
    agent.press("1")
    await house.carrier.hang_up(call)
    await agent.until("ended")
    await house.until(call.sid, state="ended")
    await house.agent_is("agent-7", "ready", "wrapping")


async def test_the_caller_leaves_in_mid_talk(house: House) -> None:
    call, agent = await house.talking()
    await house.carrier.hang_up(call)
    await agent.until("ended")
    await house.until(call.sid, state="ended", outcome="answered")
    await house.agent_is("agent-7", "wrapping")
