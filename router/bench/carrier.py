"""Twilio as the bench plays it: signed requests, made before they are sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from urllib.parse import urlencode

from ivr.twilio.signature import HEADER, signature_of

PUBLIC = "https://bench.example"
ACCOUNT, TOKEN = "AC" + "0" * 32, "0123456789abcdef0123456789abcdef"
FIELDS = 28
CALLER = "+12025550110"

Requests = list[bytes]


def fields_of(call: str, number: str, **more: str) -> list[tuple[str, str]]:
    """What Twilio sends of a call, 28 fields with those of the page."""
    place = {"City": "WASHINGTON", "State": "DC", "Zip": "20001", "Country": "US"}
    fields = {
        "CallSid": call, "AccountSid": ACCOUNT, "From": number, "To": "+12025550199", "CallStatus": "in-progress",
        "ApiVersion": "2010-04-01", "Direction": "inbound", "Called": "+12025550199", "Caller": number,
        **{f"{side}{part}": value for side in ("From", "To", "Caller", "Called") for part, value in place.items()},
        "StirVerstat": "TN-Validation-Passed-A", "CallToken": "%7B%22parentCallInfoToken%22%3A%22eyJ" + "x" * 200,
    }  # fmt: skip
    fields |= more
    extra = {f"Extra{number}": "value" for number in range(FIELDS - len(fields))}
    return list((fields | extra).items())


def request_of(path: str, fields: Sequence[tuple[str, str]]) -> bytes:
    """A signed request, as bytes."""
    body = urlencode(fields).encode()
    signature = signature_of(TOKEN.encode(), PUBLIC + path, fields).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        f"I-Twilio-Idempotency-Token: 00000000-0000-0000-0000-000000000000\r\n{HEADER}: {signature}\r\n\r\n"
    )
    return head.encode() + body


def call_ids() -> Iterator[str]:
    return (f"CA{number:032x}" for number in count(1 << 100))


def voices(site: str, calls: Sequence[str], numbers: Sequence[str]) -> Requests:
    """Callers at the door."""
    path = f"/hooks/twilio/{site}/voice"
    return [request_of(path, fields_of(call, number)) for call, number in zip(calls, numbers, strict=True)]


def pages(site: str, page: str, steps: Mapping[str, str], **more: str) -> Requests:
    """A page of each of these calls: call → step."""
    return [
        request_of(f"/hooks/twilio/{site}/{page}/{call}/{step}", fields_of(call, CALLER, **more))
        for call, step in steps.items()
    ]
