"""Customers in a real server: found by any number, edited by several at once, erased without a trace."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import pytest

from config.people import CustomerSeed
from router.directory.contacts import Contact
from router.directory.customers import ABSENT, Customers
from router.directory.errors import InvalidCustomer, StaleCustomer, UnknownCustomer
from router.directory.scripts import Scripts, script
from router.store.keyspace import Keyspace

LI, WEI, ANN = "+8613800138000", "+8613800138001", "+8613800138002"


@pytest.fixture
def root(site):
    return Keyspace(site).root


@pytest.fixture
def customers(channel, root):
    return Customers(Scripts(channel, root), "CN")


def seed(customer_id="c-1", *phones, **fields) -> CustomerSeed:
    return CustomerSeed.model_validate({"customer_id": customer_id, "phones": phones, **fields})


async def ids_of(customers, number):
    return [stored.customer.customer_id for stored in (await customers.find(number)).customers]


async def commands_served(channel):
    """What the server was asked, what scripts asked of it left out."""
    stats = (await channel.call("INFO", "commandstats")).decode()
    return sum(int(calls) for calls in re.findall(r"cmdstat_(?:evalsha|eval|info):calls=(\d+)", stats))


async def keys_of(channel, root):
    return [key async for key in _scan(channel, root)]


async def _scan(channel, root):
    cursor = b"0"
    while True:
        cursor, keys = await channel.call("SCAN", cursor, "MATCH", f"{root}:*", "COUNT", 1000)
        for key in keys:
            yield key.decode()
        if cursor == b"0":
            return


async def test_a_customer_is_found_by_any_number_in_any_spelling(customers):
    outcome, stored = await customers.put(seed("c-1", "138 0013 8000", WEI, name="Li Wei"))
    assert outcome == "created"
    for number in (LI, WEI):
        found = await customers.find(number)
        assert found.customers == (stored,)
        assert found.many == 1
    assert (await customers.get("c-1")).customer.phones == (LI, WEI)
    assert (await customers.find(ANN)).customers == ()


async def test_put_again_changes_nothing_and_another_content_does(customers):
    first = await customers.put(seed("c-1", LI, name="Li"))
    assert await customers.put(seed("c-1", LI, name="Li")) == ("unchanged", first[1])
    outcome, second = await customers.put(seed("c-1", LI, name="Wei"))
    assert outcome == "updated"
    assert second.version != first[1].version


async def test_a_number_taken_away_leads_nowhere(customers):
    await customers.put(seed("c-1", LI, WEI))
    await customers.put(seed("c-1", WEI, ANN))
    assert [await ids_of(customers, number) for number in (LI, WEI, ANN)] == [[], ["c-1"], ["c-1"]]


async def test_several_customers_share_a_number(customers):
    for customer_id in ("c-1", "c-2", "c-10"):
        await customers.put(seed(customer_id, LI))
    assert await ids_of(customers, LI) == ["c-1", "c-2", "c-10"]
    await customers.put(seed("c-1"))
    assert await ids_of(customers, LI) == ["c-2", "c-10"]
    await customers.erase("c-10")
    assert await ids_of(customers, LI) == ["c-2"]


async def test_a_switchboard_shows_the_first_and_counts_all(customers):
    await customers.put_many([seed(f"c-{place:03}", LI) for place in range(120)])
    found = await customers.find(LI)
    assert (len(found.customers), found.many) == (100, 120)
    assert (await customers.find(LI, 5)).many == 120


async def test_unknown_is_said(customers):
    with pytest.raises(UnknownCustomer):
        await customers.get("c-1")
    with pytest.raises(UnknownCustomer):
        await customers.erase("c-1")
    with pytest.raises(UnknownCustomer):
        await customers.patch("c-1", {})


async def test_a_refused_edit_changes_nothing(customers):
    _, stored = await customers.put(seed("c-1", LI, name="Li"))
    edits = [
        customers.put(seed("c-1", WEI), expected=ABSENT),
        customers.put(seed("c-1", WEI), expected="0" * 40),
        customers.put(seed("c-2", WEI), expected=stored.version),
        customers.patch("c-1", {"phones": [WEI]}, expected="0" * 40),
        customers.erase("c-1", expected="0" * 40),
    ]
    for edit in edits:
        with pytest.raises(StaleCustomer):
            await edit
    with pytest.raises(InvalidCustomer):
        await customers.put(seed("c-1", WEI, "hello"))
    with pytest.raises(InvalidCustomer):
        await customers.patch("c-1", {"phones": [f"+86138001{place:05}" for place in range(10_000)]})
    with pytest.raises(InvalidCustomer):
        await customers.patch("c-1", {"colour": "red"})
    with pytest.raises(InvalidCustomer):
        await customers.patch("c-1", {"customer_id": "c-2"})
    with pytest.raises(InvalidCustomer):
        await customers.patch("c-1", [])
    assert await customers.get("c-1") == stored
    assert await ids_of(customers, WEI) == []


async def test_the_pointer_of_too_many_phones(customers):
    await customers.put(seed("c-1"))
    with pytest.raises(InvalidCustomer) as refused:
        await customers.patch("c-1", {"phones": [f"+86138001{place:05}" for place in range(10_000)]})
    assert [fault.pointer for fault in refused.value.faults] == ["/phones"]


async def test_the_same_guarded_edit_twice_gets_the_same_answer(customers):
    """Its first reply may have been lost on the way."""
    created = await customers.put(seed("c-1", LI), expected=ABSENT)
    assert (await customers.put(seed("c-1", LI), expected=ABSENT))[1] == created[1]
    version = created[1].version
    edited = await customers.put(seed("c-1", WEI), expected=version)
    assert (await customers.put(seed("c-1", WEI), expected=version))[1] == edited[1]


async def test_of_many_writers_with_the_same_version_one_wins(customers):
    _, stored = await customers.put(seed("c-1", LI))

    async def edit(place: int) -> str:
        try:
            await customers.patch("c-1", {"name": f"writer {place}"}, expected=stored.version)
        except StaleCustomer:
            return "stale"
        return "won"

    assert Counter(await asyncio.gather(*map(edit, range(50)))) == {"won": 1, "stale": 49}


async def test_edits_without_a_version_are_all_kept(customers):
    await customers.put(seed("c-1", LI))
    members = ("name", "title", "owner", "language", "notes")
    await asyncio.gather(*(customers.patch("c-1", {member: "en"}) for member in members))
    body = (await customers.get("c-1")).body()
    assert [body[member] for member in members] == ["en"] * 5
    await asyncio.gather(*(customers.patch("c-1", {"notes": f"writer {n}"}) for n in range(30)))


async def test_a_patch_replaces_removes_and_keeps(customers):
    await customers.put(seed("c-1", LI, WEI, name="Li", tier="gold", account={"account_id": "a", "name": "A"}))
    stored = await customers.patch("c-1", {"phones": [ANN], "tier": None, "account": {"name": "B"}})
    assert stored.body() | {} == (await customers.get("c-1")).body()
    customer = stored.customer
    assert (customer.name, customer.tier, customer.phones) == ("Li", None, (ANN,))
    assert customer.account is not None
    assert (customer.account.account_id, customer.account.name) == ("a", "B")
    assert await ids_of(customers, LI) == []


async def test_a_patch_is_checked_against_the_plan(customers):
    await customers.put(seed("c-1"))

    def refuse(_: CustomerSeed) -> None:
        raise UnknownCustomer

    with pytest.raises(UnknownCustomer):
        await customers.patch("c-1", {"tier": "gold"}, check=refuse)
    assert (await customers.get("c-1")).customer.tier is None


async def test_erasing_leaves_no_trace(customers, channel, root):
    await customers.put(seed("c-1", LI, WEI))
    await customers.keep_answer(LI, b"null", 1000)
    await customers.record_contact("c-1", Contact(10, "agent-7", "answered", "CA1"))
    erased = await customers.erase("c-1")
    assert set(erased.numbers) == {LI, WEI}
    assert erased.call_ids == ("CA1",)
    assert await keys_of(channel, root) == []
    assert not await customers.record_contact("c-1", Contact(20, "agent-7", "answered", "CA2"))
    assert await keys_of(channel, root) == []


async def test_contacts_come_with_the_customer_newest_first(customers):
    await customers.put(seed("c-1", LI))
    for place in (3, 1, 2, 3, *range(4, 15)):
        assert await customers.record_contact("c-1", Contact(place * 10, f"agent-{place}", "answered", f"CA:{place}"))
    [stored] = (await customers.find(LI)).customers
    assert [contact.at for contact in stored.contacts] == [place * 10 for place in range(14, 4, -1)]
    assert (await customers.get("c-1")).contacts == stored.contacts


async def test_a_contact_that_went_on_is_replaced_in_place(customers):
    await customers.put(seed("c-1", LI))
    await customers.record_contact("c-1", Contact(10, "", "abandoned", "CA:1"))
    await customers.record_contact("c-1", Contact(10, "", "recalled", "CA:1"))
    assert (await customers.get("c-1")).contacts == (Contact(10, "", "recalled", "CA:1"),)


async def test_every_customer_is_listed_once_page_by_page(customers):
    await customers.put_many([seed(f"c-{place:04}") for place in range(1_000)])
    listed, cursor = [], ""
    while cursor is not None:
        page = await customers.page(90, cursor)
        assert len(page.customers) <= 90
        listed += [stored.customer.customer_id for stored in page.customers]
        cursor = page.cursor
        await customers.put(seed(f"d-{len(listed)}"))
        await customers.erase(listed[0]) if len(listed) == 90 else None
    assert [name for name, times in Counter(listed).items() if times > 1] == []
    assert {f"c-{place:04}" for place in range(1_000)} <= set(listed)


async def test_the_list_of_nobody_is_empty(customers):
    page = await customers.page(10)
    assert (page.customers, page.cursor) == ((), None)
    for cursor in ("x", "-1:", "99999:", ":"):
        with pytest.raises(ValueError):
            await customers.page(10, cursor)


async def test_a_look_up_is_one_round_trip(customers, channel):
    await customers.put_many([seed(f"c-{place}", LI) for place in range(3)])
    await customers.record_contact("c-1", Contact(10, "agent-7", "answered", "CA1"))
    await customers.find(LI)
    before = await commands_served(channel)
    await customers.find(LI)
    assert await commands_served(channel) - before == 2  # the script, and the question how many


async def test_a_server_that_forgot_the_scripts_is_told_again(customers, channel):
    await customers.put(seed("c-1", LI))
    await channel.call("SCRIPT", "FLUSH")
    assert await ids_of(customers, LI) == ["c-1"]
    await channel.call("SCRIPT", "FLUSH")
    assert [await customers.put_many([seed("c-1", LI), seed("c-2", LI)])] == [["unchanged", "created"]]


async def test_the_index_is_exact_whatever_the_order_of_edits(customers, channel, root):
    numbers = [f"+86138001380{place:02}" for place in range(6)]
    edits = [
        seed(f"c-{who}", *numbers[start : start + size]) for who in range(4) for start in range(4) for size in (0, 1, 3)
    ]
    await asyncio.gather(*(customers.put(edit) for edit in edits[::-1] + edits))
    expected: dict[str, set[str]] = {number: set() for number in numbers}
    for who in range(4):
        for number in (await customers.get(f"c-{who}")).customer.phones:
            expected[number].add(f"c-{who}")
    assert {number: set(await ids_of(customers, number)) for number in numbers} == expected
    for who in range(4):
        await customers.erase(f"c-{who}")
    assert await keys_of(channel, root) == []


@pytest.mark.parametrize(
    "name",
    [
        "put_customer", "erase_customer", "find_customers", "read_customer", "list_customers", "record_contact",
        "keep_answer", "find_owner", "meet_caller", "try_pin", "settle_pin",
    ],
)  # fmt: skip
async def test_every_word_a_script_may_return_is_in_its_header(name, channel, root):
    """The loader has checked the header against the body; this checks that the server takes the body."""
    one = script(name)
    reply = await channel.call("EVAL", one.body, 1, root, *("1" for _ in one.arguments))
    assert reply[0].decode() in one.returns
