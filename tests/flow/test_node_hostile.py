"""What reaches a node without being its platform, or at the wrong moment: refused, or whole all the same, in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ivr.node.answers import DECISION, LOOKUP
from ivr.refused import REFUSED
from tests.support.node_stage import CALLED, NEXT, SECRET, Platform, platform_of
from tests.support.waiting import wait_until

PRIYA = "+12025550116"


@pytest.fixture
async def platform(database: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with platform_of(database, tmp_path, default="8000") as found:
        yield found


def refused(why: str) -> float:
    return REFUSED.labels(f"node: {why}")._value.get()  # type: ignore[no-any-return]


async def status(platform: Platform, path: str, **headers: str) -> int:
    return (await platform.raw("GET", path, None, **headers)).status


async def test_a_path_that_is_not_known_is_refused(platform: Platform) -> None:
    before = refused("secret")
    wrong = ("-", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), "%00", "x" * 4_000)
    for secret in wrong:
        assert await status(platform, platform.path("route", secret) + "?call_id=c-1") == 403
    assert refused("secret") == before + len(wrong)
    assert (await platform.api.get("/v1/calls")).json["items"] == []


async def test_what_was_refused_is_among_the_metrics(platform: Platform) -> None:
    assert await status(platform, platform.path("route", "wrong")) == 403
    shown = 'vipline_hooks_refused_total{cause="node: secret",site="main"} 1.0'

    async def is_shown() -> bool:
        return shown in (await platform.api.get("/metrics")).text

    await wait_until(is_shown)


async def test_another_site_has_another_secret(platform: Platform) -> None:
    assert await status(platform, platform.path("route", site="other")) == 403


async def test_a_secret_is_changed_while_both_count(platform: Platform) -> None:
    path = platform.path("lookup", NEXT) + "?call_id=c-1"
    assert await status(platform, path) == 403
    (platform.folder / "next").write_text(NEXT)

    async def opens() -> bool:
        return await status(platform, path) == 200

    await wait_until(opens)
    assert await status(platform, platform.path("lookup") + "?call_id=c-1") == 200
    (platform.folder / "secret").write_text("")

    async def closes() -> bool:
        return await status(platform, platform.path("lookup") + "?call_id=c-1") == 403

    await wait_until(closes)


async def test_a_secret_that_could_be_guessed_opens_nothing(platform: Platform) -> None:
    (platform.folder / "next").write_text("short")

    async def is_read() -> bool:
        return await status(platform, platform.path("lookup", "short") + "?call_id=c-1") == 403

    await wait_until(is_read)


async def test_an_unknown_decision(platform: Platform) -> None:
    before = refused("no such decision")
    assert await status(platform, platform.path("payday")) == 404
    assert refused("no such decision") == before + 1


async def test_only_from_the_networks_listed(database: str, tmp_path: Path) -> None:
    async with platform_of(database, tmp_path, networks=["203.0.113.0/24", "2001:db8::/32"]) as platform:
        before = refused("network")
        path = platform.path("lookup") + "?call_id=c-1"
        assert await status(platform, path) == 403
        assert await status(platform, path, X_Forwarded_For="203.0.113.9") == 403
        assert refused("network") == before + 2


async def test_what_a_trusted_proxy_says_of_the_sender_counts(database: str, tmp_path: Path) -> None:
    settings = {"trusted_proxies": "127.0.0.1"}
    async with platform_of(database, tmp_path, settings=settings, networks=["203.0.113.0/24"]) as platform:
        path = platform.path("lookup") + "?call_id=c-1"
        assert await status(platform, path, X_Forwarded_For="203.0.113.9") == 200
        assert await status(platform, path, X_Forwarded_For="203.0.113.9, 198.51.100.7") == 403
        assert await status(platform, path) == 403


async def test_rubbish_gets_a_whole_answer_and_reserves_nothing(platform: Platform) -> None:
    before = refused("malformed")
    rubbish = (b"{", b"[]", b"\xff", b"[" * 9_000, b'{"call_id": {"a": 1}}', b"{}", b"")
    for body in rubbish:
        answered = await platform.raw("POST", platform.path("route"), body, Content_Type="application/json")
        assert answered.status == 200
        assert answered.json == {**DECISION, "target": "8000"}
    assert refused("malformed") == before + len(rubbish)
    assert (await platform.api.get("/v1/calls")).json["items"] == []


async def test_an_enormous_body_is_not_read(platform: Platform) -> None:
    before = refused("too large")
    body = json.dumps({"call_id": "c-1", "x": "y" * 20_000}).encode()
    answered = await platform.raw("POST", platform.path("route"), body, Content_Type="application/json")
    assert answered.status == 413
    assert refused("too large") == before + 1


async def test_a_body_that_never_comes_is_not_waited_for(platform: Platform) -> None:
    host, port = platform.api.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {platform.path('route')} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 90\r\n\r\n{{"
    writer.write(head.encode())
    assert b" 408 " in await reader.readline()
    writer.close()


async def test_unknown_calls_and_events_change_nothing(platform: Platform) -> None:
    unknown = await platform.ask("event", "nobody", event="answered")
    assert unknown == {**DECISION, "target": "8000"}
    await platform.ask("route", "c-1", PRIYA)
    for event in ("", "lunch", "busy", "answered", "no-answer"):
        assert (await platform.ask("event", "c-1", event=event, offer_id="7-7"))["action"] == "queue"
    assert (await platform.api.look("c-1"))["state"] == "waiting"


async def test_when_we_are_stuck_the_answer_is_whole_and_within_a_second(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: Any, **__: Any) -> None:
        await asyncio.sleep(60)

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("anything")

    for trouble in (stuck, broken):
        monkeypatch.setattr("ivr.node.decisions.recognise", trouble)
        monkeypatch.setattr(platform.api.site.engine, "view_call", trouble)
        began = time.monotonic()
        decisions = ("lookup", "route", "menu", "callback", "event")
        answers = await asyncio.gather(*(platform.ask(decision, "c-1", PRIYA) for decision in decisions))
        assert time.monotonic() - began < 30  # `stuck` lasts a minute
        assert answers == [LOOKUP, *[{**DECISION, "target": "8000"}] * 4]


async def test_what_was_reserved_before_we_got_stuck_lapses(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer never said that an agent is held; nobody follows it, so it ends."""

    def short(plan: dict[str, Any]) -> None:
        plan["timing"]["offer"] = "3s"

    async with platform_of(database, tmp_path, short, patience="1500ms", again="1s") as platform:
        await platform.api.ready("agent-3")
        enter = platform.api.site.engine.route_call

        async def then_broken(*given: Any, **named: Any) -> Any:
            await enter(*given, **named)
            raise RuntimeError("anything")

        monkeypatch.setattr(platform.api.site.engine, "route_call", then_broken)
        assert (await platform.ask("route", "c-1", PRIYA))["action"] == "default"
        await platform.until("c-1", state="ended", outcome="short_abandoned")
        assert (await platform.agent("agent-3"))["state"] == "ready"


