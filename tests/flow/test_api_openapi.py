"""The OpenAPI document says what the service does, and the service does what it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from router.app import ROUTES

ADA, BRUNO, NOBODY = "+12025550110", "+12025550112", "+12025550177"

PROMISED = {
    "GET /v1/plan",
    "PUT /v1/plan",
    "GET /v1/plan/versions",
    "POST /v1/tokens",
    "GET /v1/tokens/{token_id}",
    "DELETE /v1/tokens/{token_id}",
    "PUT /v1/customers/{customer_id}",
    "GET /v1/customers/{customer_id}",
    "PATCH /v1/customers/{customer_id}",
    "DELETE /v1/customers/{customer_id}",
    "GET /v1/customers",
    "POST /v1/customers/import",
    "PUT /v1/agents/{agent_id}",
    "GET /v1/agents/{agent_id}",
    "DELETE /v1/agents/{agent_id}",
    "PUT /v1/agents/{agent_id}/state",
    "POST /v1/offers/{offer_id}/accept",
    "POST /v1/offers/{offer_id}/decline",
    "POST /v1/calls/{call_id}/complete",
    "POST /v1/agents/{agent_id}/wrapped",
    "POST /v1/calls/{call_id}/transfer",
    "POST /v1/calls",
    "GET /v1/calls/{call_id}",
    "POST /v1/calls/{call_id}/events",
    "POST /v1/calls/{call_id}/choice",
    "POST /v1/calls/{call_id}/boost",
    "POST /v1/calls/{call_id}/assign",
    "POST /v1/calls/{call_id}/withdraw",
    "GET /v1/calls",
    "GET /v1/queues",
    "GET /v1/queues/{group}/calls",
    "PUT /v1/queues/{group}",
    "GET /v1/live",
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
    "POST /v1/callbacks",
    "GET /v1/callbacks",
    "PATCH /v1/callbacks/{callback_id}",
    "DELETE /v1/callbacks/{callback_id}",
    "GET /openapi.json",
    "GET /docs",
}


async def document(api) -> dict[str, Any]:
    described: dict[str, Any] = (await api.with_token(None).get("/openapi.json")).json
    return described


async def test_the_document_is_valid_and_holds_every_route(api):
    described = await document(api)
    OpenAPIV31SpecValidator(described).validate()
    documented = {
        f"{method.upper()} {path}" for path, operations in described["paths"].items() for method in operations
    }
    served = set()
    for route in api.app.router.routes():
        # A carrier's hooks are described by the carrier.
        if route.method != "HEAD" and route.resource and not route.resource.canonical.startswith(("/hooks/", "/node/")):
            served.add(f"{route.method} {route.resource.canonical}")
    assert documented == served
    assert documented >= PROMISED
    names = [one["operationId"] for operations in described["paths"].values() for one in operations.values()]
    assert len(names) == len(set(names))
    assert all(one["summary"] for operations in described["paths"].values() for one in operations.values())


class Checker:
    """Holds answers against the document."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._described = described
        self._registry = Registry().with_resource("doc", DRAFT202012.create_resource(described))
        self.seen: set[str] = set()

    def hold(self, method: str, path: str, answered: Any) -> None:
        bare = path.partition("?")[0]
        template = next(
            template
            for template in sorted(self._described["paths"], key=lambda one: one.count("{"))
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), bare)
            and method.lower() in self._described["paths"][template]
        )
        place = ["paths", template, method.lower(), "responses", str(answered.status)]
        response = self._described["paths"][template][method.lower()]["responses"]
        assert str(answered.status) in response, (method, path, answered.status, answered.text)
        kind = answered.headers.get("Content-Type", "").partition(";")[0]
        if "$ref" in response[str(answered.status)]:
            place = ["components", "responses", "Problem"]
        pointer = "/".join(one.replace("~", "~0").replace("/", "~1") for one in [*place, "content", kind, "schema"])
        self.seen.add(f"{method} {template}")
        if answered.text:
            schema = {"$ref": f"doc#/{pointer}"}
            Draft202012Validator(schema, registry=self._registry).validate(answered.json)


