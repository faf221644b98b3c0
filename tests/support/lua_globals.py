"""Which globals does a Lua script use? Read from the byte code that the server itself compiles."""

from __future__ import annotations

import struct
from collections import Counter
from typing import cast

import redis

GETGLOBAL, SETGLOBAL = 5, 7
COMPILE = "return string.dump(assert(loadstring(ARGV[1])))"


def globals_of(client: redis.Redis, body: str) -> tuple[Counter[str], Counter[str]]:
    """How often each global is (read, written) in a script's text, in Lua 5.1 as the servers have it."""
    chunk = cast(bytes, client.eval(COMPILE, 0, body))
    reader = _Chunk(chunk)
    reader.function()
    return reader.read, reader.written


class _Chunk:
    """Lua 5.1 byte code: little endian, 4-byte int, 8-byte size_t, 4-byte instructions, 8-byte numbers."""

    def __init__(self, chunk: bytes) -> None:
        assert chunk[:12] == b"\x1bLuaQ\x00\x01\x04\x08\x04\x08\x00", "not the byte code this reader knows"
        self.chunk = chunk
        self.at = 12
        self.read: Counter[str] = Counter()
        self.written: Counter[str] = Counter()

    def number(self, size: int = 4) -> int:
        value = int.from_bytes(self.chunk[self.at : self.at + size], "little")
        self.at += size
        return value

    def text(self) -> str:
        size = self.number(8)
        self.at += size
        return self.chunk[self.at - size : self.at - 1].decode("latin-1")

    def constant(self) -> str:
        """A string as it is; anything else is skipped over."""
        kind = self.number(1)
        if kind == 4:
            return self.text()
        self.at += {0: 0, 1: 1, 3: 8}[kind]
        return ""

    def function(self) -> None:
        self.text()
        self.at += 12
        size = self.number()
        code = struct.unpack_from(f"<{size}I", self.chunk, self.at)
        self.at += 4 * size
        constants = [self.constant() for _ in range(self.number())]
        for instruction in code:
            if instruction & 0x3F == GETGLOBAL:
                self.read[constants[instruction >> 14]] += 1
            elif instruction & 0x3F == SETGLOBAL:
                self.written[constants[instruction >> 14]] += 1
        for _ in range(self.number()):
            self.function()
        lines = self.number()
        self.at += 4 * lines
        for _ in range(self.number()):
            self.text()
            self.at += 8
        for _ in range(self.number()):
            self.text()
