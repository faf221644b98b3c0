"""/metrics over the door: what happened is counted, what is now is shown, and every process shows the same."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.loading import load_config
from ivr.refused import REFUSED
from router.domain.estimates import Forecast
from router.domain.judging import Quality
from router.domain.ladder import Ladder, Profile, Step
from router.metrics import definitions as d
from router.metrics import now, projector
from router.metrics.projector import Projector
from router.metrics.scrape import read, render
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from tests.support.service import Api, serving, write_config

PLAN = load_config(Path(__file__).resolve().parents[2] / "config")["main"].plan.site
VIP = "+12025550110"


class Shown:
    """What one scrape showed, by name and labels."""

    def __init__(self, text: str) -> None:
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def get(self, name: str, **labels: str) -> float | None:
        return self.samples.get((d.PREFIX + name, frozenset({"site": "main", **labels}.items())))

    def total(self, name: str, **labels: str) -> float:
        """The sum over all labels that are not given."""
        wanted = labels.items()
        return sum(
            value
            for (found, its_labels), value in self.samples.items()
            if found == d.PREFIX + name and all(pair in its_labels for pair in wanted)
        )


async def scrape(api: Api) -> Shown:
    answered = await api.get("/metrics")
    assert answered.status == 200, answered.text
    assert answered.headers["Content-Type"].startswith("text/plain")
    return Shown(answered.text)


async def until(api: Api, name: str, value: float, **labels: str) -> Shown:
    """Scrape until a figure is there: entries are counted a moment after they are written."""
    async with asyncio.timeout(10):
        while True:
            shown = await scrape(api)
            if shown.total(name, **labels) == value:
                return shown
            await asyncio.sleep(0.05)


async def test_a_call_is_counted_from_offer_to_talk(api: Api) -> None:
    await api.ready("agent-7")
    call = await api.call("c1", VIP)
    await api.accept(call)
    await api.post("/v1/calls/c1/complete", {"offer_id": call["offer"]["offer_id"]})
    shown = await until(api, "agents_wrapping", 1)
    tier = call["customer"]["tier"]
    assert shown.get("calls_offered_total", tier=tier) == 1
    assert shown.get("calls_total", tier=tier, queue="", outcome="answered") == 1
    assert shown.get("offer_ends_total", tier=tier, queue="", outcome="accepted", cause="accepted") == 1
    assert shown.get("owner_calls_total", tier=tier, outcome="ready") == 1
    assert shown.get("owner_calls_answered_total", tier=tier, outcome="owner") == 1
    assert shown.get("wait_seconds_count", tier=tier, queue="", outcome="answered") == 1
    assert shown.get("talk_seconds_count", tier=tier, queue="") == 1
    assert shown.get("service_level_inputs_total", tier=tier, queue="", outcome="answered_in_target") == 1
    assert shown.get("double_offers_total") == 0
    assert shown.get("talking", tier=tier) == 0
    assert (shown.get("tier_target_seconds", tier=tier), shown.get("tier_target_ratio", tier=tier)) == (10, 0.9)
    shown = await until(api, "lookup_seconds_count", 1, outcome="directory")
    assert shown.total("decision_seconds_count") == 1
    assert shown.get("lookup_seconds_bucket", outcome="directory", le="+Inf") == 1


async def test_two_services_show_the_same(api: Api, database: str, tmp_path: Path) -> None:
    """Neither knows more than the other, whoever decided and whoever counts."""
    async with serving(database, write_config(tmp_path / "second")) as other:
        await api.ready("agent-7")
        await api.call("c1", VIP)
        await other.call("c2", VIP)
        await until(other, "lookup_seconds_count", 2)
        here, there = await until(api, "calls_offered_total", 2), await until(other, "calls_offered_total", 2)
        # A wait, a lag and a time in a state grow from one scrape to the next.
        moving = re.compile(r"longest_wait|_lag_|overdue|agents_\w+_seconds_total")
        steady = {key for key in here.samples if not moving.search(key[0])}
        assert len(steady) > 50
        assert {key: here.samples[key] for key in steady} == {key: there.samples[key] for key in steady}
        assert here.total("prompts_total") == 1
        assert here.total("waiting") == 1


async def test_figures_stay_when_the_service_is_gone(database: str, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config")
    async with serving(database, config) as first:
        await first.call("c1", VIP)
        await until(first, "waiting", 1)
    async with serving(database, config) as second:
        shown = await scrape(second)
        assert shown.total("waiting") == 1
        assert shown.total("calls_offered_total") == 1
        assert shown.total("longest_wait_seconds") > 0


async def test_figures_are_true_at_once_after_a_restart(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stopped has left the place: nobody waits for a lease before what happens next is counted."""
    monkeypatch.setattr(projector, "LEASE_MS", 600_000)
    monkeypatch.setattr(now, "PATIENCE_S", 8.0)
    config = write_config(tmp_path / "config")
    async with serving(database, config) as first:
        await first.call("c1", None)
        await until(first, "waiting", 1)
    async with serving(database, config) as second:
        await second.call("c2", None)
        tiers = (await second.get("/v1/queues")).json["tiers"]
        assert sum(tier["waiting"] for tier in tiers) == 2


async def test_a_sites_token_shows_that_site(database: str, tmp_path: Path) -> None:
    async with serving(database, write_config(tmp_path / "config", sites=("north",))) as admin:

        def sites(shown: Shown) -> set[str]:
            return {dict(labels)["site"] for _, labels in shown.samples}

        assert sites(await scrape(admin)) == {"main", "north"}
        assert sites(await scrape(await admin.as_("supervisor", site="north"))) == {"north"}
        assert (await (await admin.as_("telephony")).get("/metrics")).status == 403
        assert (await admin.with_token(None).get("/metrics")).status == 401


