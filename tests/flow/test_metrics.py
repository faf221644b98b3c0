"""/metrics over the door: what happened is counted, what is now is shown, and every process shows the same."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from router.metrics import definitions as d
from tests.support.service import Api

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
    shown = await until(api, "lookup_seconds_count", 1, outcome="directory")
    assert shown.total("decision_seconds_count") == 1
    assert shown.get("lookup_seconds_bucket", outcome="directory", le="+Inf") == 1
