"""What Twilio sends, in our words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.twilio.payloads import KEYED, OF_AGENT, WAITING, Fields, envelope_of, event_of, failure_of, report_of
from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    CallEnded,
    CallOffered,
    Event,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    LegAnswered,
    LegFailed,
    LegRinging,
    PromptFinished,
    Role,
)

CALL = "CA" + "1" * 32


def fields(**given: str) -> Fields:
    return Fields(list(given.items()))


def test_a_caller_at_the_door():
    told = fields(From="+12025550123", To="+12025550100", StirVerstat="TN-Validation-Passed-A", ForwardedFrom="+1")
    assert event_of("voice", told) == CallOffered("+12025550123", "+12025550100", "verified", "+1")


@pytest.mark.parametrize(
    ("verstat", "trust"),
    [
        ([], "none"),
        (["TN-Validation-Passed-B"], "partial"),
        (["TN-Validation-Passed-A-Diverted"], "partial"),
        (["TN-Validation-Failed-A"], "failed"),
        (["tn-validation-passed-a"], "none"),
        (["TN-Validation-Passed-A "], "none"),
        (["TN-Validation-Passed-A", "TN-Validation-Failed"], "failed"),
        (["TN-Validation-Passed-A", "TN-Validation-Passed-A"], "none"),
    ],
)
def test_trust_is_given_by_exact_words_that_occur_once(verstat: list[str], trust: str):
    told = Fields([("From", "+12025550123"), ("To", "+1"), *(("StirVerstat", word) for word in verstat)])
    event = event_of("voice", told)
    assert isinstance(event, CallOffered)
    assert event.trust == trust


def test_a_number_that_is_given_twice_is_no_number():
    event = event_of("voice", Fields([("From", "+12025550123"), ("From", "+12025550199"), ("To", "+1")]))
    assert isinstance(event, CallOffered)
    assert event.from_number is None


@pytest.mark.parametrize(
    ("page", "told", "event"),
    [
        ("question", {"Digits": "1"}, InputDigits("1")),
        ("question", {"Digits": ""}, InputNone()),
        ("question", {}, InputNone()),
        ("accept", {"Digits": "1"}, InputDigits("1")),
        ("key", {}, InputNone()),
        ("hold", {"QueueTime": "12"}, HoldTick()),
        ("left", {"QueueResult": "bridged"}, HoldLeft("bridged")),
        ("left", {"QueueResult": "redirected-from-bridged"}, HoldLeft("bridged")),
        ("left", {"QueueResult": "redirected"}, HoldLeft("redirected")),
        ("left", {"QueueResult": "leave"}, HoldLeft("left")),
        ("left", {"QueueResult": "hangup"}, HoldLeft("hangup")),
        ("left", {"QueueResult": "queue-full"}, HoldLeft("full")),
        ("left", {"QueueResult": "system-error"}, HoldLeft("error")),
        ("left", {"QueueResult": "bridging-in-process"}, HoldLeft("left")),
        ("left", {}, HoldLeft("error")),
        ("whisper", {}, LegAnswered()),
        ("callback", {}, LegAnswered()),
        ("bridged", {"DequeingCallSid": CALL}, BridgeUp()),
        ("over", {"DialCallStatus": "completed"}, BridgeDown()),
        ("over", {"DialCallStatus": "answered"}, BridgeDown()),
        ("over", {"DialCallStatus": "busy"}, LegFailed("busy")),
        ("over", {"DialCallStatus": "no-answer"}, LegFailed("no_answer")),
        ("over", {"DialCallStatus": "canceled"}, LegFailed("canceled")),
        ("over", {"DialCallStatus": "failed"}, LegFailed("network")),
        ("over", {}, LegFailed("network")),
        ("connect", {}, PromptFinished()),
    ],
)
def test_each_page_tells_one_thing(page: str, told: dict[str, str], event: Event):
    assert event_of(page, fields(**told)) == event


@pytest.mark.parametrize(
    ("status", "sip", "cause"),
    [
        ("busy", "486", "busy"),
        ("busy", "", "busy"),
        ("busy", "603", "declined"),
        ("failed", "603", "declined"),
        ("no-answer", "487", "no_answer"),
        ("no-answer", "480", "device"),
        ("failed", "404", "device"),
        ("failed", "503", "network"),
        ("failed", "", "network"),
        ("canceled", "487", "canceled"),
        ("canceled", "486", "canceled"),
        ("exploded", "", "network"),
    ],
)
def test_causes_are_kept_apart(status: str, sip: str, cause: str):
    assert failure_of(status, sip) == cause


@pytest.mark.parametrize(
    ("role", "told", "event"),
    [
        ("agent", {"CallStatus": "queued"}, None),
        ("agent", {"CallStatus": "initiated"}, None),
        ("agent", {}, None),
        ("agent", {"CallStatus": "ringing"}, LegRinging()),
        ("agent", {"CallStatus": "in-progress"}, LegAnswered()),
        ("agent", {"CallStatus": "busy", "SipResponseCode": "486"}, LegFailed("busy")),
        ("agent", {"CallStatus": "completed", "CallDuration": "61"}, CallEnded("normal", 61_000)),
        ("caller", {"CallStatus": "completed", "CallDuration": "x"}, CallEnded("normal", None)),
        ("caller", {"CallStatus": "no-answer"}, CallEnded("no_answer")),
    ],
)
def test_status_reports(role: Role, told: dict[str, str], event: Event | None):
    assert report_of(role, fields(**told)) == event


PARAMETERS = [
    "AccountSid",
    "CallDuration",
    "CallSid",
    "CallStatus",
    "DialBridged",
    "DialCallStatus",
    "DialSipResponseCode",
    "Digits",
    "ForwardedFrom",
    "From",
    "QueueResult",
    "SequenceNumber",
    "SipResponseCode",
    "StirVerstat",
    "Timestamp",
    "To",
]
PAGES = (*sorted(KEYED | WAITING | OF_AGENT), "voice", "left", "callback", "over", "connect", "nowhere")


@given(
    st.sampled_from(PAGES),
    st.sampled_from(["caller", "agent", "callback"]),
    st.lists(st.tuples(st.sampled_from(PARAMETERS), st.text(max_size=40)), max_size=20),
)
def test_nothing_twilio_could_say_is_too_odd(page: str, role: Role, pairs: list[tuple[str, str]]):
    told = Fields(pairs)
    assert event_of(page, told) is not None
    report_of(role, told)
    envelope_of("main", role, "c", "l", "k", told)


def test_the_envelope_numbers_and_dates_a_report():
    told = fields(CallSid=CALL, SequenceNumber="2", Timestamp="Sat, 21 Nov 2026 18:00:00 +0000")
    envelope = envelope_of("main", "agent", "c1", "17-0", "completed", told)
    assert (envelope.seq, envelope.event_key, envelope.occurred_ms) == (2, f"{CALL}:2", 1_795_284_000_000)
    assert (envelope.call_id, envelope.leg_id, envelope.provider) == ("c1", "17-0", "twilio")


@pytest.mark.parametrize("timestamp", ["", "soon", "Sat, 99 Nov 99999 18:00:00 +0000"])
@pytest.mark.parametrize("sequence", ["", "-1", "²", "1" * 30])
def test_nonsense_numbers_and_dates_are_left_out(timestamp: str, sequence: str):
    told = fields(CallSid=CALL, SequenceNumber=sequence, Timestamp=timestamp)
    envelope = envelope_of("main", "caller", CALL, CALL, "completed", told)
    assert (envelope.seq, envelope.event_key, envelope.occurred_ms) == (None, f"{CALL}:completed", None)
