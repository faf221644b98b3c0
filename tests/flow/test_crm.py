"""A CRM over a real socket: fast, slow, wrong, huge, stalled or gone. The call is told who knew, within a budget."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.loading import read_plan
from config.parts import Crm as CrmPlan
from config.people import CustomerSeed
from router.directory.breaker import Breaker
from router.directory.contacts import Contact
from router.directory.crm import Crm, Unanswered, read_fields
from router.directory.customers import Customers
from router.directory.lookup import Directory
from router.directory.phones import identify
from router.directory.scripts import Scripts
from router.store.keyspace import Keyspace
from tests.support.waiting import wait_until

LI, WEI = "+8613800138000", "+8613800138001"
BUDGET_MS = 3_000  # a stalled CRM costs a test less; one that answers is heard on a busy machine too
STALL_S = 60
KNOWN = {"customer_id": "c-1", "name": "Li Wei", "tier": "gold", "unheard_of": 1}


class FakeCrm:
    """Answers as it is told to: `status` and `body` after `delay`; or never, while `stall` is set."""

    def __init__(self) -> None:
        self.status, self.body, self.delay = 200, json.dumps(KNOWN).encode(), 0.0
        self.headers: dict[str, str] = {}
        self.asked: list[web.BaseRequest] = []
        self.open = self.most_open = 0
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.delay)
            return web.Response(status=self.status, body=self.body, headers=self.headers)
        finally:
            self.open -= 1


@pytest.fixture
async def fake():
    crm = FakeCrm()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", crm.handle)
    server = TestServer(app)
    await server.start_server()
    crm.url = str(server.make_url("/people/{phone}")).replace("%7B", "{").replace("%7D", "}")
    yield crm
    await server.close()


@pytest.fixture
def customers(channel, site):
    return Customers(Scripts(channel, Keyspace(site).root), "CN")


@pytest.fixture
async def make(fake, customers):
    """A directory whose plan names the fake CRM."""
    made = []

    def build(**plan) -> Directory:
        directory = Directory(customers)
        given = {"url": fake.url, "failures": 5, "rest": 60_000, "budget": BUDGET_MS} | plan
        directory._crm = Crm(CrmPlan(**given), customers)
        made.append(directory)
        return directory

    yield build
    for directory in made:
        await directory.close()


async def ask(directory: Directory, number: str = LI):
    """The look-up, in a time that a stall would pass."""
    started = time.perf_counter()
    found = await directory.look_up(identify(number, "CN"))
    assert time.perf_counter() - started < STALL_S / 2
    return found


async def settle(directory: Directory) -> None:
    """Until what the CRM said is kept."""
    assert directory._crm is not None
    await asyncio.gather(*directory._crm._keeping)


def facts(found):
    return found.source, [customer.name for customer in found.customers], found.missed


async def test_our_own_customer_is_known_without_asking(make, customers, fake):
    await customers.put(CustomerSeed(customer_id="c-9", name="Ours", phones=(LI,)))
    await customers.record_contact("c-9", Contact(1_000, "agent-7", "answered", "CA1"))
    found = await ask(make())
    assert facts(found) == ("directory", ["Ours"], ())
    assert found.candidate("c-9").last_agent(within_ms=500, now_ms=1_500) == "agent-7"
    assert found.candidate("c-9").last_agent(within_ms=500, now_ms=1_501) is None
    assert found.candidate("c-8") is None
    assert fake.asked == []


async def test_a_fast_crm_answers_itself(make, fake):
    found = await ask(make())
    assert facts(found) == ("crm", ["Li Wei"], ())
    assert found.customers[0].tier == "gold"
    assert found.customers[0].phones == (LI,)
    assert fake.asked[0].raw_path == "/people/%2B8613800138000"


async def test_nobody_known_is_an_answer_too(make, fake, caplog):
    for fake.status, fake.body in ((404, b"no"), (204, b""), (200, b"null")):
        directory = make()
        assert facts(await ask(directory)) == ("crm", [], ())
        assert not directory._crm.breaker.is_open
    assert caplog.records == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (401, b"{}"),
        (302, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"\xff"),
        (200, b"[" * 60_000),
        (200, b'{"name": "no id"}'),
        (200, b'{"customer_id": {"x": 1}}'),
        (200, b'{"customer_id": "c-1", "annual_value": "NaN"}'),
        (200, b'{"customer_id": "c-1", "phones": ["nonsense"]}'),
        (200, b'{"customer_id": "c-1", "unheard_of": "' + b"x" * 70_000 + b'"}'),
    ],
)
async def test_what_is_no_customer_is_no_answer(make, fake, status, body):
    fake.status, fake.body, fake.headers = status, body, {"Location": "/elsewhere"}
    directory = make(failures=1)
    assert facts(await ask(directory)) == ("default", [], ("crm",))
    assert directory._crm.breaker.is_open
    assert len(fake.asked) == 1


async def test_a_body_without_end_is_left(make, fake):
    fake.body = b"x" * 50_000_000
    assert facts(await ask(make())) == ("default", [], ("crm",))


async def test_the_kept_answer_stands_in(make, fake):
    directory = make()
    await ask(directory)
    await settle(directory)
    fake.status = 500
    assert facts(await ask(directory)) == ("cache", ["Li Wei"], ("crm",))
    assert facts(await ask(directory, WEI)) == ("default", [], ("crm",))


async def test_kept_nobody_stands_in_as_nobody(make, fake):
    fake.status = 404
    directory = make()
    await ask(directory)
    await settle(directory)
    fake.status = 500
    assert facts(await ask(directory)) == ("cache", [], ("crm",))


async def test_a_kept_answer_has_its_time(make, fake, customers):
    directory = make(keep=50)
    await ask(directory)
    await settle(directory)
    fake.status = 500
    while (await customers.find(LI)).answer:
        await asyncio.sleep(0.01)
    assert facts(await ask(directory)) == ("default", [], ("crm",))


async def test_a_slow_answer_is_too_late_for_this_call_and_kept_for_the_next(make, fake, customers):
    fake.delay = 1.4
    directory = make(budget=800)
    assert facts(await ask(directory)) == ("default", [], ("crm",))
    while not (await customers.find(LI)).answer:
        await asyncio.sleep(0.01)
    fake.delay, fake.status = 0, 500
    assert facts(await ask(directory)) == ("cache", ["Li Wei"], ("crm",))


async def test_a_crm_that_is_gone(make, fake, unused_tcp_port):
    found = await ask(make(url=f"http://127.0.0.1:{unused_tcp_port}/{{phone}}"))
    assert facts(found) == ("default", [], ("crm",))
    assert found.elapsed_ms < BUDGET_MS


async def test_after_failures_in_a_row_nobody_waits_for_it_any_more(make, fake):
    fake.delay = STALL_S
    directory = make(failures=3, budget=300)
    for place in range(3):
        await ask(directory, f"+861380013{place:04}")
    await wait_until(lambda: directory._crm.breaker.is_open)  # the look-up may be given up a moment before the question
    for place in range(20):
        await ask(directory, f"+861380014{place:04}")
    assert len(fake.asked) == 3


async def test_after_its_rest_one_question_decides(make, fake):
    fake.status, now = 500, [0.0]
    directory = make()
    directory._crm.breaker = Breaker(1, 0.1, lambda: now[0])
    await ask(directory)
    fake.status = 200
    assert facts(await ask(directory))[0] == "default"
    now[0] = 0.11
    assert facts(await ask(directory))[0] == "crm"
    assert facts(await ask(directory, WEI))[0] == "crm"


async def test_a_stalled_crm_piles_nothing_up(make, fake):
    fake.delay = STALL_S
    directory = make(failures=1_000, at_once=4)
    found = await asyncio.gather(*(ask(directory, f"+861380013{place:04}") for place in range(200)))
    assert Counter(one.source for one in found) == {"default": 200}
    assert fake.most_open == 4


async def test_one_question_a_number_however_many_ask(make, fake):
    fake.delay = 0.1
    found = await asyncio.gather(*(ask(make_one) for make_one in [make()] * 50))
    assert {one.source for one in found} == {"crm"}
    assert len(fake.asked) == 1


async def test_a_caller_who_leaves_takes_nobody_elses_answer_along(make, fake):
    fake.delay = 0.1
    directory = make()
    first, second = (asyncio.create_task(ask(directory)) for _ in range(2))
    while not fake.asked:
        await asyncio.sleep(0.001)
    first.cancel()
    assert (await second).source == "crm"


async def test_only_what_a_telephone_sends_is_asked_for(make, fake):
    directory = make()
    for raw in ("anonymous", "free text", "sip:joe@pbx.example", "client:joe", None):
        assert facts(await directory.look_up(identify(raw, "CN"))) == ("default", [], ())
    assert fake.asked == []


async def test_the_secret_goes_into_its_header(fake, customers):
    for header, sent in (("Authorization", "Bearer s3cret"), ("X-Api-Key", "s3cret")):
        crm = Crm(CrmPlan(url=fake.url, header=header), customers, "s3cret")
        await crm.ask(LI, 1)
        assert fake.asked[-1].headers[header] == sent
        await crm.close()


async def test_the_plan_brings_and_takes_its_crm(fake, customers, monkeypatch):
    sample_plan = read_plan(Path("config/plan.yaml").read_text()).site
    monkeypatch.setenv("CRM_KEY", "s3cret")
    directory = Directory(customers)
    crm = CrmPlan(url=fake.url, token={"env": "CRM_KEY"}, failures=1)
    directory.follow(sample_plan.model_copy(update={"crm": crm, "region": "CN"}))
    assert (await ask(directory)).source == "crm"
    assert fake.asked[0].headers["Authorization"] == "Bearer s3cret"
    kept = directory._crm
    directory.follow(sample_plan.model_copy(update={"crm": crm, "region": "GB"}))
    assert directory._crm is kept
    assert customers.region == "GB"
    directory.follow(sample_plan.model_copy(update={"crm": None}))
    assert (await ask(directory, WEI)).source == "default"
    await directory.close()


async def test_a_server_that_does_not_answer_costs_the_budget_only(channel, customers, make, fake):
    directory = make(budget=300)
    await ask(directory)
    await channel.call("CLIENT", "PAUSE", 2_000, "ALL")
    started = time.perf_counter()
    found = await directory.look_up(identify(LI, "CN"))
    assert time.perf_counter() - started < 1.9
    assert found.missed[0] == "directory"
    await channel.call("CLIENT", "UNPAUSE")


async def test_a_broken_record_costs_nobody_the_call(channel, site, customers, make):
    await customers.put(CustomerSeed(customer_id="c-1", name="Broken", phones=(LI,)))
    await customers.put(CustomerSeed(customer_id="c-2", name="Whole", phones=(LI,)))
    for key in await channel.call("KEYS", f"{Keyspace(site).root}:u:*"):
        if await channel.call("HEXISTS", key, "c-1"):
            await channel.call("HSET", key, "c-1", "{")
    assert facts(await ask(make())) == ("directory", ["Whole"], ())


def test_fields_are_found_where_the_plan_says():
    answer = {"data": {"id": 1001, "level": "gold", "company": {"no": 7, "title": "Acme"}, "tags": []}, "value": 12.5}
    fields = {
        "customer_id": "data.id", "tier": "data.level", "account.account_id": "data.company.no",
        "account.name": "data.company.title", "annual_value": "value", "owner": "data.nobody.id", "tags": "data.tags",
    }  # fmt: skip
    assert read_fields(answer, fields) == {
        "customer_id": "1001", "tier": "gold", "account": {"account_id": "7", "name": "Acme"}, "annual_value": 12.5,
    }  # fmt: skip
    with pytest.raises(ValueError):
        read_fields([], fields)


async def test_after_closing_nothing_runs_on(fake, customers):
    fake.delay = 10
    crm = Crm(CrmPlan(url=fake.url), customers)
    with pytest.raises(Unanswered):
        await crm.ask(LI, 0.05)
    started = time.perf_counter()
    await crm.close()
    assert time.perf_counter() - started < 1
    assert crm._flights == {}
