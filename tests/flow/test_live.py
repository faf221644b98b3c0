"""The live view over a real socket: a snapshot, then deltas, without gap or repeat, for as many as watch."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.api import live as live_api
from router.api.live import LIVE, Screen
from router.app_keys import FLIGHTS
from router.domain.events import order
from router.live import hub as hub_module
from router.store.channel import ConnectionLost, ServerError, TimedOut
from router.store.embedded import EmbeddedServer
from router.store.tokens import Tokens
from tests.support.service import Api, serving, write_config
from tests.support.sse import Wall, Watching, watching
from tests.support.waiting import wait_until

VIP = "+12025550110"


def screen(api: Api) -> Screen:
    return api.app[LIVE].screen("main")


async def test_a_snapshot_and_then_what_changes(api: Api) -> None:
    await api.call("c1", VIP)
    async with watching(api) as view:
        first = await view.next()
        assert first.kind == "snapshot"
        assert first.data["calls"]["c1"]["state"] in ("waiting", "choosing")
        assert first.data["agents"]["agent-7"]["state"] == "offline"
        assert first.data["tiers"][0]["tier"] == "diamond"
        assert first.data["groups"][0]["service_level"]["variant"] == "net"
        await api.ready("agent-7")
        wall = await view.until(lambda wall: wall.calls["c1"]["state"] == "offered")
        assert wall.calls["c1"]["agent_id"] == "agent-7"
        assert wall.calls["c1"]["why"].startswith("offered to agent-7")
        assert wall.agents["agent-7"] == {**wall.agents["agent-7"], "state": "offered", "call_id": "c1"}
        assert wall.kinds.count("snapshot") == 1


async def test_why_a_call_waits_is_in_the_snapshot(api: Api) -> None:
    await api.ready("agent-7")
    await api.call("c1", VIP)
    await api.call("c2", VIP)
    await wait_until(lambda: api.site.channel.call("EXISTS", api.site.keys.history("c2")))
    async with watching(api) as view:
        wall = await view.until(lambda wall: "c2" in wall.calls)
        assert wall.calls["c2"]["event"] == "call.owner_busy"
        assert "agent-7" in wall.calls["c2"]["why"]


async def test_a_call_that_ended_and_an_agent_who_left_are_null(api: Api) -> None:
    await api.call("c1", VIP)
    async with watching(api) as view:
        await view.until(lambda wall: "c1" in wall.calls)
        await api.post("/v1/calls/c1/events", {"event_id": "e1", "type": "hangup"})
        await api.delete("/v1/agents/agent-3")
        wall = await view.until(lambda wall: "c1" not in wall.calls and "agent-3" not in wall.agents)
        [how] = [told.data["ended"]["c1"] for told in wall.told if "c1" in told.data.get("ended", {})]
        assert how["why"].startswith("the caller hung up")  # and how soon, is the machine's
        assert order(how["seq"]) <= order(wall.ids[-1])


async def test_a_closed_queue_is_shown(api: Api) -> None:
    async with watching(api) as view:
        await view.until(lambda wall: wall.groups.get("vip"))
        await api.put("/v1/queues/vip", {"open": False})
        await view.until(lambda wall: wall.groups["vip"] is False)


async def test_whoever_comes_back_goes_on_without_gap_or_repeat(api: Api) -> None:
    wall = Wall()
    async with watching(api, wall) as view:
        await view.next()
        await api.call("c1", VIP)
        await view.until(lambda wall: "c1" in wall.calls)
    await api.call("c2", VIP)
    await api.ready("agent-7")
    await api.post("/v1/calls/c2/events", {"event_id": "e1", "type": "hangup"})
    async with watching(api, wall) as view:
        await view.until(lambda wall: wall.agents["agent-7"]["state"] == "offered")
    assert wall.kinds.count("snapshot") == 1
    assert set(wall.calls) == {"c1"}
    assert wall.calls["c1"]["state"] == "offered"


async def test_nothing_is_told_twice_when_nothing_happened(api: Api) -> None:
    wall = Wall()
    async with watching(api, wall) as view:
        await view.next()
        await api.call("c1", VIP)
        await view.until(lambda wall: "c1" in wall.calls)
    seen = len(wall.told)
    async with watching(api, wall) as view:
        await api.call("c2", VIP)
        await view.until(lambda wall: "c2" in wall.calls)
        assert wall.told[seen].kind == "delta"
        assert "c1" not in wall.told[seen].data["calls"]


@pytest.mark.parametrize("last_id", ["0-0", "1-1", "99999999999999-0"])
async def test_what_is_older_than_the_stream_begins_anew(api: Api, last_id: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "PATIENCE_S", 0.2)
    await api.call("c1", VIP)
    async with watching(api, sent={"Last-Event-ID": last_id}) as view:
        told = await view.next()
        assert told.kind == "snapshot"
        assert "c1" in told.data["calls"]


async def test_another_service_goes_on_where_one_ended(api: Api, database: str, tmp_path: Path) -> None:
    wall = Wall()
    async with watching(api, wall) as view:
        await view.next()
        await api.call("c1", VIP)
        await view.until(lambda wall: "c1" in wall.calls)
    await api.call("c2", VIP)
    async with serving(database, write_config(tmp_path / "other")) as other, watching(other, wall) as view:
        await view.until(lambda wall: "c2" in wall.calls)
    assert wall.kinds.count("snapshot") == 1


async def test_many_viewers_are_one_reader(api: Api, monkeypatch: Any) -> None:
    """Viewers ask the process, the process asks the server: once, whoever watches."""
    monkeypatch.setattr(live_api, "FIGURES_S", 0.2)  # so that it is noticed soon who has left
    async with contextlib.AsyncExitStack() as stack:
        views = [await stack.enter_async_context(watching(api)) for _ in range(8)]
        for view in views:
            await view.next()
        hub = screen(api).hub
        assert hub.watched == 8
        before, began = hub.reads, time.monotonic()
        for number in range(5):
            await api.call(f"c{number}", VIP)
        for view in views:
            await view.until(lambda wall: len(wall.calls) == 5)
        # No more than the pace allows one reader, and one that waited.
        assert hub.reads - before <= 2 + (time.monotonic() - began) / hub_module.PACE_S
    await wait_until(lambda: hub.watched == 0)


async def test_every_wall_shows_the_same_after_a_storm(api: Api) -> None:
    """One watches all the time, one leaves and comes back; a third comes when it is over."""
    dice = random.Random(7)
    agents = [f"agent-{number}" for number in range(1, 8)]
    steady, restless = Wall(), Wall()
    async with watching(api, steady) as view:
        await view.next()
        for round_ in range(6):
            async with watching(api, restless) as other:
                for number in range(6):
                    await storm(api, dice, f"c{round_}-{number}", agents)
                if not restless.kinds or dice.random() < 0.7:
                    await other.next()
            await storm(api, dice, f"d{round_}", agents)
        async with watching(api) as fresh, watching(api, restless) as other:
            await api.call("last", None)
            for one in (view, other, fresh):
                await one.until(lambda wall: "last" in wall.calls and wall.ids[-1] == screen(api).hub.position)
            assert steady.calls == fresh.wall.calls == restless.calls
            assert steady.agents == fresh.wall.agents == restless.agents
    assert restless.kinds.count("snapshot") == 1
    assert len(steady.calls) > 3


async def storm(api: Api, dice: random.Random, call_id: str, agents: list[str]) -> None:
    """Something happens."""
    what = dice.random()
    if what < 0.5:
        await api.call(call_id, f"+1202555011{dice.randrange(4)}")
    elif what < 0.8:
        await api.put(f"/v1/agents/{dice.choice(agents)}/state", {"state": dice.choice(["ready", "break"])})
    else:
        listed = (await api.get("/v1/calls")).json["items"]
        if listed:
            gone = dice.choice(listed)["call_id"]
            await api.post(f"/v1/calls/{gone}/events", {"event_id": f"e-{call_id}", "type": "hangup"})


async def test_a_slow_reader_gets_the_newest_state_in_few_deltas(api: Api, monkeypatch: Any) -> None:
    """What it missed is not kept: only the names of what changed."""
    hub = screen(api).hub
    viewer = await hub.attach()
    viewer.pending = frozenset()
    await api.call("c1", VIP)
    for number in range(30):
        state = "ready" if number % 2 else "break"
        await api.put("/v1/agents/agent-3/state", {"state": state})
    last = (await api.site.channel.call("XREVRANGE", api.site.keys.events, "+", "-", "COUNT", 1))[0][0].decode()
    await wait_until(lambda: hub.position == last)
    assert viewer.pending is not None
    assert len(viewer.pending) <= 3
    monkeypatch.setattr(hub_module, "BACKLOG", 2)
    await api.call("c2", VIP)
    await api.call("c3", VIP)
    await wait_until(lambda: viewer.pending is None)
    hub.detach(viewer)


async def test_a_viewer_who_takes_nothing_is_let_go(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(live_api, "STALLED_S", 0.2)
    monkeypatch.setattr(live_api, "FIGURES_S", 0.01)
    reader, writer = await asyncio.open_connection(*api.base.removeprefix("http://").split(":"), limit=1)
    writer.write(f"GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n\r\n".encode())
    hub = screen(api).hub
    await wait_until(lambda: hub.watched == 1)
    await api.call("c1", VIP)
    await wait_until(lambda: "c1" in hub.picture.calls)

    async def full() -> bool:
        """More and more to send, until it is more than the sockets hold."""
        hub.told["c1"] = hub_module.Told("call.accepted", "x" * 200_000, "1-0", 1)
        for viewer in tuple(hub._viewers):
            viewer.add(frozenset({("c", "c1")}))
        return hub.watched == 0

    await wait_until(full)
    writer.close()
    assert reader is not None


async def ended(view: Watching) -> None:
    """Read to the end of the view."""
    with contextlib.suppress(EOFError, aiohttp.ClientError):
        async with asyncio.timeout(5):
            while True:
                await view.next()


async def test_views_end_at_once_when_the_process_stops(api: Api) -> None:
    async with watching(api) as view:
        await view.next()
        began = time.monotonic()
        left = await api.app[FLIGHTS].drain(10.0)
        await ended(view)
        assert left == 0
        assert time.monotonic() - began < 8  # not the ten seconds it may take


async def test_a_stopping_process_shows_nobody_in(api: Api) -> None:
    await api.app[FLIGHTS].stop()
    assert (await api.get("/v1/live")).slug == "stopping"


async def test_a_view_outlives_the_server(fresh_server: EmbeddedServer, tmp_path: Path) -> None:
    async with serving(fresh_server.url, write_config(tmp_path / "config")) as api, watching(api) as view:
        await view.next()
        await api.call("c1", VIP)
        await view.until(lambda wall: "c1" in wall.calls)
        fresh_server.stop()
        fresh_server.start()

        async def answers() -> bool:
            return (await api.get("/v1/calls/c1")).status == 200

        await wait_until(answers)
        await api.call("c2", VIP)
        await view.until(lambda wall: set(wall.calls) == {"c1", "c2"})


@pytest.mark.parametrize("trouble", [ConnectionLost("away"), TimedOut(), ServerError("LOADING it reads its file")])
async def test_a_view_goes_on_while_the_store_is_away(api: Api, monkeypatch: Any, trouble: Exception) -> None:
    """Its figures stay as they were, and whether its token is good is asked when the store can tell again."""
    monkeypatch.setattr(live_api, "FIGURES_S", 0.02)
    monkeypatch.setattr(live_api, "HEARTBEAT_S", 0.02)
    async with watching(api) as view:
        before = await view.next()
        with monkeypatch.context() as away:
            figures, tokens = Failing(trouble), Failing(trouble)
            away.setattr(api.site.levels, "read", figures)
            away.setattr(Tokens, "find", tokens)
            await wait_until(lambda: figures.asked > 1 and tokens.asked > 1)
        await api.call("c1", VIP)
        await view.until(lambda wall: "c1" in wall.calls)
        assert view.wall.kinds.count("snapshot") == 1
        shown = [told.data for told in view.wall.told if told.kind == "figures"]
        assert shown[0]["groups"] == before.data["groups"]


async def test_a_view_that_cannot_begin_is_refused(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(api.site.levels, "read", Failing(ConnectionLost("away")))
    assert (await api.get("/v1/live")).slug == "store-away"
    assert screen(api).hub.watched == 0


async def test_a_view_that_fails_ends_and_nothing_is_written_into_it(api: Api, monkeypatch: Any) -> None:
    reader, writer = await asyncio.open_connection(*api.base.removeprefix("http://").split(":"))
    writer.write(f"GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\n\r\n".encode())
    received = await reader.readuntil(b"snapshot")
    monkeypatch.setattr(live_api, "delta", lambda *_: 1 / 0)
    await api.call("c1", VIP)
    async with asyncio.timeout(10):
        received += await reader.read()
    writer.close()
    assert received.count(b"HTTP/1.1") == 1
    assert received.endswith(b"0\r\n\r\n")


class Failing:
    """Something that counts how often it is asked, and fails."""

    def __init__(self, trouble: Exception) -> None:
        self.trouble = trouble
        self.asked = 0

    async def __call__(self, *_: object) -> Any:
        self.asked += 1
        raise self.trouble


async def test_what_the_server_lost_is_shown_no_more(api: Api) -> None:
    """It was killed and came back without its last second."""
    async with watching(api) as view:
        await api.call("c1", VIP)
        await view.until(lambda wall: "c1" in wall.calls)
        hub, keys = screen(api).hub, api.site.keys
        await api.site.channel.call("XDEL", keys.events, hub.position)
        await api.call("c2", VIP)
        await view.until(lambda wall: "c2" in wall.calls)
        assert view.wall.kinds.count("snapshot") == 2


async def test_a_revoked_token_shows_nothing_more(api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(live_api, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(live_api, "FIGURES_S", 0.05)
    made = await api.post("/v1/tokens", {"role": "supervisor"})
    async with watching(api.with_token(made.json["secret"])) as view:
        await view.next()
        await api.delete(f"/v1/tokens/{made.json['token_id']}")
        await ended(view)


async def test_who_may_watch(database: str, tmp_path: Path) -> None:
    async with serving(database, write_config(tmp_path / "config", sites=("north",))) as admin:
        assert (await (await admin.as_("telephony")).get("/v1/live")).status == 403
        assert (await (await admin.as_("agent", site="main", agent_id="agent-7")).get("/v1/live")).status == 403
        assert (await admin.with_token(None).get("/v1/live")).status == 401
        north = await admin.as_("supervisor", site="north")
        assert (await north.get("/v1/live")).slug == "wrong-site"
        async with watching(north, sent={"X-Site": "north"}) as view:
            assert (await view.next()).data["site"] == "north"


async def test_the_browsers_cookie_may_watch(api: Api) -> None:
    bare = api.with_token(None)
    async with watching(bare, sent={"Cookie": f"vipline_token={api.token}"}) as view:
        assert (await view.next()).kind == "snapshot"