async def test_answers_are_what_the_document_says(api):
    checker = Checker(await document(api))

    async def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
        answered = await api.ask(method, path, body, **headers)
        checker.hold(method, path, answered)
        return answered

    await ask("GET", "/v1/plan")
    await ask("PUT", "/v1/plan?dry_run=1", (await api.get("/v1/plan")).json["plan"])
    await ask("PUT", "/v1/plan", (await api.get("/v1/plan")).json["plan"])
    await ask("PUT", "/v1/plan", {"title": 1})
    await ask("GET", "/v1/plan/versions")
    token = await ask("POST", "/v1/tokens", {"role": "supervisor"})
    await ask("GET", "/v1/tokens")
    await ask("GET", f"/v1/tokens/{token.json['token_id']}")
    await ask("DELETE", f"/v1/tokens/{token.json['token_id']}")
    await ask("PUT", "/v1/customers/c-9", {"name": "A", "birthday": "1984-05-03", "annual_value": 3, "cover": ["a"]})
    await ask("PUT", "/v1/customers/c-9", {"name": 1})
    await ask("GET", "/v1/customers/c-9")
    await ask("PATCH", "/v1/customers/c-9", {"name": "B"})
    await ask("GET", "/v1/customers?limit=2")
    await ask("GET", "/v1/customers?phone=%2B12025550110")
    await ask("DELETE", "/v1/customers/c-9")
    await ask("GET", "/v1/customers/c-9")
    checker.hold(
        "POST",
        "/v1/customers/import",
        await api.ask("POST", "/v1/customers/import", raw=b"customer_id\ni-1\n,\n", Content_Type="text/csv"),
    )
    await ask("PUT", "/v1/agents/agent-9", {"groups": {"vip": 1}})
    await ask("GET", "/v1/agents")
    await ask("DELETE", "/v1/agents/agent-9")
    await ask("PUT", "/v1/agents/agent-7/state", {"state": "ready"})
    call = await ask("POST", "/v1/calls", {"call_id": "ada", "from": ADA, "to": "1"})
    await ask("POST", "/v1/calls", {"call_id": "ada", "from": ADA, "to": "1"})
    await ask("POST", "/v1/calls", {"call_id": ""})
    offer_id = call.json["offer"]["offer_id"]
    await ask("POST", "/v1/calls", {"call_id": "bruno", "from": BRUNO, "to": "1"})
    await ask("GET", "/v1/calls/bruno")
    await ask("GET", "/v1/calls")
    await ask("GET", "/v1/agents/agent-7")
    await ask("POST", f"/v1/offers/{offer_id}/decline", {})
    await ask("POST", f"/v1/offers/{offer_id}/accept")
    await ask("PUT", "/v1/agents/agent-7/state", {"state": "ready"})
    call = await ask("GET", "/v1/calls/ada")
    offer_id = call.json["offer"]["offer_id"]
    event = {"event_id": "e", "type": "answered", "leg": "agent", "offer_id": offer_id}
    await ask("POST", "/v1/calls/ada/events", event)
    await ask("POST", "/v1/calls/bruno/choice", {"choice": "transfer"})
    await ask("POST", "/v1/calls/bruno/choice", {"choice": "transfer"})
    await ask("POST", "/v1/calls/bruno/boost", {"head_start_ms": 5})
    await ask("POST", "/v1/calls/bruno/assign", {"agent_id": "agent-7"})
    await ask("POST", "/v1/calls/ada/transfer", {"to": {"group": "general"}, "offer_id": offer_id})
    await ask("POST", "/v1/agents/agent-7/wrapped")
    await ask("POST", "/v1/calls", {"call_id": "n", "from": NOBODY, "to": "1"})
    booked = await ask("POST", "/v1/callbacks", {"kind": "keep_place", "call_id": "n"})
    await ask("GET", "/v1/calls/n")
    await ask("GET", "/v1/callbacks")
    await ask("GET", f"/v1/callbacks/{booked.json['callback_id']}")
    await ask("PATCH", f"/v1/callbacks/{booked.json['callback_id']}", {"topic": "x"})
    await ask("DELETE", f"/v1/callbacks/{booked.json['callback_id']}")
    await ask("POST", "/v1/calls/ada/withdraw", {})
    await ask("POST", "/v1/calls/ada/complete", {"offer_id": offer_id})
    await ask("GET", "/v1/queues")
    await ask("GET", "/v1/queues/general/calls")
    await ask("PUT", "/v1/queues/general", {"open": False})
    await ask("GET", "/healthz")
    await ask("GET", "/readyz")
    await ask("GET", "/openapi.json")
    assert checker.seen == {f"{route.method} {route.path}" for route in ROUTES} - {
        "GET /v1/live",
        "GET /live",
        "GET /metrics",
        "GET /docs",
        "GET /docs.css",
        "GET /",
    }


async def test_the_page_needs_nothing_from_elsewhere(api):
    page = (await api.with_token(None).get("/docs")).text
    assert not re.search(r"<script|https?://|//cdn|@import|url\(", page)
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in page
    style = await api.with_token(None).get("/docs.css")
    assert style.headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("name", ["ProblemBody", "Call", "NewCall", "CustomerSeed", "Queues"])
async def test_shapes_have_names(api, name):
    assert name in (await document(api))["components"]["schemas"]
