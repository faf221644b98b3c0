"""Who may come in, and that nobody else changes anything."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from ivr.twilio.documents import EMPTY
from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import Keys
from ivr.twilio.rest import Rest
from ivr.twilio.signature import Secrets, signature_of
from ivr.twilio.webhooks import MAX_BODY, HookedSite, TwilioHooks
from ivr.vocabulary import CallEnded, CallOffered
from tests.support.plans import site as a_plan
from tests.support.tiny_desk import TinyDesk
from tests.support.twilio_stage import TOKEN, Stage, stage

CALL = "CA" + "1" * 32
FORM = {"CallSid": CALL, "AccountSid": "AC" + "a" * 32, "From": "+12025550123", "To": "+12025550100"}
TYPE = "application/x-www-form-urlencoded"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, None) as found:
        yield found


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def send(
    session: aiohttp.ClientSession,
    url: str,
    form: dict[str, str] | None = None,
    *,
    raw: bytes | None = None,
    secret: str = TOKEN,
    digest: str = "sha1",
    headers: dict[str, str] | None = None,
    signed_url: str = "",
    method: str = "POST",
) -> tuple[int, bytes]:
    """A request as Twilio would sign it, unless something is given otherwise."""
    told = FORM if form is None else form
    pairs = () if method == "GET" or raw is not None else tuple(told.items())
    given = {"X-Twilio-Signature": signature_of(secret.encode(), signed_url or url, pairs, digest).decode()}
    body = None if method == "GET" else raw if raw is not None else urlencode(told).encode()
    sent = {"Content-Type": TYPE, **given, **(headers or {})}
    sent = {name: value for name, value in sent.items() if value}
    async with session.request(method, URL(url, encoded=True), data=body, headers=sent) as response:
        return response.status, await response.read()


async def test_a_signed_call_is_answered_and_its_retry_gets_the_same_bytes(
    scene: Stage, session: aiohttp.ClientSession
):
    status, body = await send(session, scene.url("voice"))
    assert status == 200
    assert b"Gather" in body
    assert (await send(session, scene.url("voice"))) == (200, body)
    assert scene.desk.pages() == ["voice"]


async def test_a_get_carries_its_fields_in_the_address(scene: Stage, session: aiohttp.ClientSession):
    status, _ = await send(session, f"{scene.url('voice')}?{urlencode(FORM)}", method="GET")
    assert status == 200
    assert scene.desk.heard[0][1] == CallOffered("+12025550123", "+12025550100", "none")


async def test_the_end_of_a_call_is_noted_and_answered_with_nothing(scene: Stage, session: aiohttp.ClientSession):
    told = FORM | {"CallStatus": "completed", "CallDuration": "5"}
    assert await send(session, scene.url("status"), told) == (200, EMPTY)
    assert scene.desk.noted[0][0] == CallEnded("normal", 5_000)


HOSTILE: dict[str, dict[str, Any]] = {
    "no signature": {"headers": {"X-Twilio-Signature": ""}},
    "another's secret": {"secret": "wrong"},
    "another address": {"signed_url": "https://calls.example.org/hooks/twilio/main/voice"},
    "another field": {"headers": {"X-Twilio-Signature": "AAAA"}},
    "an unknown algorithm": {"headers": {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_MD5"}},
    "an unknown key": {"headers": {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}},
    "another hash": {"digest": "sha256"},
    "json without its hash": {"raw": b"{}", "headers": {"Content-Type": "application/json"}},
    "bytes that are no form": {"raw": b"\xff\xfe=1"},
    "an empty body signed for a full one": {"raw": b""},
}


@pytest.mark.parametrize("given", HOSTILE.values(), ids=list(HOSTILE))
async def test_a_hostile_request_is_refused_and_changes_nothing(
    scene: Stage, session: aiohttp.ClientSession, given: dict[str, Any]
):
    if given.get("raw") == b"":
        wanted = signature_of(TOKEN.encode(), scene.url("voice"), tuple(FORM.items())).decode()
        given = {"raw": b"", "headers": {"X-Twilio-Signature": wanted}}
    for path in ("voice", "status", f"hold/{CALL}/1", "fallback"):
        status, body = await send(session, scene.url(path), **given)
        assert status == 403
        assert TOKEN.encode() not in body
    assert (scene.desk.heard, scene.desk.noted) == ([], [])


async def test_what_stands_in_the_query_of_a_post_is_not_a_field(scene: Stage, session: aiohttp.ClientSession):
    status, _ = await send(session, scene.url("voice") + "?From=%2B19995550000&CallSid=CA9")
    assert status == 200
    assert scene.desk.heard[0][1] == CallOffered("+12025550123", "+12025550100", "none")


async def test_too_much_is_refused_before_it_is_read(scene: Stage, session: aiohttp.ClientSession):
    assert (await send(session, scene.url("voice"), {"a": "x" * MAX_BODY}))[0] == 413
    assert (await send(session, scene.url("voice"), {f"p{i}": "1" for i in range(201)}))[0] == 413
    assert (await send(session, scene.url("voice"), raw=b"x", headers={"Content-Type": "text/plain"}))[0] == 415
    assert scene.desk.heard == []


async def test_a_site_we_do_not_have_looks_like_a_wrong_signature(scene: Stage, session: aiohttp.ClientSession):
    assert (await send(session, f"{scene.base}/hooks/twilio/other/voice"))[0] == 403


@pytest.mark.parametrize("page", ["nowhere", "status-nobody", "voice"])
async def test_a_page_there_is_not(scene: Stage, session: aiohttp.ClientSession, page: str):
    assert (await send(session, scene.url(f"{page}/{CALL}/1")))[0] == 404


async def test_a_request_without_a_call_is_refused(scene: Stage, session: aiohttp.ClientSession):
    assert (await send(session, scene.url("voice"), {"CallSid": "../x"}))[0] == 400


async def test_a_token_is_rotated_without_a_restart(scene: Stage, session: aiohttp.ClientSession):
    assert (await send(session, scene.url("voice"), secret="new"))[0] == 403
    (scene.folder / "token").write_text("new")
    os.utime(scene.folder / "token", ns=(1, 1))
    assert (await send(session, scene.url("voice"), secret="new"))[0] == 200
    assert (await send(session, scene.url("voice")))[0] == 403


async def test_json_is_vouched_for_by_its_hash(scene: Stage, session: aiohttp.ClientSession):
    raw = json.dumps(FORM).encode()
    url = f"{scene.url('voice')}?bodySHA256={hashlib.sha256(raw).hexdigest()}"
    kind = {"Content-Type": "application/json"}
    assert (await send(session, url, raw=raw, headers=kind))[0] == 200
    assert (await send(session, url, raw=raw + b" ", headers=kind))[0] == 403


@pytest.mark.parametrize("public_url", ["https://calls.example.org", "https://calls.example.org:8443/in"])
async def test_behind_a_proxy_the_public_address_counts(session: aiohttp.ClientSession, public_url: str):
    async with served(public_url) as (base, desk):
        path = "/hooks/twilio/main/voice"
        assert (await send(session, base + path))[0] == 403
        status, body = await send(session, base + path, signed_url=public_url + path)
        assert status == 200
        assert f'action="{public_url}/hooks/twilio/main/question/'.encode() in body
        assert desk.pages() == ["voice"]


async def test_without_a_public_address_the_one_that_was_reached_counts(session: aiohttp.ClientSession):
    async with served("") as (base, _):
        path = "/hooks/twilio/main/voice"
        assert (await send(session, base + path))[0] == 200
        assert (
            await send(session, base + path, headers={"Host": "evil.example"}, signed_url=f"http://evil.example{path}")
        )[0] == 403


@asynccontextmanager
async def served(public_url: str) -> AsyncIterator[tuple[str, TinyDesk]]:
    """Our hooks alone, as if others reached them at `public_url`: where they listen, and their desk."""
    keys = Keys(Secrets("", {"": (TOKEN.encode(),)}, {}), {})
    desk = TinyDesk()
    gateway = TwilioGateway(public_url, lambda site: keys, Rest())
    app = web.Application()
    hooks = TwilioHooks(public_url)
    hooks.serve({"main": HookedSite(desk, gateway, lambda: keys, a_plan)})
    app.add_routes(hooks.routes())
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/"), desk


RAW = {
    "another host in the request line": b"POST http://evil.example/hooks/twilio/main/voice HTTP/1.1",
    "a doubled slash": b"POST //hooks/twilio/main/voice HTTP/1.1",
    "a site in escapes": b"POST /hooks/twilio/%6dain/voice HTTP/1.1",
    "a broken escape": b"POST /hooks/twilio/main/hold/%ff%zz/1 HTTP/1.1",
    "dots": b"POST /hooks/twilio/main/../main/voice HTTP/1.1",
}


@pytest.mark.parametrize("line", RAW.values(), ids=list(RAW))
async def test_no_spelling_of_an_address_passes_for_another(scene: Stage, line: bytes):
    body = urlencode(FORM).encode()
    signature = signature_of(TOKEN.encode(), scene.url("voice"), tuple(FORM.items()))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(scene.base.rpartition(":")[2]))
    writer.write(
        line
        + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded"
        + b"\r\nX-Twilio-Signature: "
        + signature
        + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in (b"400", b"403", b"404")
    assert scene.desk.heard == []
