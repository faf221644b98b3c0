"""Whatever a stranger sends: a clear 4xx as problem+json, and nothing has changed. Never a 500."""

from __future__ import annotations

import asyncio
import json
import zlib

import pytest

from router.app import ROUTES

NEW = {"call_id": "x", "from": "+12025550177", "to": "1"}


def with_(**changes):
    return json.dumps(NEW | changes).encode()


BODIES = {
    "nothing": (b"", 422, "invalid"),
    "blanks": (b"  \n", 422, "invalid"),
    "not json": (b"{", 400, "malformed-json"),
    "trailing": (b"{} {}", 400, "malformed-json"),
    "single quotes": (b"{'call_id': 'x'}", 400, "malformed-json"),
    "an array": (b"[]", 422, "invalid"),
    "null": (b"null", 422, "invalid"),
    "a number": (b"1", 422, "invalid"),
    "a text": (b'"x"', 422, "invalid"),
    "not utf-8": (b'{"call_id": "\xff"}', 400, "not-utf-8"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), 400, "not-utf-8"),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400, "malformed-json"),
    "a raw NUL": (b'{"call_id": "\x00"}', 400, "malformed-json"),
    "a NUL escape": (b'{"call_id": "a\\u0000b", "from": null, "to": "1"}', 400, "bad-text"),
    "half a surrogate": (b'{"call_id": "x", "from": null, "to": "\\ud800"}', 400, "bad-text"),
    "a surrogate as a name": (b'{"\\udfff": 1}', 400, "bad-text"),
    "nan": (b'{"call_id": NaN}', 400, "malformed-json"),
    "infinity": (b'{"call_id": -Infinity}', 400, "malformed-json"),
    "a number past all floats": (b'{"attributes": {"a": 1e999}}', 400, "malformed-json"),
    "a number of 5000 digits": (b'{"attributes": {"a": ' + b"9" * 5000 + b"}}", 400, "malformed-json"),
    "twice the same name": (b'{"call_id": "x", "call_id": "y"}', 400, "duplicate-member"),
    "deep arrays": (b'{"attributes": ' + b"[" * 2000 + b"]" * 2000 + b"}", 400, "too-deep"),
    "deep objects": (b'{"a":' * 33 + b"1" + b"}" * 33, 400, "too-deep"),
    "open brackets only": (b"[" * 60_000, 400, "too-deep"),
    "too large": (with_(to="1" * 70_000), 413, "too-large"),
    "an unknown member": (with_(surprise=1), 422, "invalid"),
    "a missing member": (b'{"call_id": "x"}', 422, "invalid"),
    "a number as id": (with_(call_id=1), 422, "invalid"),
    "an empty id": (with_(call_id=""), 422, "invalid"),
    "an id of 10 kB": (with_(call_id="x" * 10_000), 422, "invalid"),
    "an id with a blank": (with_(call_id="a b"), 422, "invalid"),
    "an id with a bar": (with_(call_id="a|b"), 422, "invalid"),
    "an id with a line break": (with_(call_id="a\n"), 422, "invalid"),
    "an id in other letters": (with_(call_id="ä"), 422, "invalid"),
    "an id of other digits": (with_(call_id="١"), 422, "invalid"),
    "a list as number": (with_(**{"from": ["+1"]}), 422, "invalid"),
    "a long number": (with_(**{"from": "1" * 300}), 422, "invalid"),
    "an empty number dialled": (with_(to=""), 422, "invalid"),
    "an unknown skill": (with_(skills=["flying"]), 422, "invalid"),
    "skills as text": (with_(skills="loans"), 422, "invalid"),
    "a thousand skills": (with_(skills=["loans"] * 1000), 422, "invalid"),
    "an unknown trust": (with_(trust="sure"), 422, "invalid"),
    "a wrong language": (with_(language="en us;--"), 422, "invalid"),
    "nested attributes": (with_(attributes={"a": {"b": 1}}), 422, "invalid"),
    "many attributes": (with_(attributes={str(n): 1 for n in range(51)}), 422, "invalid"),
    "a long attribute": (with_(attributes={"a": "x" * 3000}), 422, "invalid"),
    "true as text": (with_(to=True), 422, "invalid"),
}


async def test_bodies(api):
    before = await api.site.channel.call("XLEN", api.site.keys.events)
    for name, (raw, status, slug) in BODIES.items():
        answered = await api.ask("POST", "/v1/calls", raw=raw, Content_Type="application/json")
        assert (answered.status, answered.slug) == (status, slug), (name, answered.text)
        assert answered.json["status"] == status
        assert len(answered.text) < 20_000
    assert await api.site.channel.call("XLEN", api.site.keys.events) == before
    assert (await api.get("/v1/calls")).json["items"] == []


async def test_errors_point_at_their_places(api):
    body = NEW | {"skills": ["loans", 1], "attributes": {"a/b~c": []}, "to": 7}
    answered = await api.post("/v1/calls", body)
    pointers = {error["pointer"] for error in answered.json["errors"]}
    assert {"/skills/1", "/to"} <= pointers
    assert any(pointer.startswith("/attributes/a~1b~0c") for pointer in pointers)
    malformed = await api.ask("POST", "/v1/calls", raw=b'{\n "a": 1,\n  b}', Content_Type="application/json")
    assert "line 3, column 3" in malformed.json["detail"]
    assert "secret-value" not in (await api.post("/v1/calls", NEW | {"call_id": "secret-value|"})).text


async def test_every_route_that_takes_json_survives_every_body(api):
    for route in ROUTES:
        if route.body is None and not route.raw:
            continue
        path = route.path.replace("{offer_id}", "1-1").replace("{", "").replace("}", "")
        for name, (raw, _, _) in BODIES.items():
            answered = await api.ask(route.method, path, raw=raw, Content_Type="application/json")
            assert answered.status < 500, (route.method, path, name, answered.text)
            assert answered.status < 400 or answered.slug, (route.path, name)


