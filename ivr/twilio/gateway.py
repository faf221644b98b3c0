"""Our actions over Twilio's REST API."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping

from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayBusy, GatewayError, GatewayRefused, GatewayUnknown
from ivr.twilio.addresses import Addresses
from ivr.twilio.documents import MAX_BYTES
from ivr.twilio.keyring import Credentials, Keys
from ivr.twilio.payloads import OVER
from ivr.twilio.queues import Queues
from ivr.twilio.rest import Answer, Form, Rest, created_ms, is_sid
from ivr.vocabulary import Action, Interrupt, LegFailure, Originate, Route
from router.logging_ import say

TWILIO = Capabilities(
    interrupt=True,
    dtmf_in_hold=True,
    whisper=True,
    native_tts=True,
    amd=False,
    stir=True,
    answer_control=True,
    max_document_bytes=MAX_BYTES,
    answer_within_ms=15_000,
)
ACCOUNTS_KEPT = 10_000
SKEW_MS = 2_000
"""Twilio's clock is not ours, and tells whole seconds."""
RINGING_S = (5, 600)
_NUMBERS_AT_FAULT = frozenset({13223, 13224, 13225, 21201, 21211, 21214, 21215, 21216, 21217})

log = logging.getLogger("vipline.twilio")


class TwilioGateway:
    """Of every site that has Twilio. `keys` gives a site's keys of the moment."""

    capabilities = TWILIO

    def __init__(self, public_url: str, keys: Callable[[str], Keys], rest: Rest) -> None:
        self._public_url = public_url
        self._keys = keys
        self._rest = rest
        self._account_of: dict[str, str] = {}
        self._queues = Queues(rest)

    async def close(self) -> None:
        await self._queues.close()
        await self._rest.close()

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        if isinstance(action, Originate):
            return await self._originate(site, action)
        sid = leg or action.leg_id
        if not is_sid(sid, "CA"):
            return Done(gone=True)  # never placed
        if isinstance(action, Interrupt):
            form: Form = (("Url", self._url(site, action.route)), ("Method", "POST"))
        else:
            form = (("Status", "completed"),)  # ends a ringing call as well; `canceled` would spare an answered one
        return await self._update(site, sid, form)

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        """Not by `StartTime`: a call that has not been dialled yet has none, and would be placed a second time."""
        account, given = await self._account(site, action.answered.call_id)
        query = (("To", action.target), ("From", action.caller_id), ("PageSize", "50"))
        try:
            answer = await self._rest.list_calls(account, given, query)
        except GatewayUnknown:
            raise GatewayBusy(1_000, "cannot look") from None
        calls = answer.body.get("calls")
        if not answer.ok or not isinstance(calls, list):
            raise GatewayBusy(5_000, str(answer.code or answer.status))
        placed = [call for call in calls if isinstance(call, dict) and created_ms(call) >= since_ms - SKEW_MS]
        newest = max(placed, key=created_ms, default=None)
        return str(newest["sid"]) if newest and is_sid(newest.get("sid"), "CA") else None

    async def is_up(self, site: str, leg: str) -> bool | None:
        """Only a word of Twilio's that it has ended counts: a call it does not find may be another account's."""
        if not is_sid(leg, "CA"):
            return None
        try:
            account, given = await self._account(site, leg)
            answer = await self._rest.read_call(account, given, leg)
        except GatewayError:
            return None
        status = answer.body.get("status") if answer.ok else None
        return status not in OVER if isinstance(status, str) else None

    def heard(self, call_sid: str, account: str) -> None:
        """A webhook said which account a call belongs to."""
        if is_sid(call_sid, "CA") and is_sid(account, "AC"):
            if len(self._account_of) >= ACCOUNTS_KEPT:
                del self._account_of[next(iter(self._account_of))]
            self._account_of[call_sid] = account

    async def left(self, site: str, call_sid: str, queue_sid: str) -> None:
        """A caller has left their queue for good."""
        with contextlib.suppress(GatewayError):
            account, given = await self._account(site, call_sid)
            self._queues.remove(account, given, queue_sid)

    async def sweep(self, site: str) -> int:
        """Removes queues that were left behind; to be done now and then. Raises GatewayError."""
        return sum([await self._queues.sweep(*account) for account in self._keys(site).accounts.items()])

    async def _originate(self, site: str, action: Originate) -> Done:
        account, given = await self._account(site, action.answered.call_id)
        status = Route(f"status-{action.role}", action.status.call_id, action.leg_id)
        seconds = min(max(-(-action.ring_timeout_ms // 1_000), RINGING_S[0]), RINGING_S[1])
        form = (
            ("To", action.target),
            ("From", action.caller_id),
            ("Url", self._url(site, action.answered)),
            ("Method", "POST"),
            ("StatusCallback", self._url(site, status)),
            ("StatusCallbackMethod", "POST"),
            ("StatusCallbackEvent", "completed"),  # that it was answered we hear by its page
            ("Timeout", str(seconds)),
        )
        if action.role == "agent" and not action.awaited:
            self._queues.ensure(account, given, action.answered.call_id)
        answer = await self._rest.create_call(account, given, form)
        sid = answer.body.get("sid")
        if answer.ok:
            if not is_sid(sid, "CA"):
                raise GatewayUnknown("no sid")
            self.heard(str(sid), account)
            return Done(str(sid))
        raise self._refusal(site, answer)

    async def _update(self, site: str, sid: str, form: Form) -> Done:
        account, given = await self._account(site, sid)
        answer = await self._rest.update_call(account, given, sid, form)
        if answer.gone:
            return Done(sid, gone=True)
        if not answer.ok:
            raise self._refusal(site, answer)
        return Done(sid)

    def _refusal(self, site: str, answer: Answer) -> GatewayRefused:
        cause: LegFailure = "device" if answer.code in _NUMBERS_AT_FAULT else "network"
        say(log, logging.ERROR, "twilio refused", site=site, status=answer.status, code=answer.code)
        return GatewayRefused(cause, str(answer.code or answer.status))

    async def _account(self, site: str, call_sid: str) -> tuple[str, Credentials]:
        """The account a call belongs to: a leg must be placed, and changed, in the same one. Raises GatewayRefused."""
        accounts = self._keys(site).accounts
        if not accounts:
            say(log, logging.ERROR, "no account or token", site=site)
            raise GatewayRefused("network", "no credentials")
        known = self._account_of.get(call_sid, "")
        if known in accounts:
            return known, accounts[known]
        if len(accounts) > 1 and is_sid(call_sid, "CA"):
            return await self._look_up(accounts, call_sid)
        return next(iter(accounts.items()))

    async def _look_up(self, accounts: Mapping[str, Credentials], call_sid: str) -> tuple[str, Credentials]:
        """After a restart: ask each account in turn. The site's own when none knows the call."""
        for account, given in accounts.items():
            try:
                answer = await self._rest.read_call(account, given, call_sid)
            except GatewayUnknown:
                raise GatewayBusy(1_000, "cannot look") from None
            if answer.ok:
                self.heard(call_sid, account)
                return account, given
        return next(iter(accounts.items()))

    def _url(self, site: str, route: Route) -> str:
        if not self._public_url:
            say(log, logging.ERROR, "no VIPLINE_PUBLIC_URL: Twilio cannot be told where we are")
            raise GatewayRefused("network", "no public url")
        return Addresses(self._public_url, site).of(route)
