"""What jambonz says, in our words."""

from __future__ import annotations

from typing import Any

import pytest

from config.telephony import Trunk
from ivr.jambonz.payloads import event_of, failure_of, is_about, offered, report_of
from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    LegAnswered,
    LegFailed,
    LegRinging,
    PromptFinished,
)

SID = "0e0681b0-d49f-4fb8-b973-b5a3c6758de1"
TRUNKS = {"trusted": Trunk(headers=True), "bare": Trunk(plus=True), "both": Trunk(headers=True, plus=True)}
PASSED = "<sip:+12025550110@carrier.example;verstat=TN-Validation-Passed-A>"
FAILED = PASSED.replace("Passed-A", "Failed")


def arriving(trunk: str, headers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "call_sid": SID,
        "from": "+12025550110",
        "to": "+12025550199",
        "originating_sip_trunk_name": trunk,
    }
    told["from"] = more.pop("from_", told["from"])
    return told | {"sip": {"headers": headers or {}}} | more


@pytest.mark.parametrize(
    ("headers", "trust"),
    [
        ({"P-Asserted-Identity": PASSED}, "verified"),
        ({"p-asserted-identity": PASSED.replace("Passed-A", "Passed-B")}, "partial"),
        ({"From": PASSED.replace("Passed-A", "Passed-C")}, "gateway"),
        ({"P-Asserted-Identity": PASSED.replace("Passed-A", "Failed")}, "failed"),
        ({"P-Asserted-Identity": PASSED.replace("Passed-A", "Passed-A-Diverted")}, "partial"),
        ({"P-Asserted-Identity": PASSED.replace("Passed-A", "Passed-AAA")}, "none"),
        ({"P-Asserted-Identity": f"{PASSED}, {PASSED}"}, "none"),
        ({"P-Asserted-Identity": PASSED, "p-asserted-identity": PASSED}, "none"),
        ({"P-Asserted-Identity": [PASSED]}, "none"),
        ({"P-Asserted-Identity": PASSED.replace(";", ";user=phone;")}, "verified"),
        ({"P-Asserted-Identity": '"x;verstat=TN-Validation-Passed-A" <sip:+12025550110@carrier.example>'}, "none"),
        ({"P-Asserted-Identity": PASSED, "p-asserted-identity": FAILED}, "failed"),
        ({"P-Asserted-Identity": [PASSED, FAILED]}, "failed"),
        ({"P-Asserted-Identity": PASSED, "From": FAILED}, "failed"),
        ({"P-Asserted-Identity": "<sip:+12025550110@carrier.example>", "From": PASSED}, "none"),
        ({}, "none"),
    ],
)
def test_how_far_a_trusted_trunk_vouches(headers: dict[str, Any], trust: str) -> None:
    assert offered(arriving("trusted", headers), TRUNKS).trust == trust


def test_headers_of_other_trunks_are_anybodys() -> None:
    told = {"P-Asserted-Identity": PASSED, "Diversion": "<sip:+12025550111@c>"}
    for trunk in ("bare", "unheard of", ""):
        found = offered(arriving(trunk, told), TRUNKS)
        assert (found.trust, found.diverted_from) == ("none", None)
    assert offered(arriving("trusted", told), TRUNKS).diverted_from == "+12025550111"


def test_a_plus_is_added_where_the_trunk_is_known_to_mean_one() -> None:
    assert offered(arriving("bare", from_="12025550110"), TRUNKS).from_number == "+12025550110"
    assert offered(arriving("trusted", from_="12025550110"), TRUNKS).from_number == "12025550110"
    assert offered(arriving("bare", from_="1000"), TRUNKS).from_number == "1000"
    assert offered(arriving("bare", from_="anonymous"), TRUNKS).from_number == "anonymous"
    assert offered(arriving("bare", from_="greta"), TRUNKS).from_number == "greta"
    assert offered(arriving("both", {"Diversion": "<tel:442079460000>"}), TRUNKS).diverted_from == "+442079460000"


