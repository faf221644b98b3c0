"""Every document names the step its answers belong to; here are the steps' tokens and the bytes that answered them.

`page:7` is the call's seventh document; `page/x` is answered once, whenever it is asked (of who was sent there by us,
or has left the holding room); `page@x` so, on another leg than the caller's: `x` is that leg.
"""

from __future__ import annotations

import asyncio
from typing import Any

from router.store.begun import forgive
from router.store.channel import Channel
from router.store.keyspace import Keyspace

COUNTED = frozenset({"voice", "menu", "identify", "pin", "question", "hold", "key", "survey"})
ON_OTHER_LEGS = frozenset({"whisper", "accept", "join", "bridged", "callback"})
KEPT_MS = 86_400_000
"""Of a call that never ends; of one that does, timelines' reader sees to it."""
WAY_OUT, NO_WAY_OUT = "exit", "exit again"
"""Which asking was not understood, where it was the one on the way out: it is offered, or has been repeated."""
LOOKS, PAUSE_S = 20, 0.05
"""A retry may overtake the answer it repeats: how often and how long apart it is looked for."""


def token_of(page: str, step: str) -> str:
    if page in COUNTED and step.isascii() and step.isdigit():
        return f"{page}:{int(step)}"
    return f"{page}@{step}" if page in ON_OTHER_LEGS else f"{page}/{step}"


class Steps:
    """The answered steps of a site's calls."""

    def __init__(self, channel: Channel, keys: Keyspace) -> None:
        self._channel = channel
        self._keys = keys

    def remember(self, call_id: str, token: str, document: bytes, **more: str) -> None:
        """Unawaited: it is on its way before the document is; one that is lost costs a retry its equal bytes."""
        key = self._keys.documents(call_id)
        words: list[Any] = [token, document]
        for field, value in more.items():
            words += [field, value]
        self._channel.send("HSET", key, *words).add_done_callback(forgive)
        if "n" in more:  # the call's first
            self._channel.send("PEXPIRE", key, KEPT_MS, "NX").add_done_callback(forgive)

    async def answered(self, call_id: str, token: str) -> bytes | None:
        """The bytes that answered a step; None when whoever took the step died before answering."""
        for _ in range(LOOKS):
            body: bytes | None = await self._channel.call("HGET", self._keys.documents(call_id), token)
            if body:
                return body
            await asyncio.sleep(PAUSE_S)
        return None
