"""A file of customers into a real server: counted, resumable, and no worse for one broken line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from config.people import CustomerSeed
from router.directory import importing
from router.directory.customers import Customers
from router.directory.errors import Fault, FileTooLarge, InvalidCustomer, UnreadableFile
from router.directory.importing import BadLine, ImportReport, import_customers
from router.directory.scripts import Scripts
from router.store.channel import Channel, ServerError
from router.store.keyspace import Keyspace


@pytest.fixture
def customers(channel, site):
    return Customers(Scripts(channel, Keyspace(site).root), "CN")


async def pieces(text: str, size: int = 1_000) -> AsyncIterator[bytes]:
    data = text.encode()
    for at in range(0, len(data), size):
        yield data[at : at + size]


def csv_of(many: int, name: str = "Sample") -> str:
    lines = [f"c-{place:05},{name} {place},1380013{place:04}" for place in range(many)]
    return "\n".join(["customer_id,name,phones", *lines, ""])


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.bad


async def test_csv_and_json_lines_make_the_same_customers(customers):
    await import_customers(pieces(csv_of(50)), "csv", customers)
    lines = [
        json.dumps({"customer_id": f"c-{place:05}", "name": f"Sample {place}", "phones": [f"+861380013{place:04}"]})
        for place in range(50)
    ]
    report = await import_customers(pieces("\n".join(lines)), "ndjson", customers)
    assert counts(report) == (0, 0, 50, 0)
    [found] = (await customers.find("+8613800130007")).customers
    assert found.customer.customer_id == "c-00007"


@pytest.mark.parametrize("size", [1, 17, 100_000])
async def test_the_pieces_the_stream_comes_in_do_not_matter(customers, size):
    assert counts(await import_customers(pieces(csv_of(100), size), "csv", customers)) == (100, 0, 0, 0)


async def test_the_same_file_again_changes_nothing_and_an_edited_one_what_it_edits(customers):
    assert counts(await import_customers(pieces(csv_of(300)), "csv", customers)) == (300, 0, 0, 0)
    assert counts(await import_customers(pieces(csv_of(300)), "csv", customers)) == (0, 0, 300, 0)
    edited = csv_of(300).replace("Sample 77,", "Sample 7700,")
    assert counts(await import_customers(pieces(edited), "csv", customers)) == (0, 1, 299, 0)


async def test_good_lines_around_broken_ones_are_kept(customers):
    def gold_is_no_tier(seed: CustomerSeed) -> None:
        if seed.tier == "gold":
            raise InvalidCustomer([Fault("/tier", "the plan has no such tier")])

    text = (
        "customer_id,name,phones,tier\n"
        "c-1,a,13800130001,\n"
        "c-2,b,nonsense,\n"
        'c-3,"open,13800130003,\n'
        "c-4,d,13800130004,gold\n"
        f"c-5,{'x' * 70_000},,\n"
        "c-6,f,13800130006;anonymous,\n"
        "c-7,g,13800130007,"
    )
    report = await import_customers(pieces(text), "csv", customers, check=gold_is_no_tier)
    assert counts(report) == (2, 0, 0, 5)
    assert report.bad_lines == [
        BadLine(3, "/phones/0: no telephone number, short code, sip: or client: address"),
        BadLine(4, "a quote is never closed"),
        BadLine(5, "/tier: the plan has no such tier"),
        BadLine(6, "longer than 64 KiB"),
        BadLine(7, "/phones/1: no telephone number, short code, sip: or client: address"),
    ]
    page = await customers.page(10)
    assert {stored.customer.customer_id for stored in page.customers} == {"c-1", "c-7"}
    assert report.body()["bad_lines"][0]["line"] == 3


async def test_only_the_first_hundred_bad_lines_are_named_but_all_are_counted(customers):
    report = await import_customers(pieces("customer_id\n" + "c 1\n" * 250), "csv", customers)
    assert (report.bad, len(report.bad_lines), report.bad_lines[-1].line) == (250, 100, 101)


async def test_the_last_line_of_a_customer_counts(customers):
    text = "customer_id,name\n" + "".join(f"c-1,{place}\n" for place in range(500))
    report = await import_customers(pieces(text), "csv", customers)
    assert counts(report) == (1, 499, 0, 0)
    assert (await customers.get("c-1")).customer.name == "499"


async def test_an_unreadable_header_changes_nothing(customers):
    with pytest.raises(UnreadableFile, match="customer_id"):
        await import_customers(pieces("nmae,phones\nx,1\n"), "csv", customers)
    assert (await customers.page(1)).customers == ()


async def test_past_the_limit_it_stops_and_keeps_what_came_before(customers, monkeypatch):
    monkeypatch.setattr(importing, "MAX_BYTES", 5_000)
    report = ImportReport()
    with pytest.raises(FileTooLarge):
        await import_customers(pieces(csv_of(1_000)), "csv", customers, report=report)
    assert 100 < report.created < 250
    assert len((await customers.page(500)).customers) == report.created


async def test_progress_is_told_as_it_goes(customers):
    seen = []
    await import_customers(
        pieces(csv_of(2_000)), "csv", customers, progress=lambda report: seen.append((report.done, report.bytes_read))
    )
    assert seen == sorted(seen)
    assert len(seen) > 20
    assert 0 < seen[len(seen) // 2][0] < 2_000


async def test_what_waits_for_the_server_is_bounded(customers, channel):
    """The file is read no faster than the server takes it."""
    most = 0

    def watch(_: ImportReport) -> None:
        nonlocal most
        most = max(most, channel.pending)

    await channel.call("CLIENT", "PAUSE", 200, "ALL")
    await import_customers(pieces(csv_of(3_000)), "csv", customers, progress=watch)
    assert 0 < most <= importing._BATCH * importing._IN_FLIGHT


async def test_other_work_goes_on_meanwhile(customers):
    running = asyncio.create_task(import_customers(pieces(csv_of(3_000), 10**6), "csv", customers))
    looks = 0
    while not running.done():
        await customers.find("+8613800130007")
        looks += 1
    assert (await running).created == 3_000
    assert looks > 20


async def test_a_server_that_dies_meanwhile_only_holds_it_up(fresh_server):
    channel = await Channel.open(fresh_server.url)
    customers = Customers(Scripts(channel, Keyspace("main").root), "CN")
    fell = asyncio.Event()

    def fall(report: ImportReport) -> None:
        if report.done > 1_000 and not fell.is_set():
            fresh_server.stop()
            fell.set()

    running = asyncio.create_task(import_customers(pieces(csv_of(5_000)), "csv", customers, progress=fall))
    await fell.wait()
    fresh_server.start()
    report = await running
    assert report.created + report.unchanged == 5_000
    assert report.bad == 0
    assert (await customers.find("+8613800134999")).many == 1
    await channel.close()


async def test_a_server_that_refuses_writes_ends_the_import_with_its_words(fresh_server):
    channel = await Channel.open(fresh_server.url)
    await channel.call("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(ServerError, match="OOM"):
        await import_customers(pieces(csv_of(2_000)), "csv", Customers(Scripts(channel, Keyspace("main").root), "CN"))
    await channel.close()
