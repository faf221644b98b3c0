"""How far the network vouches for a number: exact words, and only when they come once."""

from __future__ import annotations

import pytest

from config.models import TRUST
from router.directory.trust import trust_of_attestation, trust_of_header, trust_of_verstat


@pytest.mark.parametrize(
    ("values", "trust"),
    [
        (["TN-Validation-Passed-A"], "verified"),
        (["TN-Validation-Passed-B"], "partial"),
        (["TN-Validation-Passed-C"], "gateway"),
        (["TN-Validation-Passed-A-Diverted"], "partial"),
        (["TN-Validation-Passed-A-Passthrough"], "partial"),
        (["TN-Validation-Passed-B-Diverted"], "gateway"),
        (["TN-Validation-Failed"], "failed"),
        (["TN-Validation-Failed-A"], "failed"),
        (["TN-Validation-Failed-C-Passthrough"], "failed"),
        (["No-TN-Validation"], "none"),
        (["NULL"], "none"),
        ([], "none"),
        (["TN-Validation-Passed-A-Something-New"], "none"),
        (["tn-validation-passed-a"], "none"),
        (["TN-Validation-Passed-A", "TN-Validation-Passed-A"], "none"),
        (["TN-Validation-Passed-A", "TN-Validation-Failed"], "failed"),
        (["tn-validation-failed-a"], "failed"),
        (["TN-Validation-Failed>"], "failed"),
        (["TN-Validation-Failed-Something-New"], "failed"),
    ],
)
def test_the_carriers_word(values, trust):
    assert trust_of_verstat(values) == trust
    assert trust in TRUST


@pytest.mark.parametrize(
    ("level", "validated", "trust"),
    [
        ("A", True, "verified"),
        ("B", True, "partial"),
        ("C", True, "gateway"),
        ("A", False, "failed"),
        (None, False, "failed"),
        ("A", None, "none"),
        ("Z", True, "none"),
        (None, None, "none"),
    ],
)
def test_level_and_check_apart(level, validated, trust):
    assert trust_of_attestation(level, validated) == trust


@pytest.mark.parametrize(
    "shape",
    [
        "<sip:+12025550110@carrier.example;verstat={}>",
        "<sip:+12025550110;verstat={}@carrier.example;user=phone>",
        "<sip:+12025550110@carrier.example;user=phone;verstat={}>",
        "<sip:+12025550110@carrier.example;verstat={};user=phone>",
        '"Ada Marlow" <sip:+12025550110;npdi;rn=+12025550000;verstat={}@carrier.example:5060;user=phone>',
        '"Marlow, Ada" <tel:+12025550110;verstat={}>',
        "Ada Marlow <sips:+12025550110@carrier.example>;verstat={}",
        "<sip:+12025550110@carrier.example>;tag=1c2d;VerStat={}",
        '<sip:+12025550110@carrier.example>; verstat = "{}" ;x=y',
        '<sip:+12025550110@carrier.example;verstat="{}">',
        "<sip:+12025550110@carrier.example;VERSTAT={}?Subject=hello>",
        '"Ada" <sip:+12025550110@carrier.example;verstat={}>, <tel:+12025550110>',
        "sip:+12025550110@carrier.example;user=phone;verstat={}",
        "tel:+12025550110;verstat={}",
        "<sip:+12025550110@carrier.example;verstat={}",
    ],
)
def test_a_header_is_read_however_it_is_written(shape: str) -> None:
    assert trust_of_header(shape.format("TN-Validation-Passed-A")) == "verified"
    assert trust_of_header(shape.format("TN-Validation-Passed-B-Diverted")) == "gateway"
    assert trust_of_header(shape.format("TN-Validation-Failed")) == "failed"
    assert trust_of_header(shape.format("No-TN-Validation")) == "none"
    assert trust_of_header(shape.format("TN-Validation-Passed-AB")) == "none"
    assert trust_of_header(shape.format("tn-validation-passed-a")) == "none"
    assert trust_of_header(shape.format("TN-Validation-Failed-Z")) == "failed"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "<sip:+12025550110@carrier.example>",
        '"x;verstat=TN-Validation-Passed-A" <sip:+12025550110@carrier.example>',
        '"x <sip:a;verstat=TN-Validation-Passed-A>" <sip:+12025550110@carrier.example>',
        '"x\\" <sip:a;verstat=TN-Validation-Passed-A>" <sip:+12025550110@carrier.example>',
        "x;verstat=TN-Validation-Passed-A <sip:+12025550110@carrier.example>",
        '<sip:+12025550110@carrier.example>, "x;verstat=TN-Validation-Passed-A" <tel:+12025550110>',
        "<sip:+12025550110%3Bverstat=TN-Validation-Passed-A@carrier.example>",
        "<sip:+12025550110@carrier.example;x-verstat=TN-Validation-Passed-A>",
        "<sip:+12025550110@carrier.example?x=;y&verstat=TN-Validation-Passed-A>",
        "<sip:+1@c;verstat=TN-Validation-Passed-A>, <tel:+1;verstat=TN-Validation-Passed-A>",
        "<sip:+1;verstat=TN-Validation-Passed-A@c;verstat=No-TN-Validation>",
    ],
)
def test_nobody_vouches_for_themselves(header: str) -> None:
    assert trust_of_header(header) == "none"


@pytest.mark.parametrize(
    "header",
    [
        '"unclosed <sip:+12025550110@carrier.example;verstat=TN-Validation-Failed>',
        "<sip:+1@c;verstat=TN-Validation-Passed-A>, <tel:+1;verstat=TN-Validation-Failed>",
        "<sip:+1@c;verstat=tn-validation-failed>",
        "TN-Validation-Failed>",
    ],
)
def test_a_check_that_failed_is_never_overlooked(header: str) -> None:
    assert trust_of_header(header) == "failed"