async def test_by_get_and_by_form(platform: Platform) -> None:
    found = await platform.get("route", call_id="c-1", caller=PRIYA, called=CALLED)
    assert await platform.form("route", call_id="c-1", caller=PRIYA, called=CALLED) == found


async def test_a_dynamic_ivr_over_the_wire(database: str, tmp_path: Path) -> None:
    """Alibaba's request as it is published, answered as it is published."""
    async with platform_of(database, tmp_path, preset="alibaba") as platform:
        await platform.api.ready("agent-3")
        told = {"caller": PRIYA, "serviceNumber": CALLED, "timestamp": "1504174341229", "uuid": "134523^4351232"}
        found = await platform.get("route", **told)
        assert found["result"] == "success"
        assert found["data"]["called"] == "sip:3@pbx"
        assert found["data"]["showNumber"] == CALLED
        assert await platform.get("route", **told) == found
        failed = await platform.get("route", caller=PRIYA)
        assert (failed["result"], failed["data"].keys()) == ("fail", found["data"].keys())


async def test_a_hundred_at_once_are_answered_in_time(platform: Platform) -> None:
    began = time.monotonic()
    answers = await asyncio.gather(*(platform.ask("route", f"c-{at}", f"+1202555{at:04}") for at in range(100)))
    assert time.monotonic() - began < 10
    assert {answer["action"] for answer in answers} == {"queue"}
    assert sorted(int(answer["position"]) for answer in answers)[-1] <= 100
