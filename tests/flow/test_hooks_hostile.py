"""Every hook path of the running service against whoever means no good: over real sockets, all providers at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import aiohttp
import pytest
import redis
from yarl import URL

import ivr.jambonz.webhooks as jambonz
import ivr.twilio.webhooks as twilio
from ivr.jambonz.signature import signature_of as jambonz_signature
from ivr.twilio.payloads import OF_AGENT
from ivr.twilio.signature import signature_of as twilio_signature
from router.directory import pins
from router.logging_ import JsonLines, TextLines
from tests.support.service import DATABASE, Api, serving, write_config
from tests.support.waiting import wait_until

TWILIO, JAMBONZ, NODE, ASTERISK = "twilio-secret", "jambonz-secret", "node-secret-of-the-test", "asterisk-secret"
SECRETS = (TWILIO, JAMBONZ, NODE, ASTERISK)
ACCOUNT, CALL = "AC" + "a" * 32, "CA" + "1" * 32
ADA, PIN, NUMBER = "+12025550110", "284651", "40071"
FORM = {"CallSid": CALL, "AccountSid": ACCOUNT, "From": ADA, "To": "+12025550199", "CallStatus": "ringing"}
FORM_TYPE = "application/x-www-form-urlencoded"
PAGES = sorted(twilio.OF_CALLER | OF_AGENT | jambonz.OF_CALLER | {"callback", "wait", *twilio._ROLES})
KEPT = re.compile(rb":(c|l|m|f|o|h|a|w|i|r|t|k|u|p|q|un|up|pl|vc|vl|vn|s)(:|$)")


@pytest.fixture
async def api(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """All providers that take requests, their secrets in files."""
    monkeypatch.setattr(pins, "LOG_N", 4)
    for module in (twilio, jambonz):
        monkeypatch.setattr(module, "READ_S", 0.2)
    for secret in SECRETS:
        (tmp_path / secret).write_text(secret)
    (tmp_path / "account").write_text(ACCOUNT)

    def file(name: str) -> dict[str, str]:
        return {"file": str(tmp_path / name)}

    def there(plan: dict[str, Any]) -> None:
        plan["telephony"] = {
            "twilio": {"account_sid": file("account"), "auth_token": file(TWILIO), "api": "http://127.0.0.1:9"},
            "jambonz": {
                "api": "http://127.0.0.1:9",
                "account_sid": file("account"),
                "api_key": file(JAMBONZ),
                "webhook_secrets": [file(JAMBONZ)],
            },
            "node": {"secrets": [file(NODE)]},
        }
        plan["identification"] = {"ask": ["withheld", "unknown", "unproven"]}

    async with serving(database, write_config(tmp_path / "config", there)) as client:

        async def is_settled() -> bool:
            """The plan has been shown to whoever waited for it."""
            return not await client.site.channel.call("ZCARD", client.site.keys.deadlines)

        await wait_until(is_settled)
        yield client


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def kept(database: str) -> dict[bytes, bytes]:
    """What calls, agents and customers are in the server; readers' own books left out."""
    with redis.Redis.from_url(f"{database}?db={DATABASE}") as client:
        found = {key: client.dump(key) or b"" for key in client.scan_iter() if KEPT.match(key.partition(b"}")[2])}
        return found | {b"events": b"%d" % client.xlen("{main}:ev")}


def hooks(api: Api) -> list[tuple[str, str]]:
    """(method, path) of every route below /hooks and /node, each page of it."""
    found = set()
    for route in api.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if path.startswith(("/hooks/", "/node/")) and route.method != "HEAD":
            for page in PAGES if "{page}" in path else [""]:
                filled = path.replace("{page}", page).replace("{site}", "main").replace("{call}", CALL)
                filled = filled.replace("{decision}", "route").replace("{secret}", "a-guess-of-many-letters")
                found.add((route.method, re.sub(r"\{\w+\}", "1", filled)))
    return sorted(found)


