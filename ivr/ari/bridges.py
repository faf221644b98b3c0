"""Bridges, used again: one is there before anybody needs it, and an empty one costs nobody a command.

A bridge is handed out only when Asterisk itself has said that nobody is in it. One that somebody stays in after a talk
(a telephone's own transfer may put a stranger there) is destroyed, with whoever is left in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count

from ivr.ari import commands
from ivr.ari.commands import Command
from ivr.ari.phone import Ask
from ivr.ari.rest import NoAnswer, NotSent

PREFIX = "vlb"
KEPT = 64
EMPTY_WITHIN_S = 30.0
TRIES = 3


class Bridges:
    """Of one Asterisk. `nonce` makes our ids nobody else's; `later` gives a command that nobody waits for."""

    def __init__(self, ask: Ask, later: Callable[[Command], None], nonce: str) -> None:
        self._ask = ask
        self._later = later
        self._numbers = count(1)
        self._nonce = nonce
        self._free: list[str] = []
        self._members: dict[str, tuple[str, ...]] = {}
        self._given_back: dict[str, asyncio.TimerHandle] = {}

    async def take(self) -> str:
        """A bridge nobody is in. Raises NotSent."""
        if self._free:
            return self._free.pop()
        bridge_id = f"{PREFIX}.{self._nonce}.{next(self._numbers)}"
        for _ in range(TRIES):
            try:
                answer = await self._ask(commands.create_bridge(bridge_id))
            except NoAnswer:
                continue
            if answer.ok or answer.status == 409:  # our own repeat
                self._members[bridge_id] = ()
                return bridge_id
        raise NotSent("no bridge")

    def occupied(self, bridge_id: str, members: Sequence[str]) -> None:
        """These are in it, though the events that say so may be on their way."""
        self._members[bridge_id] = tuple(members)

    def spoilt(self, bridge_id: str) -> None:
        """Nobody knows who is in it."""
        self._destroy(bridge_id)

    def give_back(self, bridge_id: str) -> None:
        """The talk is over: it is free as soon as it is empty."""
        if bridge_id not in self._members or bridge_id in self._given_back:
            return
        if not self._members[bridge_id]:
            self._set_free(bridge_id)
        else:
            loop = asyncio.get_running_loop()
            self._given_back[bridge_id] = loop.call_later(EMPTY_WITHIN_S, self._destroy, bridge_id)

    def changed(self, bridge_id: str, members: Sequence[str]) -> None:
        if bridge_id not in self._members:
            return
        self._members[bridge_id] = tuple(members)
        if not members and (timer := self._given_back.pop(bridge_id, None)) is not None:
            timer.cancel()
            self._set_free(bridge_id)

    def gone(self, bridge_id: str) -> None:
        self._members.pop(bridge_id, None)
        if (timer := self._given_back.pop(bridge_id, None)) is not None:
            timer.cancel()
        if bridge_id in self._free:
            self._free.remove(bridge_id)

    def adopt(self, bridge_id: str, members: Sequence[str], in_use: bool) -> None:
        """One of ours that was there before us. One not in use is free, or goes."""
        self.gone(bridge_id)
        self._members[bridge_id] = tuple(members)
        if not in_use:
            if members:
                self._destroy(bridge_id)
            else:
                self._set_free(bridge_id)

    def forget(self) -> None:
        """Nothing is known of any bridge."""
        for timer in self._given_back.values():
            timer.cancel()
        self._given_back.clear()
        self._members.clear()
        self._free.clear()

    def _set_free(self, bridge_id: str) -> None:
        if len(self._free) < KEPT:
            self._free.append(bridge_id)
        else:
            self._destroy(bridge_id)

    def _destroy(self, bridge_id: str) -> None:
        self.gone(bridge_id)
        self._later(commands.destroy_bridge(bridge_id))
