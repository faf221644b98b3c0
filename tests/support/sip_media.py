"""The sound of one call of a test: G.711 both ways, keys by RFC 4733."""

from __future__ import annotations

import asyncio
import secrets
import struct
from typing import cast

FRAME_S, FRAME = 0.02, 160
SILENCE, LOUD = b"\xff" * FRAME, bytes([0x9F] * 8 + [0x1F] * 8) * (FRAME // 16)
KEYS = {key: number for number, key in enumerate("0123456789*#")}


class Media(asyncio.DatagramProtocol):
    """The sound of one call. `heard`: frames that were more than silence; it says something as long as `loud`."""

    def __init__(self) -> None:
        self.heard = self.received = 0
        self.loud = False
        self.far: tuple[str, int] | None = None
        self._sequence, self._time = 0, 0
        self._source = secrets.randbits(32)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by inheritance

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.received += 1
        if data[1] & 0x7F == 0 and sum(~one & 0x7F > 64 for one in data[12:]) > FRAME // 4:
            self.heard += 1

    def _send(self, kind: int, payload: bytes, at: int) -> None:
        if self.far is not None and self._transport is not None:
            head = struct.pack("!BBHII", 0x80, kind, self._sequence & 0xFFFF, at & 0xFFFFFFFF, self._source)
            self._transport.sendto(head + payload, self.far)
            self._sequence += 1

    async def talk(self) -> None:
        while True:
            self._send(0, LOUD if self.loud else SILENCE, self._time)
            self._time += FRAME
            await asyncio.sleep(FRAME_S)

    async def press(self, key: str) -> None:
        """RFC 4733: one event, its end said three times."""
        started = self._time
        for number in range(1, 9):
            over = 0x80 if number > 5 else 0
            kind = 101 | (0x80 if number == 1 else 0)
            self._send(kind, struct.pack("!BBH", KEYS[key], over | 10, FRAME * min(number, 6)), started)
            await asyncio.sleep(FRAME_S)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
