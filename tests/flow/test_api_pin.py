"""A PIN through the door: written by supervisors, shown to nobody, found nowhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from router.api.idempotency import BodyDigest
from router.directory import pins
from router.directory.phones import WITHHELD
from router.directory.proving import Claim, prove
from router.logging_ import JsonLines
from tests.support.service import Api

PIN, OTHER = "284651", "917350"
BODY = {"name": "Mona Quill", "phones": ["+12025550150"], "number": "40071"}


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "LOG_N", 4)


async def is_right(api: Api, pin: str) -> bool:
    return await prove(api.site.customers, Claim("n1", WITHHELD, "40071"), pin, api.site.plan) is not None


async def test_a_pin_is_written_and_never_read(
    api: Api, peek_service: Callable[[], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    supervisor = await api.as_("supervisor", site="main")
    answers = [await supervisor.put("/v1/customers/c-9", BODY | {"pin": PIN})]
    assert await is_right(api, PIN)
    answers.append(await supervisor.put("/v1/customers/c-9", BODY | {"name": "Another"}))
    assert await is_right(api, PIN)
    answers.append(await supervisor.ask("PATCH", "/v1/customers/c-9", {"pin": OTHER}))
    assert await is_right(api, OTHER)
    answers += [await supervisor.get("/v1/customers/c-9"), await supervisor.get("/v1/customers?phone=%2B12025550150")]
    answers.append(await supervisor.get("/v1/plan"))
    for method in ("PUT", "PATCH"):
        for _ in range(2):
            answers.append(
                await supervisor.ask(method, "/v1/customers/c-9", {**BODY, "pin": PIN}, Idempotency_Key=f"k{method}")
            )
    answers.append(await supervisor.ask("PATCH", "/v1/customers/c-9", {"pin": None}))
    assert not await is_right(api, OTHER)
    assert {answer.status for answer in answers} <= {200, 201}
    told = "".join(answer.text for answer in answers).encode() + peek_service()
    told += "".join(JsonLines().format(record) for record in caplog.records).encode()
    assert PIN.encode() not in told
    assert OTHER.encode() not in told


async def test_an_import_brings_pins(api: Api, peek_service: Callable[[], bytes]) -> None:
    lines = json.dumps({"customer_id": "c-9", **BODY, "pin": PIN}).encode()
    for _ in range(2):
        answered = await api.ask(
            "POST", "/v1/customers/import", raw=lines, Content_Type="application/x-ndjson", Idempotency_Key="k"
        )
        assert (answered.status, answered.json["created"]) == (200, 1)
    assert await is_right(api, PIN)
    assert PIN.encode() not in peek_service()


@pytest.mark.parametrize("pin", ["123", "1234567890123", "12a4", 1234, "", "١٢٣٤"])
async def test_what_is_no_pin_is_refused_without_being_repeated(api: Api, pin: object) -> None:
    for method in ("PUT", "PATCH"):
        answered = await api.ask(method, "/v1/customers/c-1000", {"pin": pin})
        assert (answered.status, answered.slug) == (422, "invalid")
        assert [error["pointer"] for error in answered.json["errors"]] == ["/pin"]
        assert not pin or str(pin) not in answered.text


async def test_a_number_that_another_has_is_refused(api: Api) -> None:
    assert (await api.put("/v1/customers/c-9", BODY)).status == 201
    found = (await api.get("/v1/customers?number=40071")).json["items"]
    assert [one["customer_id"] for one in found] == ["c-9"]
    assert (await api.get("/v1/customers?number=40072")).json["items"] == []
    assert (await api.get("/v1/customers?number=4")).status == 422
    answered = await api.put("/v1/customers/c-10", {"number": "40071"})
    assert (answered.status, answered.json["errors"][0]["pointer"]) == (422, "/number")
    answered = await api.ask("PATCH", "/v1/customers/c-1000", {"number": "40071"})
    assert (answered.status, answered.json["errors"][0]["pointer"]) == (422, "/number")


@pytest.mark.parametrize("role", ["telephony", "agent"])
async def test_only_supervisors_set_it(api: Api, role: str) -> None:
    more = {"agent_id": "agent-7"} if role == "agent" else {}
    other = await api.as_(role, site="main", **more)
    assert (await other.put("/v1/customers/c-9", {"pin": PIN})).slug == "wrong-role"


async def test_what_is_remembered_of_a_body_is_no_quick_way_to_the_pin_in_it(
    api: Api, peek_service: Callable[[], bytes]
) -> None:
    """Whoever knows the rest of a body could try all PINs against a quick hash of it."""
    for name, body in (("plain", BODY), ("secret", BODY | {"pin": PIN})):
        assert (await api.put("/v1/customers/c-9", body, Idempotency_Key=name)).status in (200, 201)
    assert BodyDigest(json.dumps(BODY | {"pin": PIN}).encode()).value().encode() not in peek_service()


async def test_the_same_key_with_another_pin_is_another_body(api: Api) -> None:
    assert (await api.put("/v1/customers/c-9", BODY | {"pin": PIN}, Idempotency_Key="k")).status == 201
    assert (await api.put("/v1/customers/c-9", BODY | {"pin": OTHER}, Idempotency_Key="k")).slug == "key-reused"


async def test_the_document_says_it_is_write_only(api: Api) -> None:
    schemas = (await api.get("/openapi.json")).json["components"]["schemas"]
    assert schemas["CustomerWrite"]["properties"]["pin"]["writeOnly"] is True
    assert "pin" not in schemas["CustomerSeed"]["properties"]
