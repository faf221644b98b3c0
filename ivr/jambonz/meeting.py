"""Callers are brought to the room where their agent is: the agent's document says so, an update of the caller does it.

Whether the update had any effect is told by the request it leads to (`bridged`). If that does not come in time the
agent is let go, as the engine does by its own deadline where it has one; the caller has never left the line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from ivr.adapter import Hearer
from ivr.gateway import GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.jambonz.gateway import JambonzGateway
from ivr.jambonz.payloads import is_sid
from ivr.vocabulary import Interrupt, Join, Route

TRIES = 5
PAUSE_S = 0.5
KEPT = 10_000


class Meetings:
    """Of all sites, in this process."""

    def __init__(self, gateway: JambonzGateway, pause_s: float = PAUSE_S) -> None:
        self._gateway = gateway
        self._pause_s = pause_s
        self._sent: dict[tuple[str, str], bool] = {}
        self._legs: dict[str, str] = {}
        self._meeting: dict[str, str] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    def fetch(self, site: str, desk: Hearer, join: Join, agent_sid: str) -> None:
        """Once an offer: a caller who is in the room already would be torn out of it."""
        call_id, offer_id = join.call_id, join.over.step
        if (call_id, offer_id) not in self._sent:
            self._remember(call_id, offer_id, False)
            self._start(self._send(site, desk, call_id, offer_id))
            self._start(self._let_go(site, desk, join, agent_sid))

    def is_meeting(self, call_id: str) -> bool:
        """Whether the caller has asked the way to a room: what they heard before must not be played again."""
        return call_id in self._meeting

    def over(self, call_id: str, offer_id: str | None = None) -> None:
        """There is no such meeting any more; without an offer: whichever it was."""
        if offer_id in (None, self._meeting.get(call_id)):
            self._meeting.pop(call_id, None)

    def heard(self, call_id: str, sid: str) -> None:
        """On which leg the customer of a callback is: it may talk to us before the answer to its dial has come."""
        if not is_sid(call_id):
            _forget_one(self._legs)
            self._legs[call_id] = sid

    def came(self, call_id: str, offer_id: str) -> None:
        """The caller has asked the way."""
        self._remember(call_id, offer_id, True)
        _forget_one(self._meeting)
        self._meeting[call_id] = offer_id

    def release(self, site: str, desk: Hearer, call_id: str, offer_id: str) -> None:
        """Nobody will come: back to where the call stands."""
        self._start(self._interrupt(site, desk, Interrupt(call_id, Route("connect", call_id, offer_id))))

    async def _send(self, site: str, desk: Hearer, call_id: str, offer_id: str) -> None:
        """An answer that was lost may have been a yes: looked for once more, a little later."""
        for _ in range(TRIES):
            if self._sent.get((call_id, offer_id)) or await desk.have_met(call_id, offer_id):
                return
            with contextlib.suppress(GatewayBusy, GatewayUnknown):
                if await self._interrupt(site, desk, Interrupt(call_id, Route("bridged", call_id, offer_id))):
                    return
            await asyncio.sleep(self._pause_s)

    async def _let_go(self, site: str, desk: Hearer, join: Join, agent_sid: str) -> None:
        call_id, offer_id = join.call_id, join.over.step
        await asyncio.sleep(join.timeout_ms / 1_000)
        if self._sent.get((call_id, offer_id)) or await desk.have_met(call_id, offer_id):
            return
        await self._gateway.perform(site, Interrupt(offer_id, Route("lost", call_id, offer_id)), agent_sid)

    async def _interrupt(self, site: str, desk: Hearer, action: Interrupt) -> bool:
        """False: nobody knows yet which leg that is."""
        call_id = action.leg_id
        leg = call_id if is_sid(call_id) else self._legs.get(call_id) or await desk.dialled(call_id)
        if leg is not None:
            await self._gateway.perform(site, action, leg)
        return leg is not None

    def _remember(self, call_id: str, offer_id: str, came: bool) -> None:
        _forget_one(self._sent)
        self._sent[call_id, offer_id] = came

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(_quietly(work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)


def _forget_one(kept: dict[Any, Any]) -> None:
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    with contextlib.suppress(GatewayRefused, GatewayBusy, GatewayUnknown):
        await work
