"""Twilio's requests to us: signed by the official library, tried again as the address asks for, dated and numbered."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote_plus, urldefrag, urlsplit

from twilio.request_validator import RequestValidator

from loadtests.carriers.faults import Faults
from loadtests.carriers.heard import Heard, Why
from loadtests.carriers.posting import Answer, Broken, Posts, Unreachable
from loadtests.carriers.twilio.legs import TwilioLeg

CEILING_S = 15.0
FORM = "application/x-www-form-urlencoded"
CHANGES = frozenset({"join"})
"""Pages that tell how things stand, and may tell it otherwise a moment later."""


class Failed(Exception):
    """We gave no document, however often Twilio asked."""


@dataclass(frozen=True)
class Asked:
    """One request that reached us, for tests to look at and to send again."""

    url: str
    form: Mapping[str, str]
    status: int
    body: bytes


class Asking:
    """Sends requests. `breaches` collects what Twilio would not have liked."""

    def __init__(self, token: str, faults: Faults, breaches: list[str]) -> None:
        self._validator = RequestValidator(token)
        self._faults = faults
        self._breaches = breaches
        self.log: list[Asked] = []
        self.heard: Heard | None = None
        """Told how every request went, instead of `log` and of reports that are not taken."""
        self.session = Posts()

    def sign(self, url: str, form: Mapping[str, str]) -> str:
        return str(self._validator.compute_signature(url, dict(form)))

    async def document(self, leg: TwilioLeg, url: str, told: Mapping[str, str]) -> bytes:
        """The document at `url`. A second request for the same must bring the same bytes. Raises Failed."""
        form = {**about(leg), **told}
        body = await self._ask(url, form)
        if self._faults.happens(self._faults.documents_twice):
            with contextlib.suppress(Failed):  # the first answer holds
                again = await self._ask(url, form)
                if again != body and page_of(url) not in CHANGES:
                    self._breaches.append(f"{url} answered a retry otherwise: {body!r} then {again!r}")
        return body

    async def report(self, url: str, form: Mapping[str, str]) -> None:
        """A status callback; nobody minds what it brings, as long as it is understood."""
        try:
            await self._ask(url, form)
        except Failed as failed:
            if self.heard is None:
                self._breaches.append(f"a report was not taken: {failed}")

    async def _ask(self, url: str, form: Mapping[str, str]) -> bytes:
        address, fragment = urldefrag(url)
        overrides = dict(parse_qsl(fragment))
        tries = 1 + int(overrides.get("rc", "1"))
        policy = overrides.get("rp", "ct").split(",")
        token = str(uuid.uuid4())
        why = detail = ""
        how: Why = "refused"
        first = began = time.time()
        read_s = int(overrides.get("rt", "15000")) / 1_000
        for number in range(tries):
            began = time.time()
            try:
                status, kind, body = await self.post(address, form, token, read_s, fresh=number > 0)
            except Unreachable:
                why, how = "ct", "refused"
            except (TimeoutError, Broken) as error:
                why, detail = "rt", f" ({type(error).__name__})"
                how = "slow" if isinstance(error, TimeoutError) else "cut"
            else:
                if status < 400:
                    if not kind.startswith(("text/xml", "application/xml")):
                        self._breaches.append(f"{address} answered {kind}")
                    if self.heard is not None:
                        self.heard.answered(page_of(url), began, first)
                    return body
                why, how = f"{status // 100}xx", "unable" if status >= 500 else "wrong"
            if self.heard is not None:
                self.heard.missed(page_of(url), began, how)
            if why not in policy and "all" not in policy:
                break
        if self.heard is not None:
            self.heard.missed(page_of(url), first, how, given_up=True, tried=began, who=form.get("CallSid", ""))
        raise Failed(f"{address}: {why}{detail}")

    async def post(
        self, url: str, form: Mapping[str, str], token: str, read_s: float, *, fresh: bool = False
    ) -> tuple[int, str, bytes]:
        headers = {"X-Twilio-Signature": self.sign(url, form), "I-Twilio-Idempotency-Token": token}
        async with asyncio.timeout(min(read_s, CEILING_S)):
            answer = await self.send(url, form, headers, fresh=fresh)
        if self.heard is None:
            self.log.append(Asked(url, form, answer.status, answer.body))
        return answer

    async def send(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str], *, fresh: bool = False
    ) -> Answer:
        """Just that, whatever the headers say."""
        return await self.session.post(url, encoded(form), {"Content-Type": FORM, **headers}, fresh=fresh)


_quoted = lru_cache(10_000)(quote_plus)


def encoded(form: Mapping[str, str]) -> bytes:
    """As a form is sent; most of it is the same from call to call."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form.items()).encode()


def page_of(url: str) -> str:
    """`…/hooks/twilio/main/hold/CA…/3#…` → `hold`."""
    return (urlsplit(url).path.split("/") + [""] * 5)[4]


def about(leg: TwilioLeg) -> dict[str, str]:
    """What Twilio tells with every request of a leg."""
    place = {f"{who}{part}": "" for who in ("From", "To", "Caller", "Called") for part in ("City", "State", "Zip")}
    country = dict.fromkeys(("FromCountry", "ToCountry", "CallerCountry", "CalledCountry"), "US")
    return {
        "CallSid": leg.sid,
        "AccountSid": leg.account,
        "From": leg.from_number,
        "To": leg.to_number,
        "Caller": leg.from_number,
        "Called": leg.to_number,
        "CallStatus": leg.status,
        "ApiVersion": "2010-04-01",
        "Direction": leg.direction,
        **place,
        **country,
        **leg.extra,
    }


def progress(leg: TwilioLeg, sip: str = "") -> dict[str, str]:
    """A call-progress report of the leg as it is now; each has the next number."""
    told = about(leg) | {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(leg.sequence),
        "Timestamp": format_datetime(datetime.now(UTC)),
    }
    leg.sequence += 1
    if leg.ended:
        told |= {"CallDuration": "7", "Duration": "1"}
    if sip:
        told["SipResponseCode"] = sip
    return told
