"""What reaches jambonz's hooks without being jambonz, or at the wrong door: refused, counted, and nobody's call."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ivr.jambonz.addresses import OVERRIDES
from ivr.refused import REFUSED
from loadtests.carriers.jambonz import Person
from loadtests.carriers.jambonz.asking import about
from tests.support.jambonz_stage import CALLER, MAIN, Stage, stage
from tests.support.waiting import wait_until


@pytest.fixture
async def jambonz(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as found:
        yield found


def raw(**more: Any) -> bytes:
    told = {"call_sid": str(uuid.uuid4()), "from": CALLER, "to": MAIN, "direction": "inbound", "call_status": "trying"}
    return json.dumps(told | more).encode()


def refused(why: str) -> float:
    return REFUSED.labels(f"jambonz: {why}")._value.get()  # type: ignore[no-any-return]


async def ask(stage: Stage, path: str, body: bytes, signature: str | None = None) -> int:
    status, _, _ = await stage.jambonz.asking.post(stage.url(path), body, signature)
    return status


async def test_a_signed_caller_is_heard(jambonz: Stage) -> None:
    assert await ask(jambonz, "voice", raw()) == 200
    assert jambonz.desk.pages() == ["voice"]


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense", "v1=" + "0" * 64])
async def test_an_unsigned_request_is_refused(jambonz: Stage, signature: str) -> None:
    before = refused("signature")
    assert await ask(jambonz, "voice", raw(), signature) == 403
    assert refused("signature") == before + 1
    assert jambonz.desk.heard == []


async def test_no_signature_at_all(jambonz: Stage) -> None:
    before = refused("unsigned")
    url, headers = jambonz.url("voice"), {"Content-Type": "application/json"}
    async with jambonz.jambonz.asking.session.post(url, data=raw(), headers=headers) as answer:
        assert answer.status == 403
        assert "signature" not in (await answer.text()).lower()
    assert refused("unsigned") == before + 1


async def test_a_changed_body_is_refused(jambonz: Stage) -> None:
    body = raw()
    assert await ask(jambonz, "voice", body + b" ", jambonz.jambonz.asking.sign(body)) == 403


async def test_an_old_signature_is_refused_and_a_fresh_replay_is_harmless(jambonz: Stage) -> None:
    body = raw()
    old = jambonz.jambonz.asking.sign(body, int(time.time()) - 301)
    assert await ask(jambonz, "voice", body, old) == 403
    fresh = jambonz.jambonz.asking.sign(body)
    assert await ask(jambonz, "voice", body, fresh) == 200
    assert await ask(jambonz, "voice", body, fresh) == 200
    first, second = jambonz.jambonz.asking.log[-2:]
    assert first.body == second.body
    assert jambonz.desk.pages() == ["voice"]


async def test_a_second_secret_verifies_as_soon_as_its_file_is_written(jambonz: Stage) -> None:
    body = raw()
    jambonz.jambonz.asking._secret = "the-next-secret"
    signature = jambonz.jambonz.asking.sign(body)
    assert await ask(jambonz, "voice", body, signature) == 403
    (jambonz.folder / "webhook_secret_next").write_text("the-next-secret")

    async def verifies() -> bool:
        return await ask(jambonz, "voice", body, signature) == 200

    await wait_until(verifies)


async def test_without_any_secret_everything_is_refused(jambonz: Stage) -> None:
    (jambonz.folder / "webhook_secret").write_text("")

    async def closed() -> bool:
        return await ask(jambonz, "voice", raw()) == 403

    await wait_until(closed)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"a"', b"[" * 50_000, b'{"call_sid": 7}', b"\xff\xfe", b"{}"])
async def test_what_is_no_call_is_refused(jambonz: Stage, body: bytes) -> None:
    assert await ask(jambonz, "voice", body) == 400
    assert await ask(jambonz, "status", body) == 400
    assert jambonz.desk.heard == []


async def test_an_enormous_body_is_not_read(jambonz: Stage) -> None:
    before = refused("too large")
    assert await ask(jambonz, "voice", raw(padding="x" * 70_000)) == 413
    assert refused("too large") == before + 1


async def test_a_body_that_never_ends_is_given_up(jambonz: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.jambonz.webhooks.READ_S", 0.05)
    host, port = jambonz.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST /hooks/jambonz/main/voice HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        "Jambonz-Signature: t=1,v1=0\r\nContent-Length: 900\r\n\r\n{".encode()
    )
    assert b" 408 " in await reader.readline()
    writer.close()


async def test_forms_and_other_methods_are_refused(jambonz: Stage) -> None:
    session, signature = jambonz.jambonz.asking.session, jambonz.jambonz.asking.sign(b"a=b")
    headers = {"Jambonz-Signature": signature}
    async with session.post(jambonz.url("voice"), data={"a": "b"}, headers=headers) as answer:
        assert answer.status == 415
    async with session.get(jambonz.url("voice"), headers=headers) as answer:
        assert answer.status == 405


async def test_another_site_is_nobodys(jambonz: Stage) -> None:
    url = jambonz.url("voice").replace("/main/", "/other/")
    assert (await jambonz.jambonz.asking.post(url, raw()))[0] == 403


async def test_an_unknown_page_is_refused_and_counted(jambonz: Stage) -> None:
    before = refused("no such page")
    sid = str(uuid.uuid4())
    assert await ask(jambonz, f"payday/{sid}/1", raw(call_sid=sid)) == 404
    assert refused("no such page") == before + 1


async def test_a_signed_body_of_one_call_opens_no_door_of_another(jambonz: Stage) -> None:
    """The address is not signed: a body taken from the wire could be sent to any."""
    before = refused("another leg")
    mine, yours = str(uuid.uuid4()), str(uuid.uuid4())
    assert await ask(jambonz, f"hold/{yours}/3", raw(call_sid=mine)) == 403
    assert await ask(jambonz, f"status-caller/{yours}/{yours}", raw(call_sid=mine)) == 403
    tag = {"call": yours, "leg": "17-1"}
    assert await ask(jambonz, f"accept/{yours}/17-2", raw(customerData=tag, reason="dtmfDetected", digits="1")) == 403
    assert refused("another leg") == before + 3
    assert jambonz.desk.heard == []
    assert jambonz.desk.noted == []


async def test_the_leg_of_a_number_a_caller_was_handed_to_is_no_caller(jambonz: Stage) -> None:
    assert await ask(jambonz, "status", raw(direction="outbound", call_status="completed", duration=3)) == 204
    assert jambonz.desk.noted == []


async def test_rubbish_touches_no_call_that_stands(jambonz: Stage) -> None:
    jambonz.desk.first = "hold"
    leg = jambonz.jambonz.call(CALLER, MAIN, Person(presses={"press 9": "9"}))
    await leg.until("queue:")
    for body, signature in ((raw(call_sid=leg.sid), "t=1,v1=0"), (b"{" * 999, None), (raw(call_sid="x"), None)):
        assert await ask(jambonz, "status", body, signature) in (400, 403)
    await leg.until("call you back")
    await leg.until("ended")


async def test_documents_by_a_question_in_parts(jambonz: Stage) -> None:
    """Keys count whichever part is heard: here the music after the words."""
    jambonz.desk.first = "hold"
    jambonz.jambonz.number(MAIN, jambonz.url("voice") + OVERRIDES, jambonz.url("status"))
    leg = jambonz.jambonz.call(CALLER, MAIN, Person())
    await leg.until("keys: none")
    leg.press("9")
    await leg.until("call you back")
    asked = [one.url for one in jambonz.jambonz.asking.log if "/key/" in one.url]
    assert asked, "the key was never told"


async def test_status_hooks_of_both_legs(jambonz: Stage) -> None:
    leg = jambonz.jambonz.call(CALLER, MAIN, Person(hangs_up_at="Li Wei"))
    await leg.until("ended")
    await wait_until(lambda: bool(jambonz.desk.noted))
    sent = [one.told for one in jambonz.jambonz.asking.log if one.url.endswith("/status")]
    assert [told["call_status"] for told in sent][:1] == ["trying"]
    told = about(leg) | {"call_status": "failed", "sip_status": 404, "customerData": {"call": leg.sid, "leg": "17-1"}}
    body = json.dumps(told | {"call_sid": str(uuid.uuid4())}).encode()
    assert await ask(jambonz, f"status-agent/{leg.sid}/17-1", body) == 204
    event, envelope = jambonz.desk.noted[-1]
    assert (type(event).__name__, envelope.role, envelope.leg_id) == ("LegFailed", "agent", "17-1")


async def test_what_a_leg_owes_when_it_is_over_is_told_as_its_end(jambonz: Stage) -> None:
    """Nobody hears the answer; that a room ended with the leg does not mean that the talk did well."""
    sid, tag = str(uuid.uuid4()), {"call": "c-1", "leg": "17-1"}
    assert await ask(jambonz, f"left/{sid}/171", raw(call_sid=sid, call_status="completed", duration=4)) == 204
    broken = raw(direction="outbound", customerData=tag, call_status="failed", sip_status=503)
    assert await ask(jambonz, "over/c-1/17-1", broken) == 204
    assert jambonz.desk.heard == []
    assert [type(event).__name__ for event, _ in jambonz.desk.noted] == ["CallEnded", "LegFailed"]
    assert [envelope.leg_id for _, envelope in jambonz.desk.noted] == [sid, "17-1"]
