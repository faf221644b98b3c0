"""Customers and agents through the door."""

from __future__ import annotations

import asyncio

from tests.support.waiting import wait_until

MONA = {
    "name": "Mona Quill",
    "title": "Ms",
    "phones": ["+8613800138000"],
    "tier": "gold",
    "annual_value": 15200,
    "account": {"account_id": "acme", "name": "Acme", "role": "decision_maker"},
    "owner": "agent-7",
    "cover": ["agent-3"],
    "language": "zh-CN",
    "skills": ["loans"],
    "birthday": "1984-05-03",
    "notes": "prefers evenings",
    "tags": ["key-account"],
}


async def test_a_customer_is_created_read_changed_and_found(api):
    made = await api.put("/v1/customers/c-9", MONA)
    assert made.status == 201
    assert made.json.items() >= ({"customer_id": "c-9"} | MONA | {"account": made.json["account"]}).items()
    read = await api.get("/v1/customers/c-9")
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])
    assert (await api.get("/v1/customers/c-9", If_None_Match=read.headers["ETag"])).status == 304
    assert (await api.put("/v1/customers/c-9", MONA | {"tier": "silver"})).status == 200
    patched = await api.ask("PATCH", "/v1/customers/c-9", {"notes": None, "account": {"role": "user"}})
    assert (patched.json["notes"], patched.json["account"]["role"], patched.json["tier"]) == ("", "user", "silver")
    for spelled in ("%2B86 138 0013 8000", "%2B8613800138000", "tel:%2B86-138-0013-8000"):
        found = (await api.get(f"/v1/customers?phone={spelled.replace(' ', '%20')}")).json["items"]
        assert [one["customer_id"] for one in found] == ["c-9"], spelled
    assert (await api.get("/v1/customers?phone=anonymous")).json["items"] == []


async def test_stale_edits_of_a_customer_are_refused(api):
    etag = (await api.put("/v1/customers/c-9", MONA)).headers["ETag"]
    assert (await api.put("/v1/customers/c-9", MONA | {"name": "A"}, If_Match=etag)).status == 200
    for method, body in (("PUT", MONA), ("PATCH", {"name": "B"}), ("DELETE", None)):
        answered = await api.ask(method, "/v1/customers/c-9", body, If_Match=etag)
        assert (answered.status, answered.slug) == (412, "stale"), method
    assert (await api.put("/v1/customers/c-9", MONA, If_None_Match="*")).slug == "exists"
    assert (await api.put("/v1/customers/c-10", MONA, If_Match="*")).slug == "stale"
    assert (await api.put("/v1/customers/c-10", MONA, If_Match="nonsense")).slug == "bad-header"
    assert (await api.put("/v1/customers/c-10", MONA, If_None_Match="*")).status == 201
    assert (await api.get("/v1/customers/c-9")).json["name"] == "A"


async def test_of_many_conditional_edits_one_wins(api):
    etag = (await api.put("/v1/customers/c-9", MONA)).headers["ETag"]
    edits = [api.ask("PATCH", "/v1/customers/c-9", {"name": f"N{n}"}, If_Match=etag) for n in range(10)]
    assert sorted(answer.status for answer in await asyncio.gather(*edits)) == [200] + [412] * 9
    etag = (await api.get("/v1/agents/agent-7")).headers["ETag"]
    body = {"groups": {"vip": 1}}
    edits = [api.put("/v1/agents/agent-7", body | {"name": f"N{n}"}, If_Match=etag) for n in range(10)]
    assert sorted(answer.status for answer in await asyncio.gather(*edits)) == [200] + [412] * 9


