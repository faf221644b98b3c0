"""One person, one identity, however the carrier spells it; withheld callers before anything is parsed."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberFormat

from router.directory.phones import CallerIdentity, identify

WITHHELD = [
    None, "", "   ", "anonymous", "Anonymous", "UNKNOWN", "Restricted", "private", "blocked", "unavailable", "withheld",
    "asserted", "No Caller ID", "null", "none", "anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid",
    "sips:restricted@carrier.example", "tel:anonymous", "ａｎｏｎｙｍｏｕｓ",
    "266696687", "7378742833", "2562533", "8656696", "86282452253", "7748283",
    "+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+7748283", "sip:+8656696@carrier.example",
]  # fmt: skip


@pytest.mark.parametrize("raw", WITHHELD)
@pytest.mark.parametrize("region", ["US", "CN", None])
def test_a_withheld_caller_is_nobody(raw, region):
    assert identify(raw, region) == CallerIdentity("withheld", "")


@pytest.mark.parametrize(
    "raw",
    [
        "+8613800138000", "+86 138 0013 8000", "008613800138000", "13800138000", "(138) 0013-8000",
        "＋８６１３８００１３８０００", " +8613800138000\n", "sip:+8613800138000@pbx.example;transport=tcp",
        "sip:+8613800138000;phone-context=x@pbx.example", "sips:%2B8613800138000@pbx.example:5061",
        "sip:13800138000:secret@pbx.example?x=1", "sip:13800138000", "tel:+8613800138000;ext=12",
        "tel:+86-138-0013-8000", "+8613800138000,,123", "+8613800138000;ext=9",
    ],
)  # fmt: skip
def test_every_spelling_of_a_number_is_the_same_number(raw):
    assert identify(raw, "CN") == CallerIdentity("number", "+8613800138000")


@pytest.mark.parametrize(
    ("raw", "kind", "key"),
    [
        ("0571-88888888", "number", "+8657188888888"),
        ("client:Joey", "client", "client:joey"),
        ("sip:Joe@PBX.example;tag=1", "sip", "sip:joe@pbx.example"),
        ("sips:joe@pbx.example?x=1", "sip", "sip:joe@pbx.example"),
        ("sip:pbx.example;lr", "sip", "sip:pbx.example"),
        ("95588", "raw", "95588"),
        ("110", "raw", "110"),
        ("tel:110;phone-context=cn.example", "raw", "110"),
        ("sip:1001@pbx.example", "raw", "1001"),
        ("+999123456", "raw", "+999123456"),
        ("+464", "raw", "+464"),
        ("hello", "raw", "hello"),
        ("x" * 500, "raw", "x" * 128),
        ("+15005550006", "number", "+15005550006"),
    ],
)
def test_odd_callers_keep_what_they_are_known_by(raw, kind, key):
    assert identify(raw, "CN") == CallerIdentity(kind, key)


def test_without_a_region_only_international_numbers_are_numbers():
    assert identify("13800138000", None).kind == "raw"
    assert identify("+8613800138000", None).kind == "number"


def test_only_a_valid_number_may_be_called_back():
    assert identify("+8613800138000", "CN").valid
    assert not identify("+8613800", "CN").valid
    assert not identify("95588", "CN").valid
    assert not identify("client:joey", "CN").valid


def test_a_telephone_can_dial_short_codes_but_no_free_text():
    assert [identify(raw, "CN").dialled for raw in ("110", "+8613800138000", "*100#", "hello", "sip:joe@h", "")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_logs_see_a_hash_and_four_digits():
    shown = identify("+8613800138000", None).for_logs(b"secret")
    assert shown.endswith("…8000")
    assert "1380013" not in shown
    assert shown == identify("13800138000", "CN").for_logs(b"secret")
    assert shown != identify("+8613800138000", None).for_logs(b"other")
    assert identify("sip:joe@pbx.example", None).for_logs(b"secret").isalnum()
    assert identify("anonymous", None).for_logs(b"secret") == "withheld"


def by_the_library(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, None)
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


countries = st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
digits = st.text("0123456789", min_size=1, max_size=14)


@settings(max_examples=2_000, deadline=None)
@given(country=countries, national=digits)
def test_the_short_cut_for_international_numbers_says_what_the_library_says(country, national):
    text = f"+{country}{national}"
    identity = identify(text, "CN")
    if identity.known:
        assert (identity.key if identity.kind == "number" else None) == by_the_library(text)


def test_the_short_cut_holds_for_a_real_number_of_every_country():
    for region in phonenumbers.SUPPORTED_REGIONS:
        for number in filter(None, [phonenumbers.example_number_for_type(region, kind) for kind in range(11)]):
            text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            assert identify(text, "US").key == by_the_library(text)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40))
def test_whatever_a_carrier_sends_is_some_identity(raw):
    identity = identify(raw, "US")
    assert identity.known == bool(identity.key)
    assert len(identity.key) <= 128
