"""A customer's record: kept small, read tolerantly, merged as RFC 7386 says."""

from __future__ import annotations

import json

import pytest

from config.people import CustomerSeed
from router.directory.contacts import Contact, last_agent, unpack
from router.directory.errors import InvalidCustomer
from router.directory.record import Stored, customer_of, dump, merged, with_numbers
from router.domain.customer import Account, Customer

FULL = {
    "customer_id": "c-1", "name": "Li Wei", "title": "Ms", "phones": ["+8613800138000"],
    "number": "40071", "tier": "gold",
    "annual_value": 15200, "value_parts": {"average_ticket": 10, "purchases_per_year": 2},
    "account": {"account_id": "acme", "name": "Acme", "role": "buyer"}, "owner": "agent-7", "cover": ["agent-3"],
    "language": "zh-CN", "skills": ["loans"], "birthday": "1984-05-03", "notes": "n", "tags": ["t"],
}  # fmt: skip


def seed(**fields) -> CustomerSeed:
    return CustomerSeed.model_validate({"customer_id": "c-1", **fields})


def test_the_record_read_back_is_the_customer():
    one = CustomerSeed.model_validate(FULL)
    assert Stored(dump(one)).customer == one.customer("c-1")


def test_defaults_are_not_kept_but_shown():
    stored = Stored(dump(seed()))
    assert stored.raw == b'{"customer_id":"c-1"}'
    body = stored.body()
    assert set(body) == set(FULL)
    assert (body["phones"], body["tier"], body["name"]) == ([], None, "")


def test_a_field_of_a_later_release_is_left_out():
    customer = customer_of({"customer_id": "c-1", "colour": "red", "account": {"account_id": "a", "x": 1}})
    assert customer == Customer("c-1", account=Account("a"))


def test_equal_contents_are_equal_versions():
    assert Stored(dump(seed(name="x"))).version == Stored(dump(seed(name="x"))).version
    assert Stored(dump(seed(name="x"))).version != Stored(dump(seed(name="y"))).version


def test_numbers_are_spelled_as_a_callers_and_named_once():
    given = seed(phones=["138 0013 8000", "+8613800138000", "95588", "sip:Joe@pbx.example", "client:joe", "1001"])
    assert with_numbers(given, "CN").phones == (
        "+8613800138000", "95588", "sip:joe@pbx.example", "client:joe", "1001",
    )  # fmt: skip


@pytest.mark.parametrize("phone", ["hello", "anonymous", "+8656696", "sip:a b@host", "client:a b", "+999123456", "  "])
def test_what_no_caller_could_have_is_refused_by_its_place(phone):
    with pytest.raises(InvalidCustomer) as refused:
        with_numbers(seed(phones=["+8613800138000", phone]), "CN")
    assert [fault.pointer for fault in refused.value.faults] == ["/phones/1"]
    assert "hello" not in str(refused.value)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_in_its_rfc(target, patch, result):
    before = json.dumps(target)
    assert merged(target, patch) == result
    assert json.dumps(target) == before


def test_contacts_packed_and_read():
    contacts = (Contact(20, "", "abandoned", "CA:2"), Contact(10, "agent-7", "wants a | or\na line 好", "CA/1"))
    assert unpack("\n".join(contact.pack() for contact in contacts).encode()) == contacts
    assert unpack(b"") == unpack(None) == ()


def test_the_last_agent_within_the_window():
    contacts = (
        Contact(30, "", "abandoned", "CA:3"),
        Contact(20, "agent-7", "answered", "CA:2"),
        Contact(10, "agent-1", "answered", "CA:1"),
    )
    assert last_agent(contacts, 15) == "agent-7"
    assert last_agent(contacts, 20) == "agent-7"
    assert last_agent(contacts, 21) is None
    assert last_agent((), 0) is None
