"""Only Twilio gets in: golden vectors, the official library as a referee, and everything that must be refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from ivr.twilio.signature import (
    LEGACY,
    Secrets,
    Settings,
    bases_of,
    has_body_hash,
    is_signed,
    read_settings,
    signature_of,
)

TOKEN = b"12345"
PAIRS = [("CallSid", "CA1"), ("From", "+12025550123"), ("Digits", "")]
BASES = bases_of("https://calls.example.org")
TARGET = "/hooks/twilio/main/voice"


def signed(target: str = TARGET, secret: bytes = TOKEN, digest: str = "sha1") -> str:
    return signature_of(secret, BASES[0] + target, PAIRS, digest).decode()


def vectors(reference: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((reference / "signature_vectors.json").read_text())["twilio"]
    return found


def test_the_golden_vectors_verify(reference: Path):
    for vector in vectors(reference):
        pairs = [(name, value) for name, value in vector.get("params_list") or vector["params"].items()]
        settings = read_settings([f"algorithm={vector['algorithm']}"])
        assert settings is not None
        made = signature_of(vector["token"].encode(), vector["url"], pairs, settings.digest)
        assert made.decode() == vector["signature"], vector.get("note")


def test_repeated_blank_and_foreign_values_are_signed_as_they_came():
    pairs = [("Z", "汉"), ("A", "2"), ("A", "1"), ("A", "1"), ("Digits", ""), ("Speech", " lead ")]
    params: Any = MultiDict(pairs)
    url = "https://calls.example.org/v"
    assert signature_of(TOKEN, url, pairs).decode() == RequestValidator("12345").compute_signature(url, params)


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=30),
    st.sampled_from([("HMAC_SHA1", "sha1"), ("HMAC_SHA256", "sha256")]),
)
def test_whatever_the_fields_the_official_library_agrees(pairs: list[tuple[str, str]], algorithm: tuple[str, str]):
    params: Any = MultiDict(pairs)
    url = "https://calls.example.org/a%20b?x=%2F&e"
    theirs = RequestValidator("12345").compute_signature(url, params, algorithm[0])
    assert signature_of(TOKEN, url, pairs, algorithm[1]).decode() == theirs


@pytest.mark.parametrize(
    ("public_url", "bases"),
    [
        ("https://a.example", ("https://a.example", "https://a.example:443")),
        ("https://a.example:8443", ("https://a.example", "https://a.example:8443")),
        ("http://a.example:8080", ("http://a.example", "http://a.example:8080")),
        ("https://u:p@a.example/in/", ("https://a.example/in", "https://a.example:443/in")),
        ("http://[2001:db8::1]:8080", ("http://[2001:db8::1]", "http://[2001:db8::1]:8080")),
        ("https://[2001:db8::1]", ("https://[2001:db8::1]", "https://[2001:db8::1]:443")),
        ("ftp://a.example", ()),
        ("", ()),
    ],
)
def test_an_address_is_tried_with_its_port_and_without(public_url: str, bases: tuple[str, ...]):
    assert bases_of(public_url) == bases


@pytest.mark.parametrize("base", bases_of("https://calls.example.org:8443"))
def test_either_form_of_the_address_verifies(base: str):
    given = signature_of(TOKEN, base + TARGET, PAIRS).decode()
    assert is_signed(given, [TOKEN], bases_of("https://calls.example.org:8443"), TARGET, PAIRS)


def test_any_active_secret_verifies_and_none_verifies_nothing():
    assert is_signed(signed(), [b"old", TOKEN], BASES, TARGET, PAIRS)
    assert not is_signed(signed(), [b"old"], BASES, TARGET, PAIRS)
    assert not is_signed(signed(), [], BASES, TARGET, PAIRS)
    assert not is_signed("", [], BASES, TARGET, PAIRS)


@pytest.mark.parametrize(
    ("target", "pairs"),
    [
        ("/hooks/twilio/other/voice", PAIRS),
        (TARGET + "/", PAIRS),
        (TARGET + "?x=1", PAIRS),
        (TARGET, [*PAIRS, ("Digits", "1")]),
        (TARGET, PAIRS[:-1]),
        ("https://calls.example.org" + TARGET, PAIRS),
        ("", PAIRS),
    ],
)
def test_what_was_not_signed_is_refused(target: str, pairs: list[tuple[str, str]]):
    assert not is_signed(signed(), [TOKEN], BASES, target, pairs)


@pytest.mark.parametrize("given", ["", "=", "é", "\udcff", signed()[:-1], signed() + "=", signed().lower()])
def test_a_signature_that_is_almost_right_is_wrong(given: str):
    assert not is_signed(given, [TOKEN], BASES, TARGET, PAIRS)


@pytest.mark.parametrize(
    ("headers", "settings"),
    [
        ([], LEGACY),
        (["key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"], Settings("webhooks_sharedkey_1", "sha256")),
        (["key=k, algorithm=HMAC_SHA1"], Settings("k", "sha1")),
        (["key=k"], Settings("k", "sha1")),
        (["algorithm=HMAC_MD5"], None),
        (["key=k,algorithm=none"], None),
        (["key=,algorithm=HMAC_SHA256"], None),
        (["key=a,key=b,algorithm=HMAC_SHA256"], None),
        (["key=a,algorithm=HMAC_SHA256", "key=b,algorithm=HMAC_SHA256"], None),
        (["nonsense"], None),
        ([""], None),
    ],
)
def test_the_settings_header_is_understood_or_refused(headers: list[str], settings: Settings | None):
    assert read_settings(headers) == settings


def test_a_shared_key_replaces_the_token():
    secrets = Secrets("AC0", {"AC0": (b"token",)}, {"k1": b"shared"})
    assert secrets.fit(Settings("k1", "sha256"), "AC0") == (b"shared",)
    assert secrets.fit(Settings("k2", "sha256"), "AC0") == ()


def test_a_sub_account_signs_with_its_own_token_only():
    secrets = Secrets("AC0", {"AC0": (b"new", b"old"), "AC1": (b"sub",)}, {})
    assert secrets.fit(LEGACY, "AC0") == (b"new", b"old")
    assert secrets.fit(LEGACY, "") == (b"new", b"old")
    assert secrets.fit(LEGACY, "AC1") == (b"sub",)


def test_a_json_body_is_vouched_for_by_its_hash_in_the_address():
    body = b'{"a": "1"}'
    digest = hashlib.sha256(body).hexdigest()
    assert has_body_hash(f"{TARGET}?bodySHA256={digest}", body)
    assert not has_body_hash(f"{TARGET}?bodySHA256={digest}", body + b" ")
    assert not has_body_hash(f"{TARGET}?bodySHA256={digest}&bodySHA256={digest}", body)
    assert not has_body_hash(TARGET, body)
