"""Who may do what: tokens, roles, sites."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from router.api.route import Route
from router.app import ROUTES
from tests.support.service import SECRET, serving, write_config
from tests.support.waiting import wait_until

ADA = "+12025550110"


async def test_a_token_is_needed_and_must_be_known(api):
    for token, header in (
        (None, {}),
        ("wrong", {}),
        (None, {"Authorization": "Basic dTpw"}),
        (None, {"Authorization": "Bearer"}),
    ):
        answered = await api.with_token(token).ask("GET", "/v1/agents", **header)
        assert (answered.status, answered.slug) == (401, "unknown-token")
        assert answered.headers["WWW-Authenticate"] == "Bearer"
    assert (await api.with_token("x" * 5000).get("/v1/agents")).status == 401
    assert (await api.with_token("vip_ü").get("/v1/agents")).status == 401
    assert (await api.with_token(SECRET).get("/v1/agents")).status == 200


async def test_every_route_but_the_open_ones_asks_for_a_token(api):
    for route in ROUTES:
        path = route.path.replace("{offer_id}", "1-1").replace("{", "").replace("}", "")
        answered = await api.with_token(None).ask(route.method, path)
        assert (answered.status == 401) == (route.roles is not None), (route.method, route.path, answered.status)


ALLOWED = {
    "telephony": {
        ("POST", "/v1/calls"),
        ("GET", "/v1/calls"),
        ("GET", "/v1/calls/{call_id}"),
        ("POST", "/v1/calls/{call_id}/events"),
        ("POST", "/v1/calls/{call_id}/choice"),
        ("POST", "/v1/calls/{call_id}/complete"),
        ("POST", "/v1/calls/{call_id}/transfer"),
        ("POST", "/v1/callbacks"),
        ("GET", "/v1/callbacks"),
        ("GET", "/v1/callbacks/{callback_id}"),
        ("DELETE", "/v1/callbacks/{callback_id}"),
    },
    "agent": {
        ("GET", "/v1/agents/{agent_id}"),
        ("PUT", "/v1/agents/{agent_id}/state"),
        ("POST", "/v1/agents/{agent_id}/wrapped"),
        ("POST", "/v1/offers/{offer_id}/accept"),
        ("POST", "/v1/offers/{offer_id}/decline"),
        ("GET", "/v1/calls/{call_id}"),
        ("POST", "/v1/calls/{call_id}/complete"),
        ("POST", "/v1/calls/{call_id}/transfer"),
    },
    "supervisor": {
        ("GET", "/metrics"),
        ("GET", "/v1/plan"),
        ("GET", "/v1/plan/versions"),
        ("PUT", "/v1/customers/{customer_id}"),
        ("GET", "/v1/customers/{customer_id}"),
        ("PATCH", "/v1/customers/{customer_id}"),
        ("GET", "/v1/customers"),
        ("POST", "/v1/customers/import"),
        ("GET", "/v1/agents"),
        ("GET", "/v1/agents/{agent_id}"),
        ("PUT", "/v1/agents/{agent_id}/state"),
        ("POST", "/v1/agents/{agent_id}/wrapped"),
        ("GET", "/v1/calls"),
        ("GET", "/v1/calls/{call_id}"),
        ("POST", "/v1/calls/{call_id}/complete"),
        ("POST", "/v1/calls/{call_id}/transfer"),
        ("POST", "/v1/calls/{call_id}/boost"),
        ("POST", "/v1/calls/{call_id}/assign"),
        ("POST", "/v1/calls/{call_id}/withdraw"),
        ("GET", "/v1/queues"),
        ("GET", "/v1/queues/{group}/calls"),
        ("PUT", "/v1/queues/{group}"),
        ("POST", "/v1/callbacks"),
        ("GET", "/v1/callbacks"),
        ("GET", "/v1/callbacks/{callback_id}"),
        ("PATCH", "/v1/callbacks/{callback_id}"),
        ("DELETE", "/v1/callbacks/{callback_id}"),
    },
}


@pytest.mark.parametrize("role", sorted(ALLOWED))
async def test_a_role_reaches_what_is_its_own_and_nothing_else(api, role):
    one = await api.as_(role, **({"site": "main", "agent_id": "agent-1"} if role == "agent" else {}))

    async def reaches(route: Route) -> bool:
        path = route.path.replace("{offer_id}", "1-1").replace("{agent_id}", "agent-1")
        answered = await one.ask(route.method, path.replace("{", "").replace("}", ""))
        return bool(answered.status != 403 or answered.slug != "wrong-role")

    # The live view, which never ends, is tried by its own tests.
    closed = [route for route in ROUTES if route.roles is not None and route.path != "/v1/live"]
    assert {(route.method, route.path) for route in closed if await reaches(route)} == ALLOWED[role]


async def test_a_token_is_shown_once_listed_without_secret_and_revoked_within_a_second(api):
    made = await api.post("/v1/tokens", {"role": "supervisor"}, Idempotency_Key="k1")
    secret, token_id = made.json["secret"], made.json["token_id"]
    again = await api.post("/v1/tokens", {"role": "supervisor"}, Idempotency_Key="k1")
    assert again.json == made.json | {"secret": None}
    listed = (await api.get("/v1/tokens")).json["items"]
    assert [token["token_id"] for token in listed] == [token_id]
    assert "secret" not in listed[0]
    assert (await api.get(f"/v1/tokens/{token_id}")).json == listed[0]
    holder = api.with_token(secret)
    assert (await holder.get("/v1/agents")).status == 200
    assert (await api.delete(f"/v1/tokens/{token_id}")).status == 204

    async def refused():
        return (await holder.get("/v1/agents")).status == 401

    await wait_until(refused, 1.0)
    assert (await api.delete(f"/v1/tokens/{token_id}")).slug == "unknown-token-id"


async def test_secrets_are_nowhere_in_the_server(api, peek_service):
    made = await api.post("/v1/tokens", {"role": "supervisor"}, Idempotency_Key="k")
    await api.with_token(made.json["secret"]).post("/v1/customers/import", Idempotency_Key="k2")
    content = peek_service()
    assert content
    assert made.json["token_id"].encode() in content
    assert made.json["secret"].encode() not in content
    assert SECRET.encode() not in content


async def test_a_token_expires(api):
    soon = datetime.now(UTC) + timedelta(milliseconds=400)
    holder = await api.as_("supervisor", expires_at=soon.isoformat())
    assert (await holder.get("/v1/agents")).status == 200

    async def refused():
        return (await holder.get("/v1/agents")).status == 401

    await wait_until(refused, 2.0)


async def test_tokens_that_make_no_sense_are_a_422(api):
    for body in (
        {},
        {"role": "king"},
        {"role": "agent"},
        {"role": "agent", "agent_id": "agent-1"},
        {"role": "supervisor", "agent_id": "agent-1"},
        {"role": "supervisor", "expires_at": "2001-01-01T00:00:00Z"},
        {"role": "supervisor", "expires_at": "tomorrow"},
        {"role": "supervisor", "expires_at": "2101-01-01T00:00:00"},
        {"role": "supervisor", "expires_at": "9999-12-31T23:59:59-12:00"},
        {"role": "supervisor", "site": "../etc"},
    ):
        answered = await api.post("/v1/tokens", body)
        assert (answered.status, answered.slug) == (422, "invalid"), body
    assert (await api.post("/v1/tokens", {"role": "supervisor", "site": "nowhere"})).slug == "unknown-site"


async def test_the_browsers_cookie_reads_and_never_writes(api):
    home = await api.with_token(None).get(f"/?token={SECRET}")
    assert (home.status, home.headers["Location"]) == (303, "live")
    cookie = home.headers["Set-Cookie"].partition(";")[0]
    assert "HttpOnly" in home.headers["Set-Cookie"]
    assert "SameSite=Strict" in home.headers["Set-Cookie"]
    bare = api.with_token(None)
    assert (await bare.get("/v1/agents", Cookie=cookie)).status == 200
    assert (await bare.put("/v1/agents/agent-7/state", {"state": "ready"}, Cookie=cookie)).status == 401
    assert "Set-Cookie" not in (await bare.get("/?token=wrong")).headers


async def test_sites_are_apart_and_a_token_of_one_enters_no_other(database, tmp_path):
    config = write_config(tmp_path / "config", sites=("north",))
    async with serving(database, config) as api:
        await api.call("a", ADA)
        assert (await api.get("/v1/calls/a", X_Site="north")).slug == "unknown-call"
        assert (await api.get("/v1/calls/a", X_Site="main")).status == 200
        for name in ("nowhere", "a/b", "", "x" * 500):
            answered = await api.get("/v1/calls/a", X_Site=name)
            assert (answered.status, answered.slug) == (404, "unknown-site"), name
        north = await api.as_("supervisor", site="north")
        assert (await north.get("/v1/agents", X_Site="north")).status == 200
        for headers in ({}, {"X_Site": "main"}, {"X_Site": "nowhere"}):
            answered = await north.get("/v1/agents", **headers)
            assert (answered.status, answered.slug) == (403, "wrong-site"), headers
        admin = await api.as_("admin", site="north")
        assert (await admin.post("/v1/tokens", {"role": "supervisor"})).json["site"] == "north"
        assert (await admin.post("/v1/tokens", {"role": "supervisor", "site": "main"})).slug == "wrong-site"
        seen = {token["site"] for token in (await admin.get("/v1/tokens")).json["items"]}
        assert seen == {"north"}


async def test_token_seeds_are_planted_from_the_environment(database, tmp_path, monkeypatch):
    config = write_config(tmp_path / "config")
    seeds = {"tokens": [{"token_id": "pbx", "role": "telephony", "secret": {"env": "PBX_TOKEN"}}]}
    (config / "tokens.yaml").write_text(json.dumps(seeds))
    monkeypatch.setenv("PBX_TOKEN", "secret-of-the-pbx")
    async with serving(database, config) as api:
        pbx = api.with_token("secret-of-the-pbx")
        assert (await pbx.get("/v1/calls")).status == 200
        assert (await pbx.get("/v1/agents")).slug == "wrong-role"
        assert [token["token_id"] for token in (await api.get("/v1/tokens")).json["items"]] == ["pbx"]
    async with serving(database, config) as api:
        assert len((await api.get("/v1/tokens")).json["items"]) == 1
        assert (await api.ask("DELETE", "/v1/tokens/pbx")).status == 204
    async with serving(database, config) as api:
        assert (await api.with_token("secret-of-the-pbx").get("/v1/calls")).status == 401
    monkeypatch.setenv("PBX_TOKEN", "another-secret-of-the-pbx")
    async with serving(database, config) as api:
        assert (await api.with_token("another-secret-of-the-pbx").get("/v1/calls")).status == 200


def test_the_first_token_is_made_once_and_kept_private(tmp_path):
    from config.settings import Settings
    from router.admin_token import admin_token

    settings = Settings(data=tmp_path / "var")
    first = admin_token(settings)
    assert admin_token(settings) == first
    assert first.path is not None
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert len(first.secret) > 40
    own = admin_token(Settings(data=tmp_path / "var", admin_token="mine"))
    assert (own.secret, own.path) == ("mine", None)