@pytest.mark.parametrize("sip", [None, [], {"headers": []}, {"headers": {"From": 3}}, "INVITE"])
def test_a_caller_without_headers_is_a_caller(sip: Any) -> None:
    assert offered(arriving("trusted", sip=sip), TRUNKS).trust == "none"
    assert offered({"from": 7}, TRUNKS).from_number is None


@pytest.mark.parametrize(
    ("page", "body", "event"),
    [
        ("key", {"reason": "dtmfDetected", "digits": "1"}, InputDigits("1")),
        ("key", {"reason": "dtmfDetected", "digits": ""}, InputNone()),
        ("identify", {"reason": "dtmfDetected", "digits": "1*0#"}, InputDigits("1*0#")),
        ("question", {"reason": "timeout"}, InputNone()),
        ("question", {"reason": "error", "details": {}}, InputNone()),
        ("accept", {"reason": "dtmfDetected", "digits": "one"}, InputNone()),
        ("accept", {"reason": "dtmfDetected", "digits": 1}, InputNone()),
        ("hold", {}, HoldTick()),
        ("whisper", {}, LegAnswered()),
        ("callback", {}, LegAnswered()),
        ("bridged", {}, BridgeUp()),
        ("left", {}, HoldLeft("bridged")),
        ("unmet", {}, HoldLeft("error")),
        ("over", {}, BridgeDown()),
        ("over", {"dial_call_status": "completed"}, BridgeDown()),
        ("over", {"dial_call_status": "busy", "dial_sip_status": 486}, LegFailed("busy")),
        ("lost", {}, LegFailed("network")),
        ("connect", {}, PromptFinished()),
    ],
)
def test_pages(page: str, body: dict[str, Any], event: object) -> None:
    assert event_of(page, body, {}) == event


@pytest.mark.parametrize(
    ("status", "sip", "event"),
    [
        ("trying", 100, None),
        ("queued", 0, None),
        ("ringing", 180, LegRinging()),
        ("early-media", 183, LegRinging()),
        ("in-progress", 200, LegAnswered()),
        ("busy", 486, LegFailed("busy")),
        ("busy", 603, LegFailed("declined")),
        ("no-answer", 487, LegFailed("no_answer")),
        ("failed", 404, LegFailed("device")),
        ("failed", 480, LegFailed("device")),
        ("failed", 503, LegFailed("network")),
        ("failed", "404", LegFailed("network")),
        ("nonsense", 200, None),
    ],
)
def test_reports_of_an_agents_leg(status: str, sip: Any, event: object) -> None:
    assert report_of("agent", {"call_status": status, "sip_status": sip}) == event


def test_a_callers_leg_ends_whatever_the_word() -> None:
    assert report_of("caller", {"call_status": "completed", "duration": 12}) == CallEnded("normal", 12_000)
    assert report_of("caller", {"call_status": "completed", "duration": True}) == CallEnded("normal")
    assert report_of("caller", {"call_status": "no-answer", "sip_status": 487}) == CallEnded("no_answer")
    assert report_of("caller", {}) is None


def test_a_body_belongs_to_the_address_it_came_to() -> None:
    other = SID.replace("0", "1")
    assert is_about({"call_sid": SID}, SID, SID, "caller")
    assert not is_about({"call_sid": other}, SID, SID, "caller")
    assert not is_about({}, SID, SID, "caller")
    tag = {"call": "c", "leg": "7-1"}
    assert is_about({"call_sid": SID, "customerData": tag}, "c", "7-1", "agent")
    assert not is_about({"call_sid": SID, "customerData": tag}, "c", "7-2", "agent")
    assert not is_about({"call_sid": SID, "customerData": tag}, "d", "7-1", "agent")
    assert is_about({"call_sid": SID, "customerData": tag}, "c", "c", "caller")  # a callback's customer, holding


def test_by_the_last_sip_answer_then_by_the_word() -> None:
    assert failure_of("failed", 600) == "busy"
    assert failure_of("busy", 999) == "busy"
    assert failure_of("failed", None) == "network"