async def test_what_is_no_customer_is_a_422_with_pointers(api):
    for body, place in (
        ({"tier": "platinum"}, "/tier"),
        ({"skills": ["flying"]}, "/skills/0"),
        ({"phones": ["nonsense"]}, "/phones/0"),
        ({"phones": [f"+1202555{n:04}" for n in range(10_000)]}, None),
        ({"account": {"account_id": "a", "tier": "x"}}, "/account/tier"),
        ({"annual_value": "12"}, "/annual_value"),
        ({"annual_value": -1}, "/annual_value"),
        ({"birthday": "1984-02-31"}, "/birthday"),
        ({"name": "x" * 5000}, "/name"),
        ({"owner": "no/id"}, "/owner"),
        ({"unknown": 1}, "/unknown"),
        ({"name": None}, "/name"),
        ({"customer_id": "c-2"}, "/customer_id"),
        ({"tags": [1]}, "/tags/0"),
    ):
        answered = await api.put("/v1/customers/c-77", body)
        if place is None:
            assert answered.status in (413, 422)
            continue
        assert (answered.status, answered.slug) == (422, "invalid"), body
        assert answered.json["errors"][0]["pointer"] == place
    assert (await api.get("/v1/customers/c-77")).slug == "unknown-customer"
    assert (await api.ask("PATCH", "/v1/customers/c-1000", {"customer_id": "c-2"})).status == 422
    assert (await api.ask("PATCH", "/v1/customers/c-1000", ["x"])).status == 422


