"""The referee itself: what is right passes, each kind of wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.carriers.twilio.contract import IN_QUEUE, Breach, RestContract, TwimlContract

AC = "AC" + "0" * 32
CA = "CA" + "1" * 32
CALLS = f"/2010-04-01/Accounts/{AC}/Calls.json"
CALL = f"/2010-04-01/Accounts/{AC}/Calls/{CA}.json"
RIGHT = [
    ("To", "+12025550123"),
    ("From", "+12025550100"),
    ("Url", "https://a.example/x"),
    ("StatusCallbackEvent", "ringing"),
    ("StatusCallbackEvent", "completed"),
    ("Timeout", "20"),
]


@pytest.fixture(scope="module")
def rest(reference: Path) -> RestContract:
    return RestContract.read(reference)


@pytest.fixture(scope="module")
def twiml(reference: Path) -> TwimlContract:
    return TwimlContract.read(reference)


def test_right_requests_pass(rest: RestContract):
    rest.check("POST", CALLS, RIGHT)
    rest.check("POST", CALL, [("Status", "completed")])
    rest.check("GET", CALLS, [("To", "+12025550123"), ("StartTime>", "2026-01-01")])
    rest.check("DELETE", f"/2010-04-01/Accounts/{AC}/Queues/QU{'2' * 32}.json", [])


@pytest.mark.parametrize(
    ("method", "path", "pairs", "said"),
    [
        ("POST", "/2010-04-01/Calls.json", RIGHT, "no such path"),
        ("DELETE", CALLS, [], "not served"),
        ("POST", CALLS.replace(AC, "AC1"), RIGHT, "AccountSid"),
        ("POST", CALL.replace(CA, "SM" + "1" * 32), [("Status", "completed")], "Sid"),
        ("POST", CALLS, RIGHT[1:], "missing: ['To']"),
        ("POST", CALLS, RIGHT[:2], "needs Url"),
        ("POST", CALLS, [*RIGHT, ("Twiml", "<Response/>")], "exclude"),
        ("POST", CALLS, [*RIGHT, ("Colour", "red")], "unknown: Colour"),
        ("POST", CALLS, [*RIGHT, ("Timeout", "21")], "more than once"),
        ("POST", CALLS, [*RIGHT[:-1], ("Timeout", "soon")], "Timeout"),
        ("POST", CALLS, [*RIGHT, ("Method", "PUT")], "Method"),
        ("POST", CALL, [("Status", "busy")], "Status"),
        ("POST", CALL, [("Url", "/relative")], "Url"),
        ("POST", CALLS, [("To", "nobody"), *RIGHT[1:]], "To"),
        ("GET", CALLS, [("Colour", "red")], "unknown"),
    ],
)
def test_wrong_requests_are_named(rest: RestContract, method: str, path: str, pairs: list[tuple[str, str]], said: str):
    with pytest.raises(Breach) as breach:
        rest.check(method, path, pairs)
    assert said in str(breach.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("<Response><Says>x</Says></Response>", "cannot stand in Response"),
        ("<Response><Say speed='2'>x</Say></Response>", "no attribute speed"),
        ("<Response><Gather action='/x'><Hangup/></Gather></Response>", "cannot stand in Gather"),
        ("<Response><Gather/></Response>", "without action"),
        ("<Response><Pause length='1.5'/></Response>", "no number"),
        ("<Response><Redirect>x y</Redirect></Response>", "neither"),
        ("<Response><Redirect>/x?a=1</Redirect></Response>", "query"),
        ("<Response><Say>x</Say><Reject/></Response>", "not the first"),
        ("<Response><Enqueue>" + "x" * 65 + "</Enqueue></Response>", "names no queue"),
        ("<Response><Say></Say></Response>", "empty"),
        ("<Response><Say>" + "x" * 70_000 + "</Say></Response>", "too many"),
        ("<Response>hello</Response>", "loose text"),
        ("<Reply/>", "the root"),
        ("<Response><Say>\x00</Say></Response>", "no XML"),
    ],
)
def test_wrong_documents_are_named(twiml: TwimlContract, document: str, said: str):
    with pytest.raises(Breach) as breach:
        twiml.check(document.encode())
    assert said in str(breach.value)


def test_who_stands_in_a_queue_hears_only_some_verbs(twiml: TwimlContract):
    twiml.check(b"<Response><Say>x</Say><Redirect>/again</Redirect></Response>", IN_QUEUE)
    with pytest.raises(Breach, match="Enqueue cannot stand here"):
        twiml.check(b"<Response><Enqueue>w-1</Enqueue></Response>", IN_QUEUE)
