"""`Idempotency-Key`: once is once, whatever the network does."""

from __future__ import annotations

import asyncio
import contextlib
import json

from router.api import idempotency
from router.api.problem import Problem
from router.api.reply import Reply
from tests.support.service import serving, write_config
from tests.support.waiting import wait_until

ADA, NOBODY = "+12025550110", "+12025550177"


async def test_a_repeat_gets_the_first_answer_and_does_nothing(api):
    await api.ready("agent-7")
    first = await api.post("/v1/calls", {"call_id": "a", "from": ADA, "to": "1"}, Idempotency_Key="k")
    offer = first.json["offer"]["offer_id"]
    done = {"event_id": "e", "type": "answered", "leg": "agent", "offer_id": offer}
    await api.post("/v1/calls/a/events", done)
    repeat = await api.post("/v1/calls", {"call_id": "a", "from": ADA, "to": "1"}, Idempotency_Key="k")
    assert (repeat.status, repeat.text) == (201, first.text)
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


async def test_another_body_with_the_same_key_is_refused(api):
    await api.put("/v1/customers/c-9", {"name": "A"}, Idempotency_Key="k")
    other = await api.put("/v1/customers/c-9", {"name": "B"}, Idempotency_Key="k")
    assert (other.status, other.slug) == (422, "key-reused")
    assert (await api.get("/v1/customers/c-9")).json["name"] == "A"


async def test_a_key_counts_for_one_token_method_and_path(api):
    await api.put("/v1/customers/c-9", {"name": "A"}, Idempotency_Key="k")
    assert (await api.put("/v1/customers/c-8", {"name": "B"}, Idempotency_Key="k")).status == 201
    supervisor = await api.as_("supervisor")
    assert (await supervisor.put("/v1/customers/c-9", {"name": "C"}, Idempotency_Key="k")).json["name"] == "C"
    assert (await api.ask("PATCH", "/v1/customers/c-9", {"name": "D"}, Idempotency_Key="k")).json["name"] == "D"


async def test_a_key_counts_for_one_site(database, tmp_path):
    async with serving(database, write_config(tmp_path / "config", sites=("north",))) as api:
        await api.put("/v1/customers/c-9", {"name": "A"}, Idempotency_Key="k")
        assert (await api.put("/v1/customers/c-9", {"name": "B"}, Idempotency_Key="k", X_Site="north")).status == 201


async def test_a_refusal_by_the_moment_is_repeated_one_by_content_is_not(api):
    body = {"head_start_ms": 1}
    assert (await api.post("/v1/calls/n/boost", body, Idempotency_Key="k")).slug == "unknown-call"
    await api.call("n", NOBODY)
    assert (await api.post("/v1/calls/n/boost", body, Idempotency_Key="k")).status == 200
    await api.ready("agent-7")
    await api.call("a", ADA)
    assert (await api.post("/v1/calls/a/withdraw", {}, Idempotency_Key="k")).status == 409
    await api.put("/v1/agents/agent-7/state", {"state": "offline"})
    assert (await api.look("a"))["state"] == "waiting"
    repeat = await api.post("/v1/calls/a/withdraw", {}, Idempotency_Key="k")
    assert (repeat.status, repeat.slug, repeat.headers["Idempotency-Replayed"]) == (409, "wrong-state", "true")


async def test_keys_that_are_none_are_refused(api):
    for key in ("x" * 256, "a b", "ü", ""):
        answered = await api.put("/v1/customers/c-9", {"name": "A"}, Idempotency_Key=key)
        assert (answered.status, answered.slug) == (422, "bad-header"), key
    assert (await api.put("/v1/customers/c-9", {"name": "A"}, Idempotency_Key="x" * 255)).status == 201


async def test_of_many_at_once_one_is_carried_out(channel, site):
    name = f"{{{site}}}:y:k"
    acts = 0
    going = asyncio.Event()

    async def act() -> Reply:
        nonlocal acts
        acts += 1
        await going.wait()
        return Reply.json({"n": acts})

    async def digest() -> str:
        return "d"

    first = asyncio.create_task(idempotency.once(channel, name, digest, act))
    while not acts:
        await asyncio.sleep(0)
    others = await asyncio.gather(
        *(idempotency.once(channel, name, digest, act) for _ in range(50)), return_exceptions=True
    )
    problems = [other for other in others if isinstance(other, Problem)]
    assert len(problems) == 50
    assert {(one.status, one.slug, one.headers["Retry-After"]) for one in problems} == {(409, "in-progress", "1")}
    going.set()
    assert (await first).body == b'{"n":1}'
    assert (await idempotency.once(channel, name, digest, act)).body == b'{"n":1}'
    assert acts == 1


async def test_what_failed_on_our_side_may_be_repeated(channel, site):
    name = f"{{{site}}}:y:k"
    acts = 0

    async def act() -> Reply:
        nonlocal acts
        acts += 1
        if acts == 1:
            raise RuntimeError
        return Reply.json(acts)

    async def digest() -> str:
        return "d"

    for _ in range(3):
        try:
            reply = await idempotency.once(channel, name, digest, act)
        except RuntimeError:
            continue
    assert (reply.body, acts) == (b"2", 2)
    assert await channel.call("PTTL", name) > idempotency.KEEP_MS - 60_000


async def test_a_record_lasts_while_its_request_runs_and_no_longer_than_its_process(channel, site, monkeypatch):
    monkeypatch.setattr(idempotency, "RUNNING_MS", 150)
    name = f"{{{site}}}:y:k"

    async def act() -> Reply:
        await asyncio.sleep(0.5)
        return Reply.json(1)

    async def digest() -> str:
        return "d"

    async def is_free() -> bool:
        return bool(await channel.call("EXISTS", name) == 0)

    slow = asyncio.create_task(idempotency.once(channel, name, digest, act))
    while not slow.done():
        with contextlib.suppress(Problem):
            await idempotency.once(channel, name, digest, act)
            assert slow.done(), "carried out beside the first"
        await asyncio.sleep(0.01)
    await channel.call("SET", name, json.dumps({"running": True}), "PX", idempotency.RUNNING_MS)  # its process is dead
    await wait_until(is_free)
    assert (await idempotency.once(channel, name, digest, act)).body == b"1"