async def ask(
    session: aiohttp.ClientSession, api: Api, method: str, path: str, body: bytes, **headers: str
) -> tuple[int, bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    url = URL(api.base + path, encoded=True)
    async with session.request(method, url, data=body if method == "POST" else None, headers=sent) as response:
        return response.status, await response.read()


async def by_twilio(session: aiohttp.ClientSession, api: Api, page: str, **form: str) -> tuple[int, bytes]:
    """As Twilio signs it."""
    told, path = FORM | form, f"/hooks/twilio/main/{page}"
    signature = twilio_signature(TWILIO.encode(), api.base + path, tuple(told.items())).decode()
    body = urlencode(told).encode()
    return await ask(session, api, "POST", path, body, X_Twilio_Signature=signature, Content_Type=FORM_TYPE)


async def by_jambonz(session: aiohttp.ClientSession, api: Api, page: str, **body: Any) -> tuple[int, bytes]:
    raw, stamp = json.dumps(body).encode(), str(int(time.time()))
    signature = f"t={stamp},v1={jambonz_signature(JAMBONZ.encode(), stamp, raw).decode()}"
    path = f"/hooks/jambonz/main/{page}"
    return await ask(session, api, "POST", path, raw, Jambonz_Signature=signature, Content_Type="application/json")


LIES: dict[str, dict[str, str]] = {
    "nothing": {},
    "nonsense": {"X_Twilio_Signature": "AAAA", "Jambonz_Signature": "t=1,v1=00", "Authorization": "Basic AAAA"},
    "two": {"X_Twilio_Signature": "AAAA", "Jambonz_Signature": f"t={int(time.time())},v1=00,v1=11"},
    "bytes": {"X_Twilio_Signature": "\xff\xfe", "Jambonz_Signature": "t=\xb2,v1=\xff"},
}


@pytest.mark.parametrize("lie", LIES)
async def test_whatever_is_not_signed_is_refused_on_every_path_and_changes_nothing(
    api: Api, database: str, session: aiohttp.ClientSession, lie: str
) -> None:
    paths = hooks(api)
    assert len({path.split("/")[2] for _, path in paths if path.startswith("/hooks/")}) >= 3
    before = kept(database)
    for method, path in paths:
        kind = "application/json" if "jambonz" in path else FORM_TYPE
        body = b"{}" if "jambonz" in path else urlencode(FORM).encode()
        status, told = await ask(session, api, method, path, body, Content_Type=kind, **LIES[lie])
        assert status in (401, 403), (method, path, status)
        assert not any(secret.encode() in told for secret in (*SECRETS, ADA))
    assert kept(database) == before


async def test_what_was_refused_of_twilio_is_among_the_metrics(api: Api, session: aiohttp.ClientSession) -> None:
    path, form = "/hooks/twilio/main/voice", urlencode(FORM).encode()
    await ask(session, api, "POST", path, form, Content_Type=FORM_TYPE)
    for _ in range(2):
        await ask(session, api, "POST", path, form, Content_Type=FORM_TYPE, X_Twilio_Signature="AAAA")
    await by_twilio(session, api, "no-such-page/x/1")
    await ask(session, api, "POST", path, b"x" * (64 * 1024 + 1), Content_Type=FORM_TYPE, X_Twilio_Signature="AAAA")
    counts = {"unsigned": 1, "signature": 2, "no such page": 1, "too large": 1}

    async def are_shown() -> bool:
        shown = (await api.get("/metrics")).text
        return all(
            f'vipline_hooks_refused_total{{cause="twilio: {cause}",site="main"}} {count}.0' in shown
            for cause, count in counts.items()
        )

    await wait_until(are_shown)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 900_000])
async def test_a_body_that_is_too_large_is_refused_on_every_path(
    api: Api, session: aiohttp.ClientSession, size: int
) -> None:
    for method, path in hooks(api):
        if method != "POST":
            continue
        kind = "application/json" if "jambonz" in path else FORM_TYPE
        headers = {"X_Twilio_Signature": "AAAA", "Jambonz_Signature": "t=1,v1=00", "Content_Type": kind}
        try:
            status, _ = await ask(session, api, method, path, b"a=" + b"x" * size, **headers)
        except aiohttp.ClientError:
            continue  # cut off while it was still sent: as good
        assert status in (403, 413), (path, status)


