"""Several servers that are asked the same at once: what most of them say is known although some are silent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from router.store.address import Address
from router.store.connecting import open_wire
from router.store.wire import ChannelError, ServerError, Wire, Word

Place = tuple[str, int]

SOON_S = 0.1
PATIENCE_S = 1.0


class Panel:
    """Keeps a connection to each. `address` says how to be let in."""

    def __init__(self, address: Address, places: Iterable[Place]) -> None:
        self.places = list(places)
        self._address = address
        self._wires: dict[Place, Wire] = {}

    async def ask(self, *commands: tuple[Word, ...]) -> dict[Place, list[Any]]:
        """What each answers, those who are silent left out: they are waited for only while most are silent.

        A refusal stands among the answers as a ServerError.
        """
        asked = {asyncio.create_task(self.ask_one(place, *commands)): place for place in self.places}
        try:
            done, silent = await asyncio.wait(asked, timeout=SOON_S)
            if silent and len(done) <= len(silent):
                done, silent = await asyncio.wait(asked, timeout=PATIENCE_S - SOON_S)
            return {asked[task]: task.result() for task in done if task.exception() is None}
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def ask_one(self, place: Place, *commands: tuple[Word, ...]) -> list[Any]:
        """One server's answers. Raises OSError, ChannelError, ServerError when it does not let us in."""
        wire = self._wires.get(place)
        if wire is None or wire.ended.is_set():
            opened = await open_wire(self._address.at(*place))
            wire = self._wires.get(place)
            if wire is None or wire.ended.is_set():
                wire = self._wires[place] = opened
            else:
                opened.abandon()  # somebody else was quicker
        try:
            return await asyncio.gather(*(_settled(wire.ask(command)) for command in commands))
        except BaseException:
            # Answers that come after all would be taken for those to the next question.
            wire.abandon()
            raise

    def forget_others(self) -> None:
        """Leave those that do not belong here any more."""
        for place in self._wires.keys() - set(self.places):
            self._wires.pop(place).abandon()

    async def close(self) -> None:
        for wire in self._wires.values():
            wire.abandon()
            await wire.ended.wait()


async def _settled(answer: asyncio.Future[Any]) -> Any:
    try:
        return await answer
    except ServerError as refusal:
        return refusal


SILENCE = (OSError, ChannelError, ServerError, TimeoutError)
"""How a server is silent to `ask_one`."""
