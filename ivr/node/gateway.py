"""A platform that only asks carries nothing out: its agents' legs and its callers are its own."""

from __future__ import annotations

from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayRefused
from ivr.vocabulary import Action, Originate

DECISIONS_ONLY = Capabilities(
    interrupt=False,
    dtmf_in_hold=False,
    whisper=False,
    native_tts=False,
    amd=False,
    stir=False,
    answer_control=False,
    max_document_bytes=16_384,
    answer_within_ms=1_000,
)


class NoGateway:
    capabilities = DECISIONS_ONLY

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        raise GatewayRefused("device", "decisions only")

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        return None