async def test_a_list_is_paged_to_its_end(api):
    seen, cursor = [], ""
    while True:
        page = (await api.get(f"/v1/customers?limit=3{cursor}")).json
        seen += [one["customer_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) >= 5
    for bad in (
        "limit=0",
        "limit=501",
        "limit=x",
        "cursor=%00",
        "cursor=!!",
        "cursor=aGVsbG8=",
        "limit=1&limit=2",
        "unknown=1",
    ):
        answered = await api.get(f"/v1/customers?{bad}")
        assert answered.status == 422, bad


async def test_an_import_keeps_good_lines_and_names_bad_ones(api):
    rows = [
        "customer_id,name,phones,tier",
        "i-1,Ann,+12025550120,gold",
        "i-2,Bo,nonsense,",
        "i-3,Cy",
        "i-4,Di,,silver",
        "i-5,Ed,,x",
    ]
    raw = "\n".join(rows).encode()
    sent = await api.ask("POST", "/v1/customers/import", raw=raw, Content_Type="text/csv", Idempotency_Key="i")
    assert (sent.status, sent.json["created"], sent.json["bad"]) == (200, 2, 3)
    assert [bad["line"] for bad in sent.json["bad_lines"]] == [3, 4, 6]
    again = await api.ask("POST", "/v1/customers/import", raw=raw, Content_Type="text/csv", Idempotency_Key="i")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (sent.json, "true")
    other = await api.ask("POST", "/v1/customers/import", raw=raw + b"\n", Content_Type="text/csv", Idempotency_Key="i")
    assert (other.status, other.slug) == (422, "key-reused")
    lines = b'{"customer_id": "i-9", "name": "Flo"}\nnonsense\n'
    ndjson = await api.ask("POST", "/v1/customers/import", raw=lines, Content_Type="application/x-ndjson")
    assert (ndjson.json["created"], ndjson.json["bad_lines"][0]["line"]) == (1, 2)
    assert (await api.ask("POST", "/v1/customers/import", raw=b"x", Content_Type="text/plain")).slug == "not-a-list"
    assert (await api.ask("POST", "/v1/customers/import", raw=b"", Content_Type="text/csv")).slug == "unreadable-file"


async def test_an_import_is_larger_than_other_bodies(api):
    head = b"customer_id,name\n"
    raw = head + b"".join(b"big-%d,Name of number %d\n" % (n, n) for n in range(8_000))
    assert len(raw) > 200_000
    sent = await api.ask("POST", "/v1/customers/import", raw=raw, Content_Type="text/csv")
    assert (sent.json["created"], sent.json["bad"]) == (8_000, 0)


async def supervised(api):
    """Everybody who has a call in hand may write about it."""
    await api.post("/v1/calls/now/boost", {"head_start_ms": 1_000, "why": "Mona Quill sounds upset"})
    assert "Mona Quill sounds upset" in str((await api.look("now"))["timeline"])
    await api.ready("agent-3")
    await api.call("passed", "+8613800138000")
    first = (await api.post("/v1/calls/passed/choice", {"choice": "transfer"})).json
    agent = await api.as_("agent", site="main", agent_id="agent-3")
    await agent.post(f"/v1/offers/{first['offer']['offer_id']}/decline", {"reason": "not Mona Quill again"})
    await api.ready("agent-3")
    second = await api.look("passed")
    await api.accept(second)
    note = {"to": {"group": "vip"}, "offer_id": second["offer"]["offer_id"], "note": "Mona Quill wants a colleague"}
    assert (await api.post("/v1/calls/passed/transfer", note)).status == 200
    told = str((await api.look("passed"))["timeline"])
    assert "not Mona Quill again" in told
    assert "Mona Quill wants a colleague" in told
    await api.post("/v1/calls/passed/assign", {"agent_id": "agent-5", "why": "Mona Quill asked for her"})
    await api.call("out", "+8613800138000")
    await api.post("/v1/calls/out/withdraw", {"why": "Mona Quill called again"})


async def test_an_erased_person_is_gone_everywhere(api, peek_service):
    await api.put("/v1/customers/c-9", MONA)
    await api.ready("agent-7")
    call = await api.call("past", "+8613800138000")
    await api.accept(call)
    await api.post(
        "/v1/calls/past/complete", {"offer_id": call["offer"]["offer_id"], "notes": "Mona Quill wants a loan"}
    )

    async def kept():
        return bool((await api.site.customers.get("c-9")).contacts)

    await wait_until(kept)
    await api.put("/v1/agents/agent-7/state", {"state": "offline"})
    await api.call("waiting", "+8613800138000")
    await api.post("/v1/calls/waiting/boost", {"head_start_ms": 1_000, "why": "Mona Quill called twice"})
    await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": "waiting"})
    call = {"call_id": "now", "from": "+8613800138000", "to": "1", "attributes": {"note": "Mona Quill"}}
    await api.post("/v1/calls", call, Idempotency_Key="k")
    await api.ask("PATCH", "/v1/customers/c-9", {"tags": ["x"]}, Idempotency_Key="k")
    await supervised(api)
    await api.post("/v1/calls/now/events", {"event_id": "e", "type": "digits", "digits": "1"})
    assert b"13800138000" in peek_service()
    assert (await (await api.as_("supervisor")).delete("/v1/customers/c-9")).slug == "wrong-role"
    assert (await api.delete("/v1/customers/c-9")).status == 204
    assert (await api.delete("/v1/customers/c-9")).slug == "unknown-customer"
    content = peek_service()
    for trace in (b"13800138000", b"Quill", b"prefers evenings"):
        assert trace not in content, trace
    assert (await api.get("/v1/customers?phone=%2B8613800138000")).json["items"] == []
    now = await api.look("now")
    assert (now["state"], now["customer"]) == ("choosing", None)


async def test_agents_are_created_changed_and_removed(api):
    body = {"name": "Noa", "groups": {"vip": 2, "general": 1}, "skills": ["es"], "endpoint": "sip:9@pbx"}
    made = await api.put("/v1/agents/agent-9", body)
    assert (made.status, made.json["state"]) == (201, "offline")
    assert made.json.items() >= body.items()
    etag = made.headers["ETag"]
    assert (await api.get("/v1/agents/agent-9", If_None_Match=etag)).status == 304
    assert (await api.put("/v1/agents/agent-9", body | {"name": "N"}, If_Match=etag)).status == 200
    assert (await api.put("/v1/agents/agent-9", body, If_Match=etag)).slug == "stale"
    assert (await api.delete("/v1/agents/agent-9", If_Match=etag)).slug == "stale"
    for wrong, place in (
        ({"groups": {"nowhere": 1}}, "/groups/nowhere"),
        ({"skills": ["flying"]}, "/skills/0"),
        ({"groups": {"vip": 0}}, "/groups/vip"),
        ({"groups": {"vip": "1"}}, "/groups/vip"),
        ({"groups": ["vip"]}, "/groups"),
        ({"state": "ready"}, "/state"),
    ):
        answered = await api.put("/v1/agents/agent-9", wrong)
        assert (answered.status, answered.json["errors"][0]["pointer"]) == (422, place)
    assert [one["agent_id"] for one in (await api.get("/v1/agents?limit=3")).json["items"]] == [
        "agent-1",
        "agent-2",
        "agent-3",
    ]
    assert (await api.delete("/v1/agents/agent-9")).status == 204
    assert (await api.delete("/v1/agents/agent-9")).slug == "unknown-agent"


async def test_a_changed_agent_is_matched_at_once(api):
    await api.call("n", "+12025550177")
    await api.ready("agent-7")
    assert (await api.look("n"))["state"] == "waiting"
    await api.put("/v1/agents/agent-7", {"groups": {"general": 1}})
    assert (await api.look("n"))["agent_id"] == "agent-7"
