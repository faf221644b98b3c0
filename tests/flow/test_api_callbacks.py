"""Keep-place callbacks through the door."""

from __future__ import annotations

import pytest

from tests.support.service import changed

ADA, BRUNO, NOBODY = "+12025550110", "+12025550112", "+12025550177"


async def test_a_caller_who_is_asked_may_be_called_back_in_the_same_place(api):
    await api.ready("agent-7")
    ada = await api.call("ada", ADA)
    asked = await api.call("bruno", BRUNO)
    ended = await api.post("/v1/calls/bruno/choice", {"choice": "callback"})
    assert (ended.json["state"], ended.json["outcome"]) == ("ended", "callback")
    again = await api.post("/v1/calls/bruno/choice", {"choice": "callback"})
    assert (again.status, again.json["callback_id"]) == (200, ended.json["callback_id"])
    callback_id = ended.json["callback_id"]
    booked = (await api.get(f"/v1/callbacks/{callback_id}")).json
    assert (booked["state"], booked["call_id"], booked["phone"]) == ("waiting", "bruno", BRUNO)
    assert booked["accepted_at"] == asked["accepted_at"]
    await api.accept(ada)
    await api.post("/v1/calls/ada/complete", {"offer_id": ada["offer"]["offer_id"]})
    await api.post("/v1/agents/agent-7/wrapped")
    assert (await api.get(f"/v1/callbacks/{callback_id}")).json["state"] == "due"
    due = await api.look(callback_id)
    assert (due["kind"], due["state"], due["agent_id"]) == ("callback", "offered", "agent-7")
    await api.accept(due)
    assert (await api.get(f"/v1/callbacks/{callback_id}")).json["state"] == "dialling"
    reached = await api.post(f"/v1/calls/{callback_id}/events", {"event_id": "1", "type": "answered"})
    assert reached.json["state"] == "connected"
    assert (await api.get(f"/v1/callbacks/{callback_id}")).json["state"] == "connected"
    await api.post(f"/v1/calls/{callback_id}/complete", {"offer_id": due["offer"]["offer_id"]})
    assert (await api.get(f"/v1/callbacks/{callback_id}")).json["state"] == "done"


async def test_a_waiting_caller_is_booked_once(api):
    await api.call("n", NOBODY)
    await api.call("m", "anonymous")
    body = {"kind": "keep_place", "call_id": "n", "topic": "a loan"}
    first = await api.post("/v1/callbacks", body)
    again = await api.post("/v1/callbacks", body)
    assert (first.status, again.status) == (201, 200)
    assert first.json["callback_id"] == again.json["callback_id"]
    assert (first.json["topic"], first.json["customer_id"]) == ("a loan", None)
    assert (await api.look("m"))["position"] == 2
    withheld = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "m"})
    assert (withheld.status, withheld.json["errors"][0]["pointer"]) == (422, "/phone")
    given = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "m", "phone": "(202) 555-0123"})
    assert (given.status, given.json["phone"]) == (201, "+12025550123")
    listed = (await api.get("/v1/callbacks?state=waiting")).json["items"]
    assert {one["callback_id"] for one in listed} == {first.json["callback_id"], given.json["callback_id"]}
    assert (await api.get("/v1/callbacks?agent=agent-7")).json["items"] == []
    assert (await api.get("/v1/callbacks?from=2101-01-01T00:00:00Z")).json["items"] == []


async def test_what_cannot_be_booked(api):
    await api.ready("agent-7")
    await api.call("ada", ADA)
    for body, status, slug in (
        ({"kind": "scheduled", "customer_id": "c-1000", "at": "2101-01-01T00:00:00Z"}, 422, "invalid"),
        ({"kind": "keep_place"}, 422, "invalid"),
        ({"kind": "keep_place", "call_id": "ada", "at": "2101-01-01T00:00:00Z"}, 422, "invalid"),
        ({"kind": "keep_place", "call_id": "ada", "phone": "nonsense"}, 422, "invalid"),
        ({"kind": "keep_place", "call_id": "nobody"}, 404, "unknown-call"),
        ({"kind": "keep_place", "call_id": "ada"}, 409, "wrong-state"),
    ):
        answered = await api.post("/v1/callbacks", body)
        assert (answered.status, answered.slug) == (status, slug), body
    assert (await api.get("/v1/callbacks/nobody")).slug == "unknown-callback"
    assert (await api.delete("/v1/callbacks/nobody")).slug == "unknown-callback"
    assert (await api.get("/v1/callbacks/ada")).slug == "unknown-callback"


async def test_a_choice_the_plan_does_not_offer_is_a_422(api):
    text = (await api.get("/v1/plan", Accept="application/yaml")).text
    raw = changed(text, lambda plan: plan["question"].update(options=["transfer", "wait"]))
    assert (await api.ask("PUT", "/v1/plan", raw=raw)).status == 200
    await api.ready("agent-7")
    await api.call("ada", ADA)
    assert (await api.call("bruno", BRUNO))["choice"]["options"] == ["transfer", "wait"]
    answered = await api.post("/v1/calls/bruno/choice", {"choice": "callback"})
    assert (answered.status, answered.slug) == (422, "invalid")


