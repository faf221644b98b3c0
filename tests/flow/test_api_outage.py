"""When the store is away, full or unfit: a clear 503 that says when to come back, and nothing half done."""

from __future__ import annotations

import pytest
import redis

from router.api import health
from router.app_keys import SERVICE
from tests.support.service import DATABASE, serving, write_config
from tests.support.waiting import wait_until

NOBODY = "+12025550177"
CALL = {"call_id": "n", "from": NOBODY, "to": "1"}


@pytest.fixture
async def alone(fresh_server, tmp_path):
    """A service on a server of its own, and the server."""
    async with serving(fresh_server.url, write_config(tmp_path / "config")) as api:
        yield api, fresh_server


async def test_a_store_that_is_away_is_a_503_and_the_service_recovers(alone, monkeypatch):
    api, server = alone
    api.site.channel.deadline_s = 0.3
    server.stop()
    for method, path, body in (("POST", "/v1/calls", CALL), ("GET", "/v1/calls/n", None), ("GET", "/v1/queues", None)):
        answered = await api.ask(method, path, body)
        assert (answered.status, answered.slug) == (503, "store-away"), path
        assert int(answered.headers["Retry-After"]) >= 1
    assert (await api.get("/healthz")).status == 200
    ready = await api.get("/readyz")
    assert (ready.status, ready.json["ready"]) == (503, False)
    assert ready.json["problems"]
    server.start()

    async def served() -> bool:
        return bool((await api.post("/v1/calls", CALL)).status == 201)

    await wait_until(served, 10)

    async def fit() -> bool:
        return bool((await api.get("/readyz")).status == 200)

    await wait_until(fit, 10)


async def test_a_store_that_evicts_is_said_to_be_unfit(alone):
    api, server = alone
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

    async def unfit() -> bool:
        ready = await api.get("/readyz")
        return bool(ready.status == 503 and "noeviction" in ready.json["problems"][0])

    await wait_until(unfit, 5)


async def test_a_store_that_only_reads_refuses_with_a_503(alone):
    api, server = alone
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        answered = await api.post("/v1/calls", CALL)
        assert (answered.status, answered.slug) in ((503, "store-refuses"), (503, "store-away"))
        assert "Retry-After" in answered.headers
        client.execute_command("REPLICAOF", "NO", "ONE")

    async def served() -> bool:
        return bool((await api.post("/v1/calls", CALL)).status == 201)

    await wait_until(served, 5)


async def test_a_full_stream_refuses_new_calls_only(database, tmp_path):
    async with serving(database, write_config(tmp_path / "config")) as api:
        await api.call("before", NOBODY)
        api.site.engine._hard_limit = "1"
        api.site.engine.timing = api.site.engine.timing
        full = await api.post("/v1/calls", CALL)
        assert (full.status, full.slug) == (503, "site-full")
        assert "Retry-After" in full.headers
        assert (await api.post("/v1/calls/before/events", {"event_id": "e", "type": "hangup"})).status == 200
        assert (await api.get("/v1/calls/n")).slug == "unknown-call"


async def test_a_plan_that_moves_faster_than_we_can_follow_is_a_503(database, tmp_path, monkeypatch):
    async with serving(database, write_config(tmp_path / "config")) as api:

        async def nothing_new() -> None:
            return None

        monkeypatch.setattr(api.site.keeper, "catch_up", nothing_new)
        await api.site.channel.call("HSET", api.site.keys.guide, "v", "999")
        moved = await api.post("/v1/calls", CALL)
        assert (moved.status, moved.slug) == (503, "plan-moved")
        assert "Retry-After" in moved.headers


async def test_keys_of_a_prefixed_service_are_its_own(database, tmp_path):
    config = write_config(tmp_path / "config")
    async with serving(database, config, prefix="one:") as one, serving(database, config, prefix="two:") as two:
        await one.call("n", NOBODY)
        assert (await two.get("/v1/calls/n")).slug == "unknown-call"
        with redis.Redis.from_url(f"{database}?db={DATABASE}") as client:
            assert {key.partition(b":")[0] for key in client.scan_iter()} == {b"one", b"two"}


async def test_only_when_no_site_can_serve_is_the_process_not_ready(database, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "HARD_LIMIT", 30)
    monkeypatch.setattr(health, "FRESH_S", 0)
    config = write_config(tmp_path / "config", sites=("north",))
    async with serving(database, config) as api:
        sites = api.app[SERVICE].sites
        for site in sites.values():
            site.engine._hard_limit = "30"
            site.engine.timing = site.engine.timing

        async def fill(name):
            await sites[name].channel.call_many([("XADD", sites[name].keys.events, "*", "e", "x|at=1")] * 30)

        async def asks(name):
            answered = await api.post("/v1/calls", CALL | {"call_id": f"of-{name}"}, X_Site=name)
            return answered.status, answered.json.get("type")

        await fill("main")
        assert await asks("main") == (503, "site-full")
        assert (await asks("north"))[0] == 201
        ready = await api.get("/readyz")
        assert (ready.status, ready.json["problems"]) == (200, [])
        assert ready.json["warnings"] == ["site main: its event stream is full, new calls are refused"]
        await fill("north")
        assert (await api.get("/readyz")).status == 503
        await sites["main"].channel.call("XTRIM", sites["main"].keys.events, "MAXLEN", 5)
        assert (await api.get("/readyz")).status == 200
        assert (await asks("main"))[0] == 201
