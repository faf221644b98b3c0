"""The supervisor's page: it needs nothing from elsewhere, and what its script makes of events is right."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from router.api.live_page import FILES
from tests.support.browser import browsing
from tests.support.service import SECRET, Api

STORY = """
const wall = newWall();
const bytes = %s;
let text = "", told = [];
for (const part of bytes) { const cut = split(text + part); text = cut.rest; told.push(...cut.events); }
const agents = told.map((one) => take(wall, one.kind, one.id, one.data));
console.log(JSON.stringify({
  rest: text, agents, lastId: wall.lastId, feed: wall.feed.map((one) => one.why),
  line: inLine(wall).map((one) => one.id),
  open: [...wall.groups.values()].map((group) => group.open),
  ...(({ all, groups, talking }) => ({
    waiting: all.waiting, longest: all.longest, talking, ready: all.agents.ready,
    vip: (({ waiting, tiers, agents }) => ({ waiting, gold: tiers.get("gold"), agents }))(groups.get("vip")),
  }))(summary(wall, Date.parse("2026-01-01T00:10:00.000Z"))),
  callbacks: summary(wall, 0).all.callbacks,
  own: (({ waiting, callbacks }) => ({ waiting, callbacks }))(summary(wall, 0).own),
  named: named("offered to a: b has rested; c1 in @a, ab.", new Map([["a", "Ada Low"], ["b", "Bo"], ["c1", "Cy"]])),
  spoken: [spoken(0), spoken(61000), spoken(3661000)],
}));
"""


def told(kind: str, data: Any, entry_id: str = "") -> str:
    lines = json.dumps(data, indent=1).split("\n")
    return (
        f"event: {kind}\n"
        + (f"id: {entry_id}\n" if entry_id else "")
        + "".join(f"data: {line}\n" for line in lines)
        + "\n"
    )


def call(minute: int, tier: str = "gold", state: str = "waiting", **more: Any) -> dict[str, Any]:
    at = f"2026-01-01T00:{minute:02}:00.000Z"
    return {
        "state": state, "tier": tier, "callback": False, "accepted_at": at, "since": at, "step": "vip",
        "lanes": ["@agent-7", "vip+es"], "agent_id": None, "head_start_ms": None, "event": "call.accepted",
        "why": "came", "event_at": at, "seq": f"{minute}-0", **more,
    }  # fmt: skip


def agent(state: str, **groups: int) -> dict[str, Any]:
    since = "2026-01-01T00:00:00.000Z"
    return {"state": state, "since": since, "groups": groups, "skills": [], "call_id": None}


def run(events: list[str]) -> Any:
    """What the page makes of events, in node; split where it hurts."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node to run the page's script")
    whole = "".join(events)
    parts = [whole[at : at + 97] for at in range(0, len(whole), 97)]
    script = (FILES / "wall.js").read_text() + STORY % json.dumps(parts)
    ran = subprocess.run([node, "-"], input=script, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


SNAPSHOT = {
    "at": "2026-01-01T00:05:00.000Z",
    "site": "main",
    "title": "Sample",
    "tiers": [{"tier": "gold", "head_start_ms": 600_000}, {"tier": "standard", "head_start_ms": 0}],
    "groups": [{"group": "vip", "title": "VIP desk", "open": True}, {"group": "general", "title": "", "open": True}],
    "service_level": None,
    "calls": {"c1": call(1, "standard", lanes=["general"]), "c2": call(5), "c3": call(6, callback=True)},
    "agents": {"a": agent("ready", vip=1), "b": agent("break", general=1)},
}


def test_events_become_figures() -> None:
    delta = {
        "at": "x",
        "calls": {"c4": call(9, state="connected"), "c1": None},
        "ended": {"c1": {"why": "hung up", "at": "x", "seq": "9-1"}},
        "agents": {"b": agent("ready", vip=2)},
    }
    found = run([told("snapshot", SNAPSHOT, "5-0"), ": still here\n\n", told("delta", delta, "9-1")])
    assert found["rest"] == ""
    assert found["agents"] == [None, ["b"]]
    assert found["lastId"] == "9-1"
    assert found["line"] == ["c2", "c3"]
    assert (found["waiting"], found["longest"], found["talking"], found["ready"]) == (1, 300_000, 1, 2)
    assert found["vip"] == {"waiting": 1, "gold": {"waiting": 1, "longest": 300_000}, "agents": {"ready": 2}}
    assert found["feed"] == ["hung up", "came"]
    assert found["callbacks"] == 1
    assert found["own"] == {"waiting": 1, "callbacks": 1}
    assert found["named"] == "offered to Ada Low: Bo has rested; Cy in Ada Low’s own line, ab."
    assert found["spoken"] == ["0:00", "1:01", "1:01:01"]


def test_the_line_is_in_the_order_of_places() -> None:
    """Gold enters as if she had waited ten minutes; a boost counts instead of the tier's head start."""
    boosted = {"calls": {"c9": call(9, "standard", head_start_ms=1_800_000)}, "groups": {"vip": {"open": False}}}
    found = run([told("snapshot", SNAPSHOT, "5-0"), told("delta", boosted, "6-0")])
    assert found["line"] == ["c9", "c2", "c3", "c1"]
    assert found["open"] == [False, True]


def test_what_happened_is_told_in_the_streams_order() -> None:
    """A delta holds its calls by name, whatever came first."""
    calls = {"c4": call(9, seq="30-2", why="second"), "c5": call(9, seq="30-10", why="third"), "c6": call(9, seq="4-0")}
    found = run([told("snapshot", SNAPSHOT, "3-0"), told("delta", {"at": "x", "calls": calls}, "30-10")])
    assert found["feed"] == ["third", "second", "came"]


def test_a_new_snapshot_forgets_what_was() -> None:
    empty = {**SNAPSHOT, "calls": {}, "agents": {}}
    found = run([told("snapshot", SNAPSHOT, "5-0"), told("snapshot", empty, "7-0"), told("figures", SNAPSHOT)])
    assert (found["line"], found["waiting"], found["lastId"]) == ([], 0, "7-0")


async def test_the_page_runs_only_what_it_holds(api: Api) -> None:
    page = await api.with_token(None).get("/live")
    assert page.status == 200
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2
    assert not re.search(
        r"https?://|src=|@import|url\(|innerHTML|insertAdjacent|document.write|eval\(|onclick", page.text
    )
    assert re.findall(r"\?token.*", page.text) == ['?token="); });'], "it sends none, and an empty one to sign out"


async def test_a_browser_shows_the_site(api: Api, tmp_path: Path) -> None:
    """In a real one, where `.ci/page` finds it: names, figures and reasons are on the page."""
    browser = os.environ.get("VIPLINE_BROWSER")
    if not browser:
        pytest.skip("VIPLINE_BROWSER names no browser")
    await api.ready("agent-7")
    await api.call("call-one", "+12025550110")
    await api.call("call-two", "+12025550110")
    async with browsing(browser, f"{api.base}/live#token={SECRET}", tmp_path / "browser") as page:
        await page.until("document.body.innerText.includes('asking the caller')")
        await page.until("document.querySelector('.tile.offered').textContent === 'Greta Holm'")
        await page.until("document.querySelector('#calls .who').textContent === 'Ada Marlow'")
        assert "agent-7" not in await page.run("document.getElementById('calls').innerText")
        assert "own agents" in await page.run("document.getElementById('queues').innerText")
        # Desks have different targets: of the whole site none is printed.
        figures = await page.run("document.getElementById('figures').innerText")
        assert "answered in the time each was promised" in figures
        assert "null" not in figures
        assert await page.run("location.href") == f"{api.base}/live"
        await page.run("document.querySelector('#calls [data-call]').click()")
        await page.until("document.querySelectorAll('#timeline li').length >= 2")
        await api.put("/v1/agents/agent-3/state", {"state": "ready"})
        await page.until(
            "document.querySelectorAll('.tile.offline').length < document.querySelectorAll('.tile').length - 1"
        )


async def test_a_browser_without_a_token_is_asked_for_one(api: Api, tmp_path: Path) -> None:
    browser = os.environ.get("VIPLINE_BROWSER")
    if not browser:
        pytest.skip("VIPLINE_BROWSER names no browser")
    async with browsing(browser, f"{api.base}/live", tmp_path / "browser") as page:
        await page.until("document.getElementById('enter').open")
        await page.run("document.getElementById('token').value = 'wrong'")
        await page.run("document.querySelector('#form button').click()")
        await page.until("document.getElementById('refused').textContent.includes('unknown')")
        await page.run(f"document.getElementById('token').value = '{SECRET}'")
        await page.run("document.querySelector('#form button').click()")
        await page.until("document.querySelectorAll('.tile').length > 3")
        assert await page.run("document.getElementById('enter').open") is False


async def test_a_browser_takes_another_token_and_signs_out(api: Api, tmp_path: Path) -> None:
    """One that no header can carry, one in the address of an open page, one the printed address was wrong about."""
    browser = os.environ.get("VIPLINE_BROWSER")
    if not browser:
        pytest.skip("VIPLINE_BROWSER names no browser")
    refused = "document.getElementById('refused').textContent"
    async with browsing(browser, f"{api.base}/?token=wrong", tmp_path / "browser") as page:
        await page.until(f"{refused}.includes('in the address is unknown')")
        assert await page.run("document.getElementById('main').hidden") is True
        await page.run("document.getElementById('token').value = '\U0001f511'")
        await page.run("document.querySelector('#form button').click()")
        await page.until(f"{refused}.includes('plain letters')")
        await page.run(f"location.hash = 'site=nowhere&token={SECRET}'")
        await page.until(f"{refused}.includes('No such site')")
        await page.run(f"location.hash = 'token={SECRET}'")
        await page.until("document.querySelectorAll('.tile').length > 3")
        await page.run("document.getElementById('change').click()")
        await page.run("document.getElementById('leave').click()")
        await page.until("document.getElementById('enter').open && document.getElementById('main').hidden")


async def test_an_empty_token_in_the_address_takes_the_cookie_back_and_an_unknown_one_is_told(api: Api) -> None:
    for secret, leads, ends in ((SECRET, "live", False), ("wrong", "live#refused=1", None), ("", "live", True)):
        home = await api.with_token(None).get(f"/?token={secret}")
        assert (home.status, home.headers["Location"]) == (303, leads)
        cookie = home.headers.get("Set-Cookie")
        assert (None if cookie is None else "Max-Age=0" in cookie) is ends