async def test_a_callback_is_cancelled_once_and_never_moved(api):
    await api.call("n", NOBODY)
    booked = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "n"})
    path = f"/v1/callbacks/{booked.json['callback_id']}"
    assert (await api.get(path, If_None_Match=booked.headers["ETag"])).status == 304
    moved = await api.ask("PATCH", path, {"at": "2101-01-01T00:00:00Z"})
    assert (moved.status, moved.slug) == (409, "place-kept")
    assert (await api.ask("PATCH", path, {"at": "soon"})).slug == "invalid"
    assert (await api.delete(path, If_Match='"old"')).slug == "stale"
    assert (await api.delete(path, If_Match=booked.headers["ETag"])).status == 204
    assert (await api.delete(path)).status == 204
    assert (await api.get(path)).json["state"] == "cancelled"
    assert (await api.get("/v1/queues/general/calls")).json["items"] == []


async def test_a_faked_number_takes_nobodys_place(api):
    await api.call("n", NOBODY)
    booked = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "n"})
    await api.call("old", ADA)
    await api.post("/v1/calls/old/events", {"event_id": "e", "type": "hangup"})
    for call_id, number in (("fake-1", NOBODY), ("fake-2", ADA)):
        fake = await api.call(call_id, number, trust="failed")
        assert fake["tier"] == "standard"
    assert (await api.get(f"/v1/callbacks/{booked.json['callback_id']}")).json["state"] == "waiting"
    assert (await api.look("old"))["outcome"] == "short_abandoned"


async def test_a_customer_who_calls_in_first_has_the_place(api):
    old = await api.call("n", NOBODY)
    booked = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "n"})
    new = await api.call("again", NOBODY)
    assert new["accepted_at"] == old["accepted_at"]
    callback = (await api.get(f"/v1/callbacks/{booked.json['callback_id']}")).json
    assert callback["state"] == "superseded"
    gone = await api.delete(f"/v1/callbacks/{booked.json['callback_id']}")
    assert (gone.status, gone.slug) == (409, "wrong-state")


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        ("+19002345678", "premium"),
        ("+870773111632", "premium"),
        ("110", "short"),
        ("+12025550100", "our own"),
        ("+12025550199", "our own"),
        ("+5352345678", "countries"),
    ],
    ids=["premium", "satellite", "service", "our own", "the one dialled", "abroad"],
)
async def test_a_number_that_would_cost_us_dearly_is_not_called_back(api, phone, why):
    await api.call("n", NOBODY)
    refused = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "n", "phone": phone})
    assert (refused.status, refused.slug, refused.json["errors"][0]["pointer"]) == (422, "invalid", "/phone")
    assert why in refused.json["detail"]
    assert (await api.look("n"))["state"] == "waiting"


async def test_whose_number_is_false_is_not_called_back_at_it(api):
    await api.call("n", NOBODY, trust="failed")
    refused = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "n"})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/phone")


async def test_a_customer_abroad_is_called_back_at_any_number_of_hers(api):
    hangzhou, havana = "+8657188888888", "+5352345678"
    await api.put("/v1/customers/c-901", {"name": "Mei", "phones": [hangzhou, havana], "tier": "gold"})
    for call_id, told, number in (("mei", {}, hangzhou), ("mei-again", {"phone": havana}, havana)):
        await api.call(call_id, hangzhou)
        booked = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": call_id, **told})
        assert (booked.status, booked.json["phone"]) == (201, number)


async def test_a_number_has_one_open_callback_and_so_many_dials_a_day(api):
    text = (await api.get("/v1/plan", Accept="application/yaml")).text
    raw = changed(text, lambda plan: plan["callback"].update(per_day=1))
    assert (await api.ask("PUT", "/v1/plan", raw=raw)).status == 200
    for call_id in ("a", "b", "c"):
        await api.call(call_id, "anonymous")

    async def book(call_id):
        return await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": call_id, "phone": NOBODY})

    booked = await book("a")
    assert booked.status == 201
    refused = await book("b")
    assert (refused.status, refused.slug) == (409, "callback-open")
    assert (await api.look("b"))["state"] == "waiting"
    await api.delete(f"/v1/callbacks/{booked.json['callback_id']}")

    again = await book("b")
    assert again.status == 201, "a booking that was cancelled has cost nobody a dial"
    callback_id = again.json["callback_id"]
    await api.ready("agent-1")
    await api.accept(await api.look(callback_id))
    await api.post(f"/v1/calls/{callback_id}/events", {"event_id": "1", "type": "hangup", "reason": "busy"})
    assert (await api.get(f"/v1/callbacks/{callback_id}")).json["state"] == "missed"
    await api.put("/v1/agents/agent-1/state", {"state": "offline"})
    refused = await book("c")
    assert (refused.status, refused.slug) == (409, "callback-limit")


async def test_a_choice_to_be_called_back_is_held_to_the_same(api):
    premium = "+19002345678"
    await api.put("/v1/customers/c-900", {"name": "Nina", "phones": [premium], "tier": "gold", "owner": "agent-7"})
    await api.ready("agent-7")
    await api.accept(await api.call("ada", ADA))
    asked = await api.call("nina", premium)
    assert (asked["state"], asked["choice"]["options"]) == ("choosing", ["transfer", "wait"])
    refused = await api.post("/v1/calls/nina/choice", {"choice": "callback"})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/choice")
    assert (await api.look("nina"))["state"] == "choosing"
