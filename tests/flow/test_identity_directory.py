"""Customer numbers, PINs and who called lately, in a real server: what is kept, what is counted, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.models import SitePlan
from config.people import CustomerLine, CustomerSeed
from router.directory import pins
from router.directory.contacts import Contact
from router.directory.customers import Customers
from router.directory.errors import InvalidCustomer
from router.directory.importing import import_customers
from router.directory.lookup import Directory
from router.directory.meeting import Meeting
from router.directory.phones import WITHHELD, CallerIdentity
from router.directory.proving import Claim, Locked, prove
from router.directory.scripts import Scripts
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from tests.support.plans import site as plan_with

LI, WEI = CallerIdentity("number", "+8613800138000"), CallerIdentity("number", "+8613800138001")
NUMBER, PIN = "40071", "284651"
PLAN = plan_with(identification={"lock": "10s"})


@pytest.fixture
def root(site: str) -> str:
    return Keyspace(site).root


@pytest.fixture
def customers(channel: Channel, root: str, monkeypatch: pytest.MonkeyPatch) -> Customers:
    monkeypatch.setattr(pins, "LOG_N", 4)  # the hash is kept with its own cost; here it need not be dear
    return Customers(Scripts(channel, root), "CN")


def seed(customer_id: str = "c-1", **fields: Any) -> CustomerSeed:
    return CustomerSeed.model_validate({"customer_id": customer_id, **fields})


async def with_pin(customers: Customers, customer_id: str = "c-1", number: str = NUMBER, **fields: Any) -> None:
    await customers.put(seed(customer_id, number=number, name="Li Wei", **fields), pin=PIN)


async def tries(
    customers: Customers,
    pin: str,
    number: str = NUMBER,
    caller: CallerIdentity = LI,
    plan: SitePlan = PLAN,
    **more: Any,
) -> str:
    """`right`, `wrong` or `locked`."""
    try:
        found = await prove(customers, Claim("n1", caller, number, **more), pin, plan)
    except Locked:
        return "locked"
    return "right" if found else "wrong"


async def keys_of(channel: Channel, root: str) -> dict[bytes, bytes]:
    found = {key: await channel.call("DUMP", key) for key in await channel.call("KEYS", f"{root}:*")}
    return dict(sorted(found.items()))


# ---------------------------------------------------------------- customer numbers


async def test_a_customer_number_leads_to_one_customer_and_no_other_may_have_it(customers: Customers) -> None:
    await with_pin(customers)
    with pytest.raises(InvalidCustomer, match="/number: another customer has this number"):
        await customers.put(seed("c-2", number=NUMBER))
    assert (await customers.put(seed("c-1", number="40072")))[0] == "updated"
    assert (await customers.put(seed("c-2", number=NUMBER)))[0] == "created"
    assert await tries(customers, PIN) == "wrong"  # it is c-2's now, who has no PIN
    assert await tries(customers, PIN, "40072") == "right"


async def test_a_caller_who_sends_a_customer_number_as_their_telephone_number_is_not_found(
    customers: Customers,
) -> None:
    await with_pin(customers)
    assert (await customers.find(NUMBER)).customers == ()


async def test_lines_of_an_import_bring_numbers_and_pins_and_a_number_taken_is_a_bad_line(customers: Customers) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"customer_id,number,pin\nc-1,40071,284651\nc-2,40072,\nc-3,40071,1111\nc-4,,12\n"

    report = await import_customers(lines(), "csv", customers)
    assert (report.created, report.bad) == (2, 2)
    assert {bad.line: bad.reason for bad in report.bad_lines} == {
        4: "/number: another customer has this number",
        5: "/pin: a PIN is four to twelve digits",
    }
    assert await tries(customers, PIN) == "right"
    report = await import_customers(lines(), "csv", customers)
    assert (report.updated, report.unchanged, report.bad) == (1, 1, 2)


# ---------------------------------------------------------------- PINs


async def test_a_pin_is_kept_as_a_salted_hash_and_nowhere_else(
    customers: Customers, channel: Channel, root: str
) -> None:
    await with_pin(customers, phones=[LI.key])
    await with_pin(customers, "c-2", "40072")
    kept = await keys_of(channel, root)
    assert not any(PIN.encode() in key + value for key, value in kept.items())
    hashes = {(await channel.call("HVALS", key))[0] for key in kept if b":up:" in key}
    assert len(hashes) == 2
    assert "pin" not in (await customers.get("c-1")).body()


async def test_a_pin_left_out_stays_and_an_empty_one_is_none(customers: Customers) -> None:
    await with_pin(customers)
    await customers.put(seed(number=NUMBER, name="Another"))
    assert await tries(customers, PIN) == "right"
    await customers.put(seed(number=NUMBER, name="Another"), pin="")
    assert await tries(customers, PIN) == "wrong"


async def test_an_erased_customer_leaves_neither_number_nor_pin(
    customers: Customers, channel: Channel, root: str
) -> None:
    await with_pin(customers, phones=[LI.key])
    await customers.record_contact("c-1", Contact(1, "agent-7", "resolved", "n1"), LI.key)
    await customers.meet(LI.key, Meeting.of("n1", PLAN))
    assert await tries(customers, "0000") == "wrong"
    await customers.erase("c-1")
    of_the_number = (b":vc:", b":pl:f:", b":pl:w:")
    assert [key for key in await keys_of(channel, root) if not any(part in key for part in of_the_number)] == []


async def test_the_real_hash_is_slow_and_off_the_event_loop() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    counting = asyncio.create_task(count())
    kept = await pins.hash_of(PIN)
    assert await pins.fits(PIN, kept)
    assert not await pins.fits("284652", kept)
    assert not await pins.fits(PIN, "")
    counting.cancel()
    assert kept.startswith("scrypt:14:8:5:")
    assert turns > 20


# ---------------------------------------------------------------- tries and locks


async def test_three_wrong_tries_lock_the_customer_for_everybody_and_the_caller_for_everything(
    customers: Customers,
) -> None:
    await with_pin(customers)
    await with_pin(customers, "c-2", "40072")
    assert [await tries(customers, "0000") for _ in range(4)] == ["wrong", "wrong", "wrong", "locked"]
    assert await tries(customers, PIN, caller=WEI) == "locked"
    assert await tries(customers, PIN, "40072") == "locked"
    assert await tries(customers, PIN, "40072", caller=WEI) == "right"


async def test_a_number_nobody_has_is_counted_and_locked_like_any_other(customers: Customers) -> None:
    await with_pin(customers)
    told = {number: [await tries(customers, "0000", number, caller) for _ in range(4)] for number, caller in
            ((NUMBER, LI), ("99999", WEI))}  # fmt: skip
    assert told[NUMBER] == told["99999"] == ["wrong", "wrong", "wrong", "locked"]
    other = CallerIdentity("number", "+8613800138002")
    assert await tries(customers, PIN, "99999", other) == "locked"


async def test_many_tries_at_once_are_no_more_than_one_after_another(customers: Customers) -> None:
    await with_pin(customers)
    told = await asyncio.gather(*(tries(customers, f"{n:04}", caller=WITHHELD) for n in range(20)))
    assert sorted(told) == ["locked"] * 17 + ["wrong"] * 3


async def test_a_right_pin_forgives_the_customer_and_not_the_caller(customers: Customers) -> None:
    await with_pin(customers)
    await with_pin(customers, "c-2", "40072")
    assert [await tries(customers, "0000") for _ in range(2)] == ["wrong", "wrong"]
    assert [await tries(customers, PIN, "40072") for _ in range(3)] == ["right", "right", "right"]
    assert await tries(customers, "0000") == "wrong"
    assert await tries(customers, PIN, "40072") == "locked"


async def test_each_lock_is_twice_as_long_as_the_last_and_all_of_it_frees_itself(
    customers: Customers, channel: Channel, root: str
) -> None:
    await with_pin(customers)
    key = f"{root}:pl:c:c-1"
    lasted = []
    for _ in range(4):
        for _ in range(3):
            await tries(
                customers, "0000", caller=WITHHELD, plan=plan_with(identification={"lock_max": "30s", "lock": "10s"})
            )
        seconds, micro = await channel.call("TIME")
        until = int(await channel.call("HGET", key, "u"))
        lasted.append(round((until - int(seconds) * 1000 - int(micro) / 1000) / 1000))
        await channel.call("HSET", key, "u", 1)  # the time has passed
        await channel.call("DEL", f"{root}:pl:f:call:n1")
    assert lasted == [10, 20, 30, 30]
    assert all([await channel.call("PTTL", one) > 0 for one in await channel.call("KEYS", f"{root}:pl:*")])


async def test_callers_whose_numbers_nobody_vouches_for_are_counted_together(customers: Customers) -> None:
    await with_pin(customers)
    plan = plan_with(identification={"strangers": 5})
    made_up = [CallerIdentity("number", f"+86138001390{n:02}") for n in range(8)]
    told = [await tries(customers, "1234", f"5000{n}", caller, plan) for n, caller in enumerate(made_up)]
    assert told == ["wrong"] * 5 + ["locked"] * 3
    assert await tries(customers, PIN, caller=LI, plan=plan, vouched=True) == "right"


async def test_of_callers_counted_together_only_wrong_tries_stay_counted(customers: Customers) -> None:
    await with_pin(customers)
    plan = plan_with(identification={"strangers": 2})
    made_up = [CallerIdentity("number", f"+86138001390{n:02}") for n in range(6)]
    assert [await tries(customers, PIN, caller=caller, plan=plan) for caller in made_up] == ["right"] * 6


# ---------------------------------------------------------------- who called lately


async def recent_of(customers: Customers, call_id: str, plan: SitePlan, number: str = LI.key) -> tuple[int, int]:
    found = await customers.meet(number, Meeting.of(call_id, plan))
    return found.recent, found.others


async def test_calls_of_a_number_are_counted_once_each_and_no_further_than_needed(
    customers: Customers, channel: Channel, root: str
) -> None:
    plan = plan_with(velocity={"calls": 2, "window": "10s"}, limits={"calls": 3, "at_once": 50})
    told = [(await recent_of(customers, f"n{n}", plan))[0] for n in range(6)]
    assert told == [1, 2, 3, 4, 4, 4]
    assert [(await recent_of(customers, f"n{n}", plan))[0] for n in range(4)] == [1, 2, 3, 4]  # told of again
    key = f"{root}:vc:{LI.key}"
    assert (await channel.call("GET", key)).count(b";") == 3
    assert 0 < await channel.call("PTTL", key) <= 7_200_000
    await channel.call("SET", key, "n0 1;n1 1;n2 1;")  # long ago, and nothing is known of them any more
    assert await recent_of(customers, "n9", plan) == (1, 0)
    assert (await channel.call("GET", key)).count(b";") == 1


async def test_calls_that_stand_are_counted_where_there_may_be_too_many(
    customers: Customers, channel: Channel, root: str
) -> None:
    plan = plan_with(limits={"at_once": 2})
    for call_id in ("n1", "n2"):
        assert (await recent_of(customers, call_id, plan))[1] < 2
        await channel.call("HSET", f"{root}:c:{call_id}", "st", "w")
    assert (await recent_of(customers, "n3", plan))[1] == 2
    assert (await recent_of(customers, "n1", plan))[1] == 0  # told of again
    await channel.call("HSET", f"{root}:c:n1", "st", "e")
    assert (await recent_of(customers, "n4", plan))[1] == 1
    assert (await recent_of(customers, "n5", plan))[1] == 2  # n4 is on its way in
    assert (await recent_of(customers, "n6", plan))[0] == 4  # n1, n2, n4 before it: those refused leave nothing


async def test_a_call_that_stands_is_counted_longer_than_the_window(
    customers: Customers, channel: Channel, root: str
) -> None:
    plan = plan_with(limits={"at_once": 2}, velocity={"window": "10s"})
    key = f"{root}:vc:{LI.key}"
    await channel.call("SET", key, "n1 1;n2 1;gone 1;- 1;")
    for call_id, state in (("n1", "w"), ("n2", "e")):
        await channel.call("HSET", f"{root}:c:{call_id}", "st", state)
    assert await recent_of(customers, "n3", plan) == (1, 1)
    assert (await channel.call("GET", key)).startswith(b"n1 1;n3 ")
    assert await recent_of(customers, "n4", plan) == (2, 2)


async def test_from_how_many_numbers_a_customer_called(customers: Customers) -> None:
    plan = plan_with(velocity={"numbers": 2})
    await customers.put(seed(phones=[LI.key, WEI.key, "+8613800138002"]))
    told = []
    for place, number in enumerate((LI.key, LI.key, WEI.key, "+8613800138002")):
        looked_up = await Directory(customers).look_up(CallerIdentity("number", number), Meeting.of(f"n{place}", plan))
        caller = looked_up.caller(plan)
        told.append(caller.numbers if caller else None)
    assert told == [1, 1, 2, 2]


async def test_a_talk_completed_from_a_number_is_remembered_until_the_number_is_another_s(customers: Customers) -> None:
    await customers.put(seed(phones=[LI.key, WEI.key]))

    plan = plan_with(trust={"reached_before": "partial"})

    async def reached(number: str) -> list[bool]:
        return [one.reached for one in (await customers.meet(number, Meeting.of("n1", plan))).customers]

    await customers.record_contact("c-1", Contact(1, "", "abandoned", "n0"))
    await customers.record_contact("c-1", Contact(2, "agent-7", "resolved", "n1"), LI.key)
    await customers.record_contact("c-1", Contact(3, "agent-7", "resolved", "n2"), "+8613800138009")  # not hers
    assert (await reached(LI.key), await reached(WEI.key)) == ([True], [False])
    await customers.put(seed(phones=[WEI.key]))
    await customers.put(seed(phones=[LI.key, WEI.key]))
    assert await reached(LI.key) == [False]


def test_a_line_of_an_import_shows_its_pin_nowhere() -> None:
    line = CustomerLine.model_validate({"customer_id": "c-1", "pin": PIN})
    assert PIN not in repr(line) + line.model_dump_json() + str(line.model_dump())
