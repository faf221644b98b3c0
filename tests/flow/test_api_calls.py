"""A call's way through the door: who is recognised, who is offered, what the timeline says."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.waiting import wait_until

ADA, LI, BRUNO, NOBODY = "+12025550110", "+12025550111", "+12025550112", "+12025550177"


async def test_a_diamond_caller_reaches_her_owner(api):
    await api.ready("agent-7")
    answered = await api.post("/v1/calls", {"call_id": "ada", "from": ADA, "to": "+12025550199"})
    call = answered.json
    assert answered.status == 201
    assert call["state"] == "offered"
    assert call["customer"] == {"customer_id": "c-1000", "name": "Ada Marlow", "tier": "diamond"}
    assert call["step"] == "owner"
    assert call["lanes"] == ["@agent-7"]
    assert call["offer"]["agent_id"] == "agent-7"
    assert call["offer"]["expires_at"] > call["accepted_at"]
    assert call["offer"]["accepted_at"] is None
    assert [row["event"] for row in call["timeline"]] == ["call.accepted", "call.offered"]
    assert call["timeline"][0]["why"].startswith("diamond customer c-1000, owner agent-7, head start 1800 s")
    talking = await api.accept(call)
    assert talking["state"] == "connected"
    assert talking["offer"]["accepted_at"] is not None
    assert talking["offer"]["expires_at"] is None
    assert talking["agent_id"] == "agent-7"


async def test_a_second_caller_of_the_same_owner_is_asked_and_transferred(api):
    await api.ready("agent-7", "agent-5")
    await api.call("ada", ADA)
    asked = await api.call("bruno", BRUNO)
    assert asked["state"] == "choosing"
    assert asked["choice"]["options"] == ["transfer", "wait", "callback"]
    assert asked["choice"]["default"] == "transfer"
    assert asked["choice"]["expires_at"] > asked["accepted_at"]
    assert asked["position"] == 1
    assert asked["timeline"][-1]["event"] == "call.owner_busy"
    assert asked["timeline"][-1]["why"] == "agent-7 has been rung for another caller for 0 s; asking the caller"
    moved = (await api.post("/v1/calls/bruno/choice", {"choice": "transfer"})).json
    assert moved["state"] == "offered"
    assert moved["offer"]["agent_id"] == "agent-5"
    assert moved["choice"] is None
    late = await api.post("/v1/calls/bruno/choice", {"choice": "wait"})
    assert (late.status, late.slug) == (409, "choice-gone")


async def test_an_owner_who_becomes_ready_ends_the_question(api):
    await api.ready("agent-7")
    ada = await api.call("ada", ADA)
    await api.call("bruno", BRUNO)
    await api.accept(ada)
    await api.post("/v1/calls/ada/complete", {"offer_id": ada["offer"]["offer_id"]})
    await api.post("/v1/agents/agent-7/wrapped")
    bruno = await api.look("bruno")
    assert (bruno["state"], bruno["agent_id"]) == ("offered", "agent-7")
    late = await api.post("/v1/calls/bruno/choice", {"choice": "transfer"})
    assert (late.status, late.slug) == (409, "choice-gone")


async def test_a_call_seen_before_is_never_a_new_one(api):
    first = await api.post("/v1/calls", {"call_id": "x", "from": ADA, "to": "1234"})
    again = await api.post("/v1/calls", {"call_id": "x", "from": NOBODY, "to": "1234"})
    assert (first.status, again.status) == (201, 200)
    assert again.json["customer"]["customer_id"] == "c-1000"
    await api.post("/v1/calls/x/events", {"event_id": "e", "type": "hangup"})
    late = await api.post("/v1/calls", {"call_id": "x", "from": ADA, "to": "1234"})
    assert (late.status, late.json["state"]) == (200, "ended")


async def test_an_unknown_caller_waits_in_the_default_tier(api):
    call = await api.call("n", NOBODY)
    assert call["customer"] is None
    assert (call["tier"], call["step"], call["lanes"], call["position"]) == ("standard", "general", ["general"], 1)
    assert call["timeline"][0]["why"].endswith("all 5 agents of general are away; waiting in general")
    assert (await api.call("n2", "anonymous"))["position"] == 2


async def test_a_call_id_with_slashes_and_more_is_one_path_segment(api):
    call_id = "CA/1:2@pbx+x=y-z._"
    await api.call(call_id, ADA)
    answered = await api.get("/v1/calls/CA%2F1%3A2%40pbx%2Bx%3Dy-z._")
    assert (answered.status, answered.json["call_id"]) == (200, call_id)
    assert (await api.post("/v1/calls/CA%2F1:2@pbx+x=y-z._/choice", {"choice": "wait"})).slug == "choice-gone"
    assert (await api.get("/v1/calls/CA/1:2@pbx")).slug == "unknown-path"


async def test_events_of_telephony_move_the_call_once(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    offer_id = call["offer"]["offer_id"]
    answered = {"event_id": "e1", "type": "answered", "leg": "agent", "offer_id": offer_id}
    first = await api.post("/v1/calls/ada/events", answered)
    assert first.json["state"] == "connected"
    gone = {"event_id": "e2", "type": "hangup", "leg": "agent", "offer_id": offer_id, "reason": "normal"}
    ended = await api.post("/v1/calls/ada/events", gone)
    assert (ended.json["state"], ended.json["outcome"]) == ("ended", "answered")
    repeat = await api.post("/v1/calls/ada/events", answered)
    assert (repeat.status, repeat.json["state"]) == (200, "ended")


@pytest.mark.parametrize(
    ("reason", "cause"), [("busy", "the line of agent-7 was busy"), ("device", "the device of agent-7 failed")]
)
async def test_a_leg_that_fails_puts_the_caller_back_in_place(api, reason, cause):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    event = {"event_id": "e", "type": "hangup", "leg": "agent", "offer_id": call["offer"]["offer_id"], "reason": reason}
    back = (await api.post("/v1/calls/ada/events", event)).json
    assert back["state"] == "waiting"
    assert back["accepted_at"] == call["accepted_at"]
    assert f"{cause}; back in line at the same place" in [row["why"] for row in back["timeline"]]
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "cooling"


async def test_a_broken_headset_in_mid_talk_is_no_hang_up(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    await api.accept(call)
    event = {"event_id": "e", "type": "hangup", "leg": "agent", "offer_id": call["offer"]["offer_id"]}
    back = (await api.post("/v1/calls/ada/events", event | {"reason": "network"})).json
    assert (back["state"], back["outcome"]) == ("waiting", None)


async def test_the_caller_hanging_up_frees_the_agent(api):
    await api.ready("agent-7")
    await api.call("ada", ADA)
    ended = (await api.post("/v1/calls/ada/events", {"event_id": "e", "type": "hangup"})).json
    assert (ended["state"], ended["outcome"], ended["offer"]) == ("ended", "short_abandoned", None)
    assert (await api.get("/v1/agents/agent-7")).json["state"] == "ready"


async def test_a_caller_cut_off_gets_the_old_place_back(api):
    old = await api.call("one", ADA)
    await api.post("/v1/calls/one/events", {"event_id": "e", "type": "hangup"})
    new = await api.call("two", ADA)
    assert new["accepted_at"] == old["accepted_at"]
    gone = await api.look("one")
    assert gone["outcome"] == "recalled"
    assert "the caller called again; the place passed to two" in [row["why"] for row in gone["timeline"]]


async def test_an_event_that_makes_no_sense_is_a_422(api):
    await api.call("n", NOBODY)
    for event in (
        {"event_id": "1", "type": "digits"},
        {"event_id": "2", "type": "answered", "leg": "agent"},
        {"event_id": "3", "type": "dance"},
        {"event_id": "", "type": "hangup"},
        {"event_id": "4", "type": "hangup", "leg": "agent"},
        {"event_id": "5", "type": "bridged", "offer_id": "not one"},
        {"event_id": "6", "type": "digits", "digits": "12x"},
    ):
        answered = await api.post("/v1/calls/n/events", event)
        assert (answered.status, answered.slug) == (422, "invalid"), event
    stale = await api.post(
        "/v1/calls/n/events", {"event_id": "7", "type": "answered", "leg": "agent", "offer_id": "1-1"}
    )
    assert (stale.status, stale.slug) == (409, "offer-gone")
    unknown = await api.post("/v1/calls/nobody/events", {"event_id": "1", "type": "hangup"})
    assert (unknown.status, unknown.slug) == (404, "unknown-call")
    assert (await api.look("n"))["state"] == "waiting"


async def test_the_next_agent_sees_the_last_contact(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    await api.accept(call)
    done = {"offer_id": call["offer"]["offer_id"], "outcome": "follow_up", "notes": "send the contract"}
    completed = await api.post("/v1/calls/ada/complete", done)
    assert (completed.status, completed.json["outcome"]) == (200, "answered")
    assert (await api.look("ada"))["notes"] == "send the contract"

    async def kept():
        return bool((await api.site.customers.get("c-1000")).contacts)

    await wait_until(kept)
    await api.post("/v1/agents/agent-7/wrapped")
    again = await api.call("ada-2", ADA)
    profile = again["profile"]
    assert profile["contacts"][0] | {"at": ""} == {
        "at": "",
        "agent_id": "agent-7",
        "outcome": "follow_up",
        "call_id": "ada",
    }
    assert profile["open_issue"] == profile["contacts"][0]
    telephony = await api.as_("telephony")
    assert (await telephony.get("/v1/calls/ada-2")).json["profile"] is None


async def test_the_timeline_is_whole_before_and_after_it_is_copied(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    fresh = (await api.look("ada"))["timeline"]

    async def copied():
        return await api.site.channel.call("LLEN", api.site.keys.history("ada")) == 2

    await wait_until(copied)
    assert (await api.look("ada"))["timeline"] == fresh == call["timeline"]


async def test_lists_are_filtered_and_paged(api):
    await api.ready("agent-7")
    for call_id, number in (("a", ADA), ("b", NOBODY), ("c", "anonymous"), ("d", BRUNO)):
        await api.call(call_id, number)
    assert [call["call_id"] for call in (await api.get("/v1/calls")).json["items"]] == ["a", "b", "c", "d"]
    for query, expected in (
        ("state=waiting", ["b", "c"]),
        ("tier=diamond", ["a", "d"]),
        ("agent=agent-7", ["a"]),
        ("lane=general", ["b", "c"]),
        ("lane=@agent-7", ["a", "d"]),
        ("state=choosing&tier=diamond", ["d"]),
        ("state=connected", []),
    ):
        assert [call["call_id"] for call in (await api.get(f"/v1/calls?{query}")).json["items"]] == expected, query
    first = (await api.get("/v1/calls?limit=3")).json
    second = (await api.get(f"/v1/calls?limit=3&cursor={first['next_cursor']}")).json
    assert [call["call_id"] for call in first["items"] + second["items"]] == ["a", "b", "c", "d"]
    assert second["next_cursor"] is None


async def test_ended_calls_are_not_listed_and_it_is_said_where_they_are(api):
    refused = await api.get("/v1/calls?state=ended")
    assert refused.status == 422
    assert "/v1/calls/{call_id}" in refused.json["detail"]


async def test_notes_overwrite_nothing_that_was_added_meanwhile(api):
    await api.ready("agent-7")
    call = await api.call("ada", "+12025550110")
    await api.accept(call)
    done = {"offer_id": call["offer"]["offer_id"], "notes": "send the contract"}
    await asyncio.gather(
        api.post("/v1/calls/ada/complete", done),
        *(api.site.engine.amend_call("ada", {f"fact{number}": "kept"}) for number in range(20)),
    )
    row = await api.site.engine.read_call("ada")
    assert row.meta["notes"] == "send the contract"
    assert all(row.meta[f"fact{number}"] == "kept" for number in range(20))