async def test_labels_are_few_whatever_callers_send(api: Api) -> None:
    """The plan's own names and no others."""
    for number in range(40):
        await api.call(f"call {number}".replace(" ", "-"), f"+1202555{number:04}", language=f"x{chr(97 + number % 9)}")
        await api.post(f"/v1/calls/call-{number}/events", {"event_id": f"e{number}", "type": "hangup"})
    shown = await until(api, "calls_left_total", 40)
    names = {f"{name}={value}" for _, labels in shown.samples for name, value in labels if name != "le"}
    assert {name.partition("=")[0] for name in names} <= {"site", "tier", "queue", "step", "outcome", "cause"}
    assert len([name for name in names if name.startswith("tier=")]) <= 6
    assert not [name for name in names if "call-" in name or "555" in name or "agent-" in name]


def test_labels_have_one_of_a_few_names() -> None:
    allowed = {"tier", "queue", "step", "outcome", "cause"}  # and `site`, which each has
    assert {name: metric.labels for name, metric in d.ALL.items() if not set(metric.labels) <= allowed} == {}
    assert set(REFUSED._labelnames) <= allowed


async def test_every_metric_is_described(api: Api) -> None:
    text = (await api.get("/metrics")).text
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    assert types["vipline_double_offers_total"] == "counter"
    assert types["vipline_agents_ready"] == "gauge"
    helps = [line for line in text.splitlines() if line.startswith("# HELP")]
    assert len(helps) == len(types)
    assert all(line.endswith((".", ".\n")) for line in helps)


def test_every_metric_is_in_the_documentation() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text()
    missing = [name for name in d.ALL if f"`vipline_{name}`" not in page]
    assert not missing
    named = set(re.findall(r"`vipline_(\w+)`", page))
    assert named - set(d.ALL) == set(), "the page names what is not there"


async def test_queues_ask_the_same_whatever_waits(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall that asks every second makes nobody look at everybody."""
    channel, asked = api.site.channel, 0
    plain_call, plain_many = channel.call, channel.call_many

    async def call(*args: Any) -> Any:
        nonlocal asked
        # How often it looks whether everything is counted depends on the moment.
        asked += args[0] != "HGETALL"
        return await plain_call(*args)

    async def call_many(commands: Sequence[Sequence[Any]]) -> list[Any]:
        nonlocal asked
        asked += len(commands)
        return await plain_many(commands)

    async def count(waiting: int) -> int:
        nonlocal asked
        async with asyncio.timeout(10):
            while (await api.get("/v1/queues")).json["tiers"][-1]["waiting"] != waiting:
                await asyncio.sleep(0.05)
        with monkeypatch.context() as counting:
            counting.setattr(api.site, "channel", Counted(call, call_many))
            asked = 0
            await api.get("/v1/queues")
        return asked

    await api.call("c0", None)
    few = await count(1)
    for number in range(1, 40):
        await api.call(f"c{number}", None)
    assert await count(40) == few


@dataclass(frozen=True)
class Counted:
    """A channel whose commands are counted."""

    call: Any
    call_many: Any


@pytest.mark.soak
async def test_a_scrape_is_quick_with_many_waiting(server: str, channel: Channel, site: str) -> None:
    """10,000 agents, 100,000 callers in line: ≤ 20 ms, and hardly more than with few."""
    engine = Engine(channel, Keyspace(site))
    await engine.load_scripts()
    reader = await Channel.open(server)
    counting = Projector(engine, reader, "one", lambda: PLAN)
    work = await counting.load()
    tiers = [tier.name for tier in PLAN.tiers]

    async def come(numbers: range) -> None:
        ladder = Ladder(0, (Step("vip", ("vip",), wait_ms=60_000), Step("general", ("general",))), 1_800_000)
        for number in numbers:
            await engine.route_call(f"c{number}", ladder, plan_version="", tier=tiers[number % len(tiers)])

    async def seconds() -> float:
        took = []
        for _ in range(21):
            began = time.perf_counter()
            render([await read(channel, engine.keys)])
            took.append(time.perf_counter() - began)
        return sorted(took)[10]

    async def count() -> None:
        while await counting.step(work, block_ms=1):
            pass

    general = Profile({"vip": 1, "general": 2}, frozenset())
    await engine.put_agent("a0", general, "{}")
    await engine.agent_ready("a0")
    await come(range(len(tiers) * 2))
    await count()
    few = await seconds()
    for number in range(1, 10_000):
        await engine.put_agent(f"a{number}", general, "{}")
    for start in range(len(tiers) * 2, 100_000, 5_000):
        await come(range(start, min(100_000, start + 5_000)))
        await count()
    many = await seconds()
    await reader.close()
    print(f"few {few * 1000:.1f} ms, many {many * 1000:.1f} ms, ratio {many / few:.2f}")
    assert many <= 0.020
    assert many / few <= 1.5


async def test_waits_and_owners_are_judged_apart(api: Api) -> None:
    waits, owners = Quality(30, 24, 90_000), Quality(20, 10, 600_000)
    api.site.estimates._forecasts.add(Forecast(0, {}, {}, quality=waits, owners=owners))
    shown = await until(api, "estimate_owner_answers", 20)
    assert shown.get("estimate_owner_coverage_ratio") == 0.5
    assert shown.get("estimate_owner_error_seconds") == 30
    assert shown.get("estimate_coverage_ratio") == 0.8
    assert shown.get("estimate_answers") == 30
