"""jambonz's requests to us: JSON, signed, tried again as the address asks for."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urlsplit

import aiohttp
from yarl import URL

from loadtests.carriers.faults import Faults
from loadtests.carriers.heard import Heard, Why
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.schemas import Breach, Schemas

TIMEOUT_S = 10.0
CHANGES = ("/join/", "/wait/")
"""Asked how things stand, again and again: these may be answered otherwise."""


class Failed(Exception):
    """We gave no answer, however often jambonz asked."""


@dataclass(frozen=True)
class Asked:
    """One request that reached us, for tests to look at and to send again."""

    url: str
    raw: bytes
    signature: str
    status: int
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.raw)


class Asking:
    """Sends requests. `breaches` collects what jambonz would not have liked."""

    def __init__(self, secret: str, faults: Faults, breaches: list[str], schemas: Schemas | None, speed: float) -> None:
        self._secret = secret
        self._faults = faults
        self._breaches = breaches
        self._schemas = schemas
        self._speed = speed
        self.log: list[Asked] = []
        self.heard: Heard | None = None
        """Told how every request went, instead of `log` and of reports that are not taken."""
        self.session = aiohttp.ClientSession()

    def sign(self, raw: bytes, at: int | None = None) -> str:
        stamp = str(int(time.time()) if at is None else at)
        made = hmac.new(self._secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
        return f"t={stamp},v1={made}"

    async def document(self, leg: JambonzLeg, kind: str, url: str, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The verbs at `url`; none: nothing is to be changed. A second request must bring the same. Raises Failed."""
        raw = self._payload(kind, about(leg) | dict(told))
        body = await self._ask(url, raw, leg.sid)
        if self._faults.happens(self._faults.documents_twice) and not any(page in url for page in CHANGES):
            with contextlib.suppress(Failed):  # the first answer holds
                again = await self._ask(url, raw, leg.sid)
                if again != body and again and body:
                    self._breaches.append(f"{url} answered a retry otherwise: {body!r} then {again!r}")
        if not body:
            return []
        try:
            verbs = json.loads(body)
            if self._schemas is not None:
                self._schemas.document(verbs)
        except (ValueError, Breach) as error:
            self._breaches.append(f"{url}: {error}")
            raise Failed("no document") from None
        return verbs if isinstance(verbs, list) else []

    async def report(self, kind: str, url: str, told: Mapping[str, Any]) -> None:
        """A webhook whose answer nobody looks at."""
        try:
            await self._ask(url, self._payload(kind, told))
        except Failed as failed:
            if self.heard is None:
                self._breaches.append(f"a report was not taken: {failed}")

    def _payload(self, kind: str, told: Mapping[str, Any]) -> bytes:
        if self._schemas is not None:
            try:
                self._schemas.callback(kind, told)
            except Breach as breach:
                self._breaches.append(f"the stand-in itself: {breach}")
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    async def _ask(self, url: str, raw: bytes, who: str = "") -> bytes:
        address, fragment = urldefrag(url)
        overrides = dict(parse_qsl(fragment))
        policy = overrides.get("rp", "ct").split(",")
        why = ""
        how: Why = "refused"
        first = began = time.time()
        for tries in range(1 + int(overrides.get("rc", "0"))):
            if tries:
                await asyncio.sleep(0.5 * 2 ** (tries - 1) / self._speed)
            began = time.time()
            try:
                status, kind, body = await self.post(address, raw)
            except aiohttp.ClientConnectorError:
                why, how = "ct", "refused"
            except (TimeoutError, aiohttp.ClientError) as error:
                why, how = "rt", "slow" if isinstance(error, TimeoutError) else "cut"
            else:
                if status in (200, 202, 204):
                    if body and not kind.startswith("application/json"):
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
            self.heard.missed(page_of(url), first, how, given_up=True, tried=began, who=who)
        raise Failed(f"{address}: {why}")

    async def post(self, url: str, raw: bytes, signature: str | None = None) -> tuple[int, str, bytes]:
        """One request as it is; a test may give it another signature."""
        signature = self.sign(raw) if signature is None else signature
        headers = {"Jambonz-Signature": signature, "Content-Type": "application/json"}
        async with asyncio.timeout(TIMEOUT_S):
            async with self.session.post(URL(url, encoded=True), data=raw, headers=headers) as response:
                body = await response.read()
                if self.heard is None:
                    self.log.append(Asked(url, raw, signature, response.status, body))
                return response.status, response.headers.get("Content-Type", ""), body


def page_of(url: str) -> str:
    """`…/hooks/jambonz/main/hold/…/3#…` → `hold`."""
    return (urlsplit(url).path.split("/") + [""] * 5)[4]


def about(leg: JambonzLeg) -> dict[str, Any]:
    """What jambonz tells with every request of a leg."""
    told = {
        "call_sid": leg.sid,
        "account_sid": leg.account,
        "application_sid": "0e0681b0-d49f-4fb8-b973-b5a3c6758de1",
        "direction": leg.direction,
        "from": leg.from_number,
        "to": leg.to_number,
        "call_id": leg.sip_call_id,
        "call_status": leg.status,
        "caller_id": leg.from_number,
        "sip_status": leg.sip_status,
        "sip_reason": "OK" if leg.sip_status == 200 else "Trying",
        "trace_id": uuid.uuid5(uuid.NAMESPACE_OID, leg.sid).hex,
        "fs_sip_address": "10.0.0.7:5060",
    }
    if leg.direction == "inbound":
        told |= {"originating_sip_ip": "192.0.2.17", "originating_sip_trunk_name": leg.trunk}
    if leg.tag is not None:
        told["customerData"] = leg.tag
    return told


def arrival(leg: JambonzLeg) -> dict[str, Any]:
    """What the first request of a caller tells besides."""
    headers = {
        "From": f"<sip:{leg.from_number}@192.0.2.17>;tag=1928301774",
        "To": f"<sip:{leg.to_number}@jambonz.example>",
        "Call-ID": leg.sip_call_id,
        "CSeq": "1 INVITE",
        **{name.replace("_", "-"): value for name, value in leg.extra.items() if name != "trunk"},
    }
    sip = {"headers": headers, "body": "v=0\r\n", "method": "INVITE", "type": "request", "source": "network"}
    return {"caller_name": "", "sip": sip, "env_vars": {}, "defaults": {"synthesizer": {"vendor": "google"}}}