async def test_a_body_that_never_comes_holds_nobody_up(api: Api) -> None:
    """One after the other would take minutes: whoever waits is dropped after READ_S."""

    async def half(path: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.base.rpartition(":")[2]))
        kind = "application/json" if "jambonz" in path else FORM_TYPE
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 900\r\n"
        writer.write(f"{head}X-Twilio-Signature: AAAA\r\nJambonz-Signature: t=1,v1=00\r\n\r\na=".encode())
        try:
            return await asyncio.wait_for(reader.readline(), 5)
        finally:
            writer.close()

    started = time.monotonic()
    told = await asyncio.gather(*(half(path) for method, path in hooks(api) if method == "POST"))
    assert {int(line.split()[1]) for line in told} <= {401, 403, 408}
    assert time.monotonic() - started < 20
    assert (await api.get("/healthz")).status == 200


@pytest.mark.parametrize("begun", [b"", b"POST /hooks/twilio/main/voice HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_head_that_never_comes_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr("router.api.server.HEAD_S", 0.3)

    async def drip() -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.base.rpartition(":")[2]))
        started, ended = time.monotonic(), asyncio.create_task(reader.read())
        writer.write(begun)
        while begun and not ended.done() and time.monotonic() - started < 30:
            writer.write(b"a")
            await asyncio.wait({ended}, timeout=0.02)
        with contextlib.suppress(ConnectionResetError):  # of a drop that came too late
            assert await asyncio.wait_for(ended, 30) == b""
        writer.close()
        return time.monotonic() - started

    assert max(await asyncio.gather(*(drip() for _ in range(20)))) < 20
    assert (await api.get("/healthz")).status == 200


async def test_too_many_fields_are_refused(api: Api, session: aiohttp.ClientSession) -> None:
    many = {f"p{place}": "1" for place in range(200)}
    for page in ("voice", "status", "fallback", f"hold/{CALL}/1"):
        assert (await by_twilio(session, api, page, **many))[0] == 413
    fields = {f"p{place}": "1" for place in range(200 - len(FORM))}
    assert (await by_twilio(session, api, "voice", **fields))[0] == 200


async def test_a_replay_gets_the_same_bytes_and_changes_nothing(
    api: Api, database: str, session: aiohttp.ClientSession
) -> None:
    """Twilio's signatures have no time, so one that was overheard verifies for ever."""
    calls = [("voice", {}), (f"left/{CALL}/1", {"QueueResult": "redirected"}), (f"hold/{CALL}/1", {})]
    first = [await by_twilio(session, api, page, **form) for page, form in calls]
    assert {status for status, _ in first} == {200}
    timeline = api.site.keys.history(CALL).encode()
    await wait_until(lambda: timeline in kept(database))  # it is a little behind
    before = kept(database)
    for _ in range(5):
        assert [await by_twilio(session, api, page, **form) for page, form in calls] == first
    assert kept(database).keys() == before.keys()
    await by_twilio(session, api, "status", CallStatus="completed", CallDuration="1")
    ended = kept(database)
    for page, form in calls:
        await by_twilio(session, api, page, **form)
    assert (await api.look(CALL))["outcome"] in ("abandoned", "short_abandoned")
    assert ended.keys() == kept(database).keys()


