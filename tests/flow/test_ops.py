"""What is handed to Prometheus and Grafana, held against a real Prometheus that scrapes a running service.

`.ci/ops` finds one; VIPLINE_PROMETHEUS names the folder of `prometheus` and `promtool`, else they are on the PATH.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from router.domain.estimates import Forecast
from router.domain.judging import Quality
from router.metrics import definitions as d
from tests.support.service import Api, serving, write_config

OPS = Path(__file__).resolve().parents[2] / "ops"
RULES = sorted((OPS / "prometheus" / "rules").glob("*.yml"))
VIP = "+12025550110"


def tool(name: str) -> str:
    folder = os.environ.get("VIPLINE_PROMETHEUS")
    found = str(Path(folder) / name) if folder else shutil.which(name)
    if not found or not Path(found).exists():
        pytest.skip(f"no {name} here; .ci/ops finds one")
    return found


def promtool(*arguments: str | Path) -> None:
    ran = subprocess.run([tool("promtool"), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def queries() -> Iterator[tuple[str, str]]:
    """Title and expression of everything the dashboard asks, with its variables set."""
    dashboard = json.loads((OPS / "grafana" / "vipline.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$site", ".*").replace("$__rate_interval", "1m")
            assert "$" not in query, "a variable that is not set here"
            yield panel["title"], query


def named(text: str) -> set[str]:
    """Our own metrics in a query, as they are defined."""
    found = set(re.findall(r"(?<![:\w])vipline_(\w+)", text))
    return {
        re.sub(r"_(bucket|sum|count)$", "", name) if name.endswith(("_bucket", "_sum", "_count")) else name
        for name in found
    }


def test_the_configuration_is_sound(tmp_path: Path) -> None:
    shutil.copytree(OPS / "prometheus", tmp_path / "prometheus")
    (tmp_path / "prometheus" / "vipline-token").write_text("token")
    promtool("check", "config", tmp_path / "prometheus" / "prometheus.yml")


def test_the_rules_are_sound() -> None:
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("name", ["alerts", "service_level"])
def test_the_rules_do_what_they_say(name: str) -> None:
    promtool("test", "rules", OPS / "prometheus" / "tests" / f"{name}.yml")


@pytest.mark.parametrize("name", ["alerts", "service_level"])
def test_the_rules_do_the_same_whoever_is_scraped(name: str, tmp_path: Path) -> None:
    """Two services show the one truth twice; nothing may be doubled by it, and no join may fail."""
    tests = yaml.safe_load((OPS / "prometheus" / "tests" / f"{name}.yml").read_text())
    tests["rule_files"] = [str(file) for file in RULES]
    for test in tests["tests"]:
        test["input_series"] = [
            {**one, "series": one["series"].replace("{", f'{{instance="{instance}", ', 1)}
            for one in test["input_series"]
            for instance in ("a", "b")
            if "instance=" not in one["series"]
        ] + [one for one in test["input_series"] if "instance=" in one["series"]]
    doubled = tmp_path / "doubled.yml"
    doubled.write_text(yaml.safe_dump(tests))
    promtool("test", "rules", doubled)


def test_nothing_is_doubled_by_a_second_service() -> None:
    """Whatever else is asked of our metrics is asked of the greatest that any service shows."""
    once = r"max(?: without \(instance\)| by \([a-z, ]*\))? ?\((?:rate\(|increase\()?$"
    texts = [query for _, query in queries()]
    texts += [
        rule["expr"]
        for file in RULES
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]
    for text in texts:
        for found in re.finditer(r"(?<![:\w])vipline_\w+", text):
            assert re.search(once, text[: found.start()]), text


def test_every_alert_is_tried() -> None:
    told = [yaml.safe_load(file.read_text()) for file in RULES]
    alerts = {rule["alert"] for file in told for group in file["groups"] for rule in group["rules"] if "alert" in rule}
    tests = yaml.safe_load((OPS / "prometheus" / "tests" / "alerts.yml").read_text())["tests"]
    fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    assert fired == alerts


def test_what_is_asked_is_there() -> None:
    """Nothing asks for a metric by a name it does not have (any more)."""
    texts = [query for _, query in queries()] + [file.read_text() for file in RULES]
    unknown = set().union(*map(named, texts)) - set(d.ALL)
    assert not unknown


def test_every_recorded_name_the_dashboard_asks_is_recorded() -> None:
    recorded = set(re.findall(r"record: (\S+)", "".join(file.read_text() for file in RULES)))
    asked = {name for _, query in queries() for name in re.findall(r"site\w*:vipline_\w+:\w+", query)}
    assert asked
    assert asked <= recorded


def test_the_dashboard_shows_how_estimates_do() -> None:
    """Those of queues, and those of busy owners."""
    shown = set().union(*(named(query) for _, query in queries()))
    assert {name for name in d.ALL if name.startswith("estimate_")} <= shown


class Prometheus:
    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self._base = base
        self._session = session

    async def ask(self, query: str) -> list[Any]:
        async with self._session.get(f"{self._base}/api/v1/query", params={"query": query}) as response:
            answer = await response.json()
        assert answer["status"] == "success", (query, answer)
        result: list[Any] = answer["data"]["result"]
        return result

    async def ready(self) -> None:
        async with asyncio.timeout(20):
            while True:
                async with self._session.get(f"{self._base}/-/ready") as response:
                    if response.status == 200:
                        return
                await asyncio.sleep(0.05)

    async def value(self, query: str) -> float:
        [sample] = await self.ask(query)
        return float(sample["value"][1])

    async def until(self, query: str) -> None:
        """Wait until a query has an answer."""
        async with asyncio.timeout(30):
            while not await self.ask(query):
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def scraping(api: Api, folder: Path) -> AsyncIterator[Prometheus]:
    """Prometheus with the shipped configuration, only quicker, and with this service and its token."""
    settings = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    settings["rule_files"] = [str(file) for file in RULES]
    (folder / "vipline-token").write_text((await api.as_("supervisor")).token or "")
    settings["scrape_configs"][0]["static_configs"] = [{"targets": [api.base.removeprefix("http://")]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    files = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    process = await asyncio.create_subprocess_exec(
        tool("prometheus"), *files, "--web.listen-address=127.0.0.1:0", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    reading = process.stderr
    try:
        async with asyncio.timeout(20):
            while (found := re.search(rb"Listening on.*address=\S*?:(\d+)", await reading.readline())) is None:
                assert process.returncode is None
        drained = asyncio.create_task(reading.read())
        async with aiohttp.ClientSession() as session:
            prometheus = Prometheus(f"http://127.0.0.1:{found.group(1).decode()}", session)
            await prometheus.ready()
            yield prometheus
    finally:
        process.terminate()
        await process.wait()
        await drained


def busy_day(plan: dict[str, Any]) -> None:
    """Steps that end within the test."""
    for ladder in plan["ladders"].values():
        for step in ladder:
            if "wait" in step:
                step["wait"] = "300ms"
    plan.setdefault("timing", {})["wrap_up"] = "200ms"


async def happen(api: Api, day: str) -> None:
    """Something of everything: answered, declined, asked, regretted, called back, overflowed, given up."""
    await api.ready("agent-7")
    answered = await api.call(f"{day}-answered", VIP)
    await api.accept(answered)
    await api.call(f"{day}-regret", VIP)
    await api.post(f"/v1/calls/{day}-regret/choice", {"choice": "wait"})
    await api.post(f"/v1/calls/{day}-regret/events", {"event_id": f"{day}-1", "type": "hangup"})
    await api.call(f"{day}-widened", VIP)
    await api.post(f"/v1/calls/{day}-widened/choice", {"choice": "transfer"})
    await api.call(f"{day}-back", VIP)
    booked = await api.post("/v1/callbacks", {"kind": "keep_place", "call_id": f"{day}-back", "phone": VIP})
    assert booked.status == 201, booked.text
    await api.call(f"{day}-left", None)
    await api.post(f"/v1/calls/{day}-left/events", {"event_id": f"{day}-2", "type": "hangup"})
    async with asyncio.timeout(10):
        while "general" not in (await api.look(f"{day}-widened"))["lanes"]:
            await asyncio.sleep(0.05)
    await api.post(f"/v1/calls/{day}-widened/events", {"event_id": f"{day}-4", "type": "hangup"})
    await api.ready("agent-2")
    declined = await api.call(f"{day}-declined", None)
    agent = await api.as_("agent", site="main", agent_id=declined["offer"]["agent_id"])
    await agent.post(f"/v1/offers/{declined['offer']['offer_id']}/decline")
    await api.post(f"/v1/calls/{day}-declined/events", {"event_id": f"{day}-3", "type": "hangup"})
    await api.post(f"/v1/calls/{day}-answered/complete", {"offer_id": answered["offer"]["offer_id"]})
    callback = booked.json["callback_id"]
    async with asyncio.timeout(10):
        while (await api.look(callback))["state"] != "offered":
            await asyncio.sleep(0.05)
    offer = (await api.look(callback))["offer"]
    agent = await api.as_("agent", site="main", agent_id=offer["agent_id"])
    assert (await agent.post(f"/v1/offers/{offer['offer_id']}/accept")).status == 200
    reached = {"event_id": f"{day}-5", "type": "answered", "offer_id": offer["offer_id"]}
    assert (await api.post(f"/v1/calls/{callback}/events", reached)).status == 200
    assert (await api.look(callback))["state"] == "connected"
    await api.post(f"/v1/calls/{callback}/complete", {"offer_id": offer["offer_id"]})


async def test_every_query_of_the_dashboard_has_an_answer(database: str, tmp_path: Path) -> None:
    tool("prometheus")
    async with serving(database, write_config(tmp_path / "config", busy_day)) as api:
        waits, owners = Quality(answers=30, hits=24, error_ms=90_000), Quality(answers=20, hits=10, error_ms=600_000)
        api.site.estimates._forecasts.add(Forecast(0, {}, {}, quality=waits, owners=owners))
        async with scraping(api, tmp_path) as prometheus:
            await prometheus.until('vipline_owner_calls_total{tier="diamond"}')
            for day in ("mon", "tue"):
                await happen(api, day)
                ended = f'sum(vipline_callbacks_total{{outcome="reached"}}) == {("mon", "tue").index(day) + 1}'
                await prometheus.until(ended)
            await prometheus.until("site:vipline_service_level_net:ratio_30m > 0")
            silent = [(title, query) for title, query in queries() if not await prometheus.ask(query)]
            assert silent == []
            assert await prometheus.value("sum(vipline_double_offers_total)") == 0
            assert await prometheus.value("sum(vipline_choice_regret_total)") == 2
            assert await prometheus.value("vipline_estimate_coverage_ratio") == 0.8
            assert await prometheus.ask('ALERTS{alertname="DoubleOffers"}') == []
            assert await prometheus.value('up{job="vipline"}') == 1