async def test_types_of_bodies(api):
    for kind in (
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        ";;",
    ):
        answered = await api.ask("POST", "/v1/calls", raw=json.dumps(NEW).encode(), Content_Type=kind)
        assert (answered.status, answered.slug) == (415, "not-json"), kind
    for kind in ("application/json; charset=utf-8", "application/vnd.x+json", "APPLICATION/JSON"):
        answered = await api.ask("POST", "/v1/calls", raw=json.dumps(NEW).encode(), Content_Type=kind)
        assert answered.status in (200, 201), kind


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/v1/calls/" + "x" * 129, 422, "bad-id"),
        ("/v1/calls/a%20b", 422, "bad-id"),
        ("/v1/calls/a%00b", 422, "bad-id"),
        ("/v1/calls/%FF%FE", 422, "bad-id"),
        ("/v1/calls/a%0Ab", 422, "bad-id"),
        ("/v1/calls/a%7Cb", 422, "bad-id"),
        ("/v1/calls/%E4%BD%A0", 422, "bad-id"),
        ("/v1/calls/..%2F..%2Fetc", 404, "unknown-call"),
        ("/v1/calls/a%252Fb", 422, "bad-id"),
        ("/v1/calls/x/y/z", 404, "unknown-path"),
        ("/v1/calls/", 404, "unknown-path"),
        ("/v1//calls", 404, "unknown-path"),
        ("/v1/agents/" + "x" * 65, 422, "bad-id"),
        ("/v1/agents/a%2Fb", 422, "bad-id"),
        ("/v1/agents/a+b", 422, "bad-id"),
        ("/v1/customers/a%3Ab", 422, "bad-id"),
        ("/v1/queues/@agent-7/calls", 422, "bad-id"),
        ("/v1/calls?limit=0", 422, "invalid"),
        ("/v1/calls?limit=1e9", 422, "invalid"),
        ("/v1/calls?state=dancing", 422, "invalid"),
        ("/v1/calls?lane=a%20b", 422, "invalid"),
        ("/v1/calls?agent=%00", 422, "bad-text"),
        ("/v1/calls?agent=%FF", 422, "bad-text"),
        ("/v1/calls?%00=1", 422, "bad-text"),
        ("/v1/calls?cursor=" + "A" * 600, 422, "invalid"),
        ("/v1/calls?cursor=%2B%2F", 422, "invalid"),
        ("/v1/queues/general/calls?cursor=LTE=", 422, "invalid"),
        ("/v1/queues/general/calls?cursor=OTk5OTk5OTk5OTk5OTk5OTk5", 422, "invalid"),
        ("/v1/callbacks?from=yesterday", 422, "invalid"),
        ("/v1/customers?phone=" + "1" * 200, 422, "invalid"),
        ("/nothing", 404, "unknown-path"),
        ("/%2e%2e/etc/passwd", 404, "unknown-path"),
        ("/?token=%00%0d%0aSet-Cookie:x", 303, None),
    ],
)
async def test_addresses(api, path, status, slug):
    answered = await api.get(path)
    assert answered.status == status, answered.text
    assert slug is None or answered.slug == slug


async def test_methods(api):
    wrong = await api.ask("DELETE", "/v1/calls")
    assert (wrong.status, wrong.slug, wrong.headers["Allow"]) == (405, "wrong-method", "GET, HEAD, POST")
    for method in ("TRACE", "OPTIONS"):
        answered = await api.ask(method, "/v1/calls")
        assert (answered.status, answered.slug) == (405, "wrong-method"), method


RAW_REQUESTS = {
    "no http": b"hello\r\n\r\n",
    "a long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "two lengths": b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:1\r\nTransfer-Encoding:chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "broken chunks": b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "another expectation": b"GET /docs HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nConnection: close\r\n\r\n",
}


async def test_what_is_not_even_http(api):
    host, port = api.base.removeprefix("http://").split(":")
    for name, raw in RAW_REQUESTS.items():
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        answer = await asyncio.wait_for(reader.read(65_536), 5)
        writer.close()
        status = int(answer.split(b" ", 2)[1])
        assert 400 <= status < 500, (name, answer[:200])
        assert b"application/problem+json" in answer, (name, answer[:300])
        assert b"aaaaaaaaaa" not in answer, name
    assert (await api.get("/healthz")).status == 200


async def test_half_a_body_is_not_waited_for_for_ever(api, monkeypatch):
    monkeypatch.setattr("router.api.body.PATIENCE_S", 0.1)
    reader, writer = await asyncio.open_connection(*api.base.removeprefix("http://").split(":"))
    head = f"POST /v1/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nContent-Length: 50\r\n\r\n"
    writer.write(head.encode() + b'{"call_id"')
    answer = await asyncio.wait_for(reader.read(65_536), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too-slow" in answer


async def test_a_compressed_body_is_not_unpacked(api):
    bomb = zlib.compress(b"0" * 50_000_000)
    for raw, kind in ((b"nonsense", "gzip"), (bomb, "deflate"), (b"x", "br"), (b"x", "zstd"), (b"x", "magic")):
        for path, content_type in (("/v1/calls", "application/json"), ("/v1/customers/import", "text/csv")):
            answered = await api.ask("POST", path, raw=raw, Content_Type=content_type, Content_Encoding=kind)
            assert (answered.status, answered.slug) == (415, "encoded"), (kind, answered.text)


async def test_pages_carry_their_headers(api):
    for path in ("/docs", "/openapi.json", "/v1/agents", "/nothing"):
        headers = (await api.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Cache-Control"] == "no-store"