async def test_secrets_are_rotated_without_a_restart_and_without_a_gap(
    api: Api, session: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one is named beside the old one, then the old one goes."""
    plan = (await api.get("/v1/plan")).json["plan"]
    (tmp_path / "next").write_text("next-secret")
    plan["telephony"]["twilio"]["auth_token_next"] = {"file": str(tmp_path / "next")}
    plan["telephony"]["jambonz"]["webhook_secrets"].append({"file": str(tmp_path / "next")})
    assert (await api.put("/v1/plan", plan)).status == 200
    old = (TWILIO, JAMBONZ)
    ringing = {"call_sid": "3f2b1c00-0000-4000-8000-000000000009", "direction": "inbound", "call_status": "trying"}

    async def statuses(twilio_secret: str, jambonz_secret: str) -> set[int]:
        monkeypatch.setattr("tests.flow.test_hooks_hostile.TWILIO", twilio_secret)
        monkeypatch.setattr("tests.flow.test_hooks_hostile.JAMBONZ", jambonz_secret)
        body = ringing | {"from": ADA, "to": "+12025550199"}
        return {(await by_twilio(session, api, "voice"))[0], (await by_jambonz(session, api, "voice", **body))[0]}

    assert await statuses(*old) == {200}
    assert await statuses("next-secret", "next-secret") == {200}
    for name in old:
        (tmp_path / name).write_text("gone")

    async def old_ones_are_refused() -> bool:
        return await statuses(*old) == {403}

    await wait_until(old_ones_are_refused)
    assert await statuses("next-secret", "next-secret") == {200}


async def test_a_flood_from_one_number_hears_a_busy_line_over_every_provider(
    api: Api, session: aiohttp.ClientSession
) -> None:
    plan = (await api.get("/v1/plan")).json["plan"]
    plan["limits"] = {"calls": 2}
    assert (await api.put("/v1/plan", plan)).status == 200
    told = [await by_twilio(session, api, "voice", CallSid=f"CA{place:032}") for place in range(4)]
    assert [status for status, _ in told] == [200] * 4
    assert [b"<Reject" in body for _, body in told] == [False, False, True, True]
    sid = "3f2b1c00-0000-4000-8000-000000000009"
    body = {"call_sid": sid, "direction": "inbound", "from": ADA, "to": "+12025550199", "call_status": "trying"}
    status, heard = await by_jambonz(session, api, "voice", **body)
    assert status == 200
    assert json.loads(heard)[0]["verb"] in ("sip:decline", "hangup")
    path, question = f"/node/main/{NODE}/route", json.dumps({"call_id": "n9", "from": ADA, "to": "+12025550199"})
    status, answer = await ask(session, api, "POST", path, question.encode(), Content_Type="application/json")
    assert (status, json.loads(answer)["action"]) == (200, "message")
    assert await api.site.engine.read_call("n9") is None


async def test_a_rush_from_one_address_is_answered_politely_and_callers_in_line_are_not_touched(
    api: Api, session: aiohttp.ClientSession
) -> None:
    plan = (await api.get("/v1/plan")).json["plan"]
    assert (await api.put("/v1/plan", plan | {"limits": {"per_second": 1}, "identification": {}})).status == 200
    rush = [(f"CA{place:032}", f"+120255501{60 + place}") for place in range(10)]
    told = [await by_twilio(session, api, "voice", CallSid=call, From=number) for call, number in rush]
    busy = [b"<Reject" in body for _, body in told]
    assert {status for status, _ in told} == {200}
    assert busy[:5] == [False] * 5
    assert sum(busy) >= 3
    for call, _ in rush[:5]:
        for step in (1, 2, 3):
            status, document = await by_twilio(session, api, f"hold/{call}/{step}", CallSid=call)
            assert (status, b"<Reject" in document) == (200, False)


STRANGE = {
    "From": "https://evil.example/x.mp3",
    "CallerName": "<Play>http://evil.example/a</Play>",
    "Caller": "http://169.254.169.254/latest",
    "ForwardedFrom": "http://evil.example",
    "CallToken": "http://evil.example/token",
    "SpeechResult": "//evil.example/",
    "RecordingUrl": "http://evil.example/rec",
    "To": "+12025550199",
}


async def test_nothing_a_caller_sends_becomes_an_address(api: Api, session: aiohttp.ClientSession) -> None:
    """The only addresses in a document are our own and the plan's; and nobody is asked anything on the way."""
    plan = (await api.get("/v1/plan")).json["plan"]
    plan["voice"] = {"music": "https://media.example.org/hold.mp3", "music_length": "20s"}
    plan["crm"] = {"url": "http://127.0.0.1:9/people?phone={phone}", "budget": "50ms"}
    assert (await api.put("/v1/plan", plan)).status == 200
    documents = []
    senders = ("https://evil.example/x.mp3", "sip:a@evil.example", "client:http://evil.example", ADA)
    for place, sender in enumerate(senders):
        call = f"CA{place:032}"
        told = STRANGE | {"From": sender, "CallSid": call}
        documents.append(await by_twilio(session, api, "voice", **told))
        documents.append(await by_twilio(session, api, f"identify/{call}/1", **told, Digits="//evil.example"))
        documents += [await by_twilio(session, api, f"hold/{call}/{step}", **told) for step in (1, 2, 3)]
    assert {status for status, _ in documents} == {200}
    ours = ("/hooks/twilio/main/", "https://media.example.org/hold.mp3")
    addresses = [word for _, body in documents for word in _addresses(body)]
    assert any("media.example.org" in address for address in addresses)
    assert all(address.startswith(ours) for address in addresses), addresses
    assert not any(b"evil" in body or b"169.254" in body for _, body in documents)


def _addresses(document: bytes) -> list[str]:
    """Whatever a carrier would fetch or call back: attributes and texts of elements that hold addresses."""
    found = []
    for element in ElementTree.fromstring(document).iter():
        found += [value for name, value in element.attrib.items() if name in ("action", "url", "waitUrl")]
        if element.tag in ("Play", "Redirect"):
            found.append(element.text or "")
        assert element.tag != "Record"
    return found


async def test_no_log_line_gives_anything_away(
    api: Api, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answered = await api.ask("PATCH", "/v1/customers/c-1000", {"number": NUMBER, "pin": PIN})
    assert answered.status == 200
    for place, trust in enumerate(("TN-Validation-Failed-A", "No-TN-Validation", "TN-Validation-Passed-A")):
        call = f"CA{place:032}"
        told = {"CallSid": call, "StirVerstat": trust, "CallerName": "Ada Marlow", "CallToken": "a-call-token"}
        await by_twilio(session, api, "voice", **told)
        await by_twilio(session, api, f"identify/{call}/1", **told, Digits=NUMBER)
        await by_twilio(session, api, f"pin/{call}/2", **told, Digits=PIN)
        await by_twilio(session, api, f"pin/{call}/1", **told, Digits=PIN)
        await by_twilio(session, api, f"hold/{call}/1", **told)
        await by_twilio(session, api, "fallback", **told, ErrorCode=ADA, ErrorUrl=f"http://x/{PIN}")
        await by_twilio(session, api, "status", **told | {"CallStatus": "completed"})
    for method, path in hooks(api):
        await ask(session, api, method, f"{path}?From={ADA}&Digits={PIN}", urlencode(FORM).encode(), **LIES["nonsense"])
    await by_jambonz(session, api, "voice", call_sid="not a sid", **{"from": ADA, "caller_name": "Ada Marlow"})
    await ask(session, api, "POST", f"/node/main/{NODE}/route", json.dumps({"call_id": "n1", "from": ADA}).encode())
    await ask(session, api, "POST", f"/node/main/{NODE}/event", b"\xff{not json" + ADA.encode())
    await ask(session, api, "GET", "/v1/customers?phone=%2B12025550110", b"", Authorization=f"Bearer {PIN}")
    lines = "\n".join(
        form.format(record) for record in caplog.records for form in (JsonLines(), TextLines())
    )  # fmt: skip
    assert "request refused" in lines
    for word in (*SECRETS, "2025550110", "Marlow", "Ada", PIN, "a-call-token", api.token or "?"):
        assert word not in lines, re.findall(rf".*{re.escape(word)}.*", lines)[:1]
