"""Our actions over jambonz's REST API.

An update is accepted before it has any effect, and may never have one. So nothing is taken for done because it was
accepted: what follows, the request for the new document or the leg's status, is what counts, and a deadline without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.jambonz.addresses import Addresses
from ivr.jambonz.documents import MAX_BYTES
from ivr.jambonz.keys import Keys
from ivr.jambonz.payloads import ENDED, is_sid
from ivr.jambonz.rest import Answer, Rest
from ivr.vocabulary import Action, Interrupt, Originate, Route
from router.logging_ import say

JAMBONZ = Capabilities(
    interrupt=True,
    dtmf_in_hold=True,
    whisper=True,
    native_tts=True,
    amd=False,
    stir=True,
    answer_control=True,
    max_document_bytes=MAX_BYTES,
    answer_within_ms=10_000,
)
RINGING_S = (5, 600)

log = logging.getLogger("vipline.jambonz")


class JambonzGateway:
    """Of every site that has jambonz. `keys` gives a site's keys of the moment."""

    capabilities = JAMBONZ

    def __init__(self, public_url: str, keys: Callable[[str], Keys], rest: Rest) -> None:
        self._public_url = public_url
        self._keys = keys
        self._rest = rest

    async def close(self) -> None:
        await self._rest.close()

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        if isinstance(action, Originate):
            return await self._originate(site, action)
        sid = leg or action.leg_id
        if not is_sid(sid):
            return Done(gone=True)  # never placed
        if isinstance(action, Interrupt):
            return await self._interrupt(site, sid, action)
        return await self._terminate(site, sid)

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        """Among the calls that stand: by our tag, or, where the list shows none, by who is called and from where."""
        try:
            answer = await self._rest.list_calls(self._keys(site), {"direction": "outbound"})
        except GatewayUnknown:
            raise GatewayBusy(1_000, "cannot look") from None
        if not answer.ok:
            raise GatewayBusy(5_000, str(answer.status))
        for call in answer.calls:
            sid, word = _said(call, "call_sid"), _said(call, "call_status")
            if is_sid(sid) and word not in ENDED and _is_leg(call, action):
                return sid
        return None

    async def _originate(self, site: str, action: Originate) -> Done:
        keys = self._keys(site)
        status = Route(f"status-{action.role}", action.status.call_id, action.leg_id)
        voice = keys.speech.voices.get("en") or next(iter(keys.speech.voices.values()), None)
        body: dict[str, Any] = {
            "from": action.caller_id,
            "to": target_of(action.target),
            "call_hook": self._hook(site, action.answered),
            "call_status_hook": self._hook(site, status),
            "timeout": min(max(-(-action.ring_timeout_ms // 1_000), RINGING_S[0]), RINGING_S[1]),
            "tag": {"call": action.answered.call_id, "leg": action.leg_id},
            "speech_synthesis_vendor": keys.speech.vendor,
            "speech_synthesis_language": (voice and voice.language) or "en-US",
            "speech_recognizer_vendor": keys.speech.recognizer,
            "speech_recognizer_language": "en-US",
        }
        if voice is not None:
            body["speech_synthesis_voice"] = voice.voice
        answer = await self._rest.create_call(keys, body)
        if not answer.ok:
            raise self._refusal(site, answer)
        sid = answer.body.get("sid")
        if not is_sid(sid):
            raise GatewayUnknown("no sid")
        return Done(str(sid))

    async def _interrupt(self, site: str, sid: str, action: Interrupt) -> Done:
        answer = await self._rest.update_call(self._keys(site), sid, {"call_hook": self._hook(site, action.route)})
        if answer.gone:
            return Done(sid, gone=True)
        if not answer.ok:
            raise self._refusal(site, answer)
        return Done(sid)

    async def _terminate(self, site: str, sid: str) -> Done:
        """A leg that talks is completed, one that rings is not answered; it may be picked up between the two."""
        for word in ("completed", "no-answer", "completed"):
            answer = await self._rest.update_call(self._keys(site), sid, {"call_status": word})
            if answer.gone or answer.ok:
                return Done(sid, gone=answer.gone)
            if not answer.not_now:
                raise self._refusal(site, answer)
        raise GatewayBusy(500, "neither ringing nor talking")

    def _refusal(self, site: str, answer: Answer) -> GatewayRefused:
        say(log, logging.ERROR, "jambonz refused", site=site, status=answer.status)
        return GatewayRefused("device" if answer.status == 400 else "network", str(answer.status))

    def _hook(self, site: str, route: Route) -> Mapping[str, str]:
        if not self._public_url:
            say(log, logging.ERROR, "no VIPLINE_PUBLIC_URL: jambonz cannot be told where we are")
            raise GatewayRefused("network", "no public url")
        return {"url": Addresses(self._public_url, site).of(route), "method": "POST"}


def target_of(endpoint: str) -> dict[str, str]:
    """`sip:…` an address; `user:name@realm` (or `client:…`) somebody registered there; all else a number."""
    scheme, _, rest = endpoint.partition(":")
    if scheme in ("sip", "sips"):
        return {"type": "sip", "sipUri": endpoint}
    if scheme in ("user", "client"):
        return {"type": "user", "name": rest}
    return {"type": "phone", "number": endpoint}


def _said(call: Mapping[str, Any], name: str) -> str:
    """A field of a listed call, in either of the spellings there are."""
    head, *others = name.split("_")
    value = call.get(name, call.get(head + "".join(word.title() for word in others)))
    return value if isinstance(value, str) else ""


def _is_leg(call: Mapping[str, Any], action: Originate) -> bool:
    tag = call.get("customerData") or call.get("customer_data")
    if isinstance(tag, dict) and "leg" in tag:
        return bool(tag["leg"] == action.leg_id)
    to = target_of(action.target)
    called = to.get("sipUri") or to.get("name") or to["number"]
    return _said(call, "to") == called and _said(call, "from") == action.caller_id
