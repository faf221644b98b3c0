"""What supervisors do, and what an agent may do with a call."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from tests.support.waiting import wait_until

ADA, LI, BRUNO, NOBODY = "+12025550110", "+12025550111", "+12025550112", "+12025550177"


async def test_boost_assign_and_withdraw_tell_who_and_why(api):
    supervisor = await api.as_("supervisor")
    by = f"supervisor:{(await api.get('/v1/tokens')).json['items'][0]['token_id']}"
    await api.ready("agent-7")
    await api.call("ada", ADA)
    await api.call("first", NOBODY)
    await api.call("second", "anonymous")
    boosted = await supervisor.post("/v1/calls/second/boost", {"head_start_ms": 600_000, "why": "a friend"})
    assert boosted.json["position"] == 1
    assert boosted.json["timeline"][-1]["why"] == f"{by} set the head start to 10 min; a friend"
    assigned = await supervisor.post("/v1/calls/first/assign", {"agent_id": "agent-7", "why": "knows her"})
    assert assigned.json["lanes"] == ["@agent-7", "general"]
    assert assigned.json["timeline"][-1]["why"] == f"{by} assigned the call to agent-7; knows her"
    gone = await supervisor.post("/v1/calls/second/withdraw", {"why": "wrong | number=1"})
    assert (gone.json["state"], gone.json["outcome"]) == ("ended", "withdrawn")
    assert gone.json["timeline"][-1]["why"] == f"a supervisor took the call out; by {by}; wrong | number=1"
    again = await supervisor.post("/v1/calls/second/withdraw", {})
    assert again.json["outcome"] == "withdrawn"


async def test_what_cannot_be_moved_is_a_409(api):
    await api.ready("agent-7")
    await api.call("ada", ADA)
    for action, body in (("boost", {"head_start_ms": 1}), ("assign", {"agent_id": "agent-3"}), ("withdraw", {})):
        answered = await api.post(f"/v1/calls/ada/{action}", body)
        assert (answered.status, answered.slug) == (409, "wrong-state"), action
    await api.call("n", NOBODY)
    away = await api.post("/v1/calls/n/assign", {"agent_id": "agent-1"})
    assert (away.status, away.slug) == (409, "agent-away")
    nobody = await api.post("/v1/calls/n/assign", {"agent_id": "agent-99"})
    assert (nobody.status, nobody.slug) == (404, "unknown-agent")
    await api.post("/v1/calls/n/events", {"event_id": "e", "type": "hangup"})
    ended = await api.post("/v1/calls/n/withdraw", {})
    assert (ended.status, ended.slug) == (409, "wrong-state")


async def test_a_ready_agent_is_offered_what_is_assigned(api):
    await api.call("n", NOBODY)
    await api.ready("agent-7")
    offered = await api.post("/v1/calls/n/assign", {"agent_id": "agent-7"})
    assert (offered.json["state"], offered.json["agent_id"]) == ("offered", "agent-7")


async def test_a_transfer_keeps_the_callers_place(api):
    await api.ready("agent-7", "agent-3")
    call = await api.call("ada", ADA)
    await api.accept(call)
    agent = await api.as_("agent", site="main", agent_id="agent-7")
    to = {"to": {"agent_id": "agent-3"}, "offer_id": call["offer"]["offer_id"], "note": "asks for loans"}
    passed = await agent.post("/v1/calls/ada/transfer", to)
    assert (passed.status, passed.json["state"], passed.json["agent_id"]) == (200, "offered", "agent-3")
    assert passed.json["accepted_at"] == call["accepted_at"]
    assert "agent-7 passed the caller on; asks for loans" in [row["why"] for row in passed.json["timeline"]]
    assert (await agent.get("/v1/agents/agent-7")).json["state"] == "wrapping"
    stranger = await agent.get("/v1/calls/ada")
    assert (stranger.status, stranger.slug) == (403, "wrong-agent")
    for whoever in (api, agent):
        repeat = await whoever.post("/v1/calls/ada/transfer", to)
        assert (repeat.status, repeat.json["agent_id"]) == (200, "agent-3")
    other = await agent.post("/v1/calls/ada/transfer", to | {"offer_id": "1-1"})
    assert (other.status, other.slug) == (403, "wrong-agent")


async def test_a_transfer_names_one_target_that_exists(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    await api.accept(call)
    offer_id = call["offer"]["offer_id"]
    for to in ({}, {"agent_id": "a", "group": "vip"}, {"group": "nowhere"}, {"agent_id": "agent-99"}):
        answered = await api.post("/v1/calls/ada/transfer", {"to": to, "offer_id": offer_id})
        assert (answered.status, answered.slug) == (422, "invalid"), to
    assert (
        await api.post("/v1/calls/ada/transfer", {"to": {"agent_id": "agent-7"}, "offer_id": offer_id})
    ).status == 409
    assert (await api.look("ada"))["state"] == "connected"


async def test_offers_are_the_agents_own(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    offer = f"/v1/offers/{call['offer']['offer_id']}"
    other = await api.as_("agent", site="main", agent_id="agent-3")
    assert (await other.post(f"{offer}/accept")).slug == "wrong-agent"
    own = await api.as_("agent", site="main", agent_id="agent-7")
    declined = await own.post(f"{offer}/decline", {"reason": "on the other line"})
    assert (declined.status, declined.json["state"]) == (200, "waiting")
    assert declined.json["timeline"][1]["event"] == "call.offered"
    late = await own.post(f"{offer}/accept")
    assert (late.status, late.slug) == (409, "offer-gone")
    assert (await own.post("/v1/offers/1-1/accept")).slug == "offer-gone"
    mine = await own.get("/v1/agents/agent-7")
    assert mine.json["state"] == "cooling"
    assert (await own.get("/v1/agents/agent-3")).slug == "wrong-agent"
    assert (await own.put("/v1/agents/agent-3/state", {"state": "break"})).slug == "wrong-agent"


async def test_an_agents_own_token_may_leave_the_offer_out(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    await api.accept(call)
    assert (await api.post("/v1/calls/ada/complete", {})).json["errors"][0]["pointer"] == "/offer_id"
    agent = await api.as_("agent", site="main", agent_id="agent-7")
    done = await agent.post("/v1/calls/ada/complete", {})
    assert (done.status, done.json["outcome"]) == (200, "answered")
    assert (await agent.post("/v1/calls/ada/complete", {})).status == 200


async def test_states_of_an_agent(api):
    await api.ready("agent-7")
    away = await api.put("/v1/agents/agent-7/state", {"state": "break", "reason": "lunch"})
    assert (away.json["state"], away.json["reason"]) == ("break", "lunch")
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    offered = (await api.get("/v1/agents/agent-7")).json
    assert (offered["call_id"], offered["offer_id"]) == ("ada", call["offer"]["offer_id"])
    assert (await api.delete("/v1/agents/agent-7")).slug == "agent-engaged"
    await api.accept(call)
    later = await api.put("/v1/agents/agent-7/state", {"state": "offline"})
    assert (later.json["state"], later.json["next_state"]) == ("talking", "offline")
    for state in ("talking", "", None, 1):
        assert (await api.put("/v1/agents/agent-7/state", {"state": state})).status == 422
    assert (await api.put("/v1/agents/agent-99/state", {"state": "ready"})).slug == "unknown-agent"


async def test_queues_tell_who_waits_and_who_serves(api):
    await api.ready("agent-7")
    call = await api.call("ada", ADA)
    await api.call("n", NOBODY)
    await api.call("bruno", BRUNO)
    await api.accept(call)

    async def counted():
        [_, general] = (await api.get("/v1/queues")).json["queues"]
        return general["waiting"] == 1

    await wait_until(counted)
    shown = (await api.get("/v1/queues")).json
    [vip, general] = shown["queues"]
    assert (vip["group"], vip["open"], vip["waiting"], vip["longest_wait_ms"]) == ("vip", True, 0, None)
    assert vip["agents"] == {
        "offline": 3,
        "ready": 0,
        "offered": 0,
        "talking": 1,
        "wrapping": 0,
        "cooling": 0,
        "break": 0,
    }
    assert general["longest_wait_ms"] >= 0
    assert [tier["waiting"] for tier in general["tiers"]] == [0, 0, 0, 0, 1]
    assert {tier["tier"]: tier["waiting"] for tier in shown["tiers"]}["diamond"] == 1
    assert vip["service_level"] == {
        "variant": "net",
        "window_ms": 3_600_000,
        "within_ms": 10_000,
        "target_percent": 90.0,
        "percent": None,
    }

    async def levelled():
        tiers = (await api.get("/v1/queues")).json["tiers"]
        return tiers[0]["service_level"]["percent"] == 100.0

    await wait_until(levelled)
    [one] = (await api.get("/v1/queues/general/calls")).json["items"]
    assert (one["call_id"], one["position"]) == ("n", 1)
    assert (await api.get("/v1/queues/nowhere/calls")).slug == "unknown-group"


async def test_a_queues_calls_come_in_order_over_its_lanes_and_pages(api):
    for number, skills in enumerate(([], ["loans"], [], ["es"], [])):
        await api.call(f"c{number}", NOBODY if number else "anonymous", skills=skills)
        time.sleep(0.002)
    first = (await api.get("/v1/queues/general/calls?limit=2")).json
    rest = (await api.get(f"/v1/queues/general/calls?limit=9&cursor={first['next_cursor']}")).json
    assert [call["call_id"] for call in first["items"] + rest["items"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert rest["next_cursor"] is None


async def test_a_closed_queue_sends_its_callers_on_and_opens_by_itself(api):
    await api.ready("agent-5")
    held = await api.call("held", "+12025550113")
    assert held["agent_id"] == "agent-5"
    until = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    closed = await api.put("/v1/queues/vip", {"open": False, "message": "drill", "until": until})
    vip = closed.json["queues"][0]
    assert (vip["open"], vip["message"]) == (False, "drill")
    assert vip["until"] is not None

    async def opened():
        return (await api.get("/v1/queues")).json["queues"][0]["open"]

    await wait_until(opened, 15)
    for no_time in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"):
        assert (await api.put("/v1/queues/vip", {"open": False, "until": no_time})).status == 422
    assert (await api.put("/v1/queues/vip", {"open": False})).json["queues"][0]["until"] is None
    assert (await api.put("/v1/queues/vip", {"open": True})).json["queues"][0]["open"] is True
    assert (await api.put("/v1/queues/nowhere", {"open": True})).slug == "unknown-group"


async def test_who_is_refused_or_repeats_leaves_no_words(api):
    """Nor does a client that sends the same again and again make the call's record grow."""
    await api.ready("agent-7")
    await api.call("ada", ADA)
    await api.call("n", NOBODY)

    async def words():
        rows = await api.site.engine.read_calls(["ada", "n"])
        return [value for row in rows for name, value in row.meta.items() if name.startswith("words:")]

    for _ in range(3):
        for action, body in (("boost", {"head_start_ms": 1}), ("assign", {"agent_id": "agent-3"}), ("withdraw", {})):
            assert (await api.post(f"/v1/calls/ada/{action}", body | {"why": "let me"})).status == 409
        assert (await api.post("/v1/calls/n/assign", {"agent_id": "agent-1", "why": "let me"})).status == 409
        assert (await api.post("/v1/calls/n/boost", {"head_start_ms": 60_000, "why": "a friend"})).status == 200
    assert await words() == ["a friend"]
