"""Numbers outside, for callers who are handed over to one: a way out of the house."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from itertools import count

from config.models import SitePlan
from ivr.ari import commands
from ivr.ari.legs import PREFIX, Leg
from ivr.ari.pace import lasting
from ivr.ari.phone import Ask
from ivr.ari.rest import NoAnswer, NotSent
from ivr.ari.targets import NoTarget, endpoint_of
from ivr.vocabulary import Dial

OUTSIDE = "out"


def is_outside(channel_id: str) -> bool:
    return channel_id.startswith(f"{PREFIX}.{OUTSIDE}.")


class Outside:
    """On one Asterisk; `legs` are all of its legs."""

    def __init__(self, ask: Ask, legs: dict[str, Leg], app: str, plan: Callable[[], SitePlan], nonce: str) -> None:
        self._ask = ask
        self._legs = legs
        self._app = app
        self._plan = plan
        self._nonce = nonce
        self._numbers = count(1)

    async def place(self, leg: Leg, dial: Dial) -> Leg | None:
        """The leg that rings somebody; None when nobody can be rung by that."""
        part = self._plan().telephony.ari
        channel_id = f"{PREFIX}.{OUTSIDE}.{self._nonce}.{next(self._numbers)}"
        out = Leg(channel_id, "callback", leg.call_id, channel_id, self._app)
        try:
            endpoint = endpoint_of(dial.number, part) if part else ""
        except NoTarget:
            return None
        caller_id = self._plan().voice.caller_id or ""
        seconds = math.ceil(dial.timeout_ms / 1_000)
        out.rings_until = asyncio.get_running_loop().time() + lasting(seconds)
        self._legs[channel_id] = out
        try:
            answer = await self._ask(
                commands.originate(
                    channel_id, endpoint, self._app, (OUTSIDE,), caller_id, seconds, originator=leg.channel_id
                )
            )
        except (NotSent, NoAnswer):
            return out  # it may ring: its events tell
        if not answer.ok:
            del self._legs[channel_id]
            return None
        return out
