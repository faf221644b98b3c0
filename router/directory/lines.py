"""Bytes in any pieces → numbered lines, in bounded memory. Pure."""

from __future__ import annotations

from typing import NamedTuple

MAX_LINE = 64 * 1024


class Line(NamedTuple):
    """A physical line, 1 for the first. `text` None: longer than 64 KiB or not UTF-8, as `wrong` says."""

    number: int
    text: str | None
    wrong: str = ""


class LineSplitter:
    """Feed it chunks; a line comes out once its end was seen. An over-long line is dropped as it arrives."""

    def __init__(self) -> None:
        self._rest = b""
        self._dropping = False
        self._number = 0

    def feed(self, chunk: bytes) -> list[Line]:
        pieces = chunk.split(b"\n")
        pieces[0] = self._rest + pieces[0]
        self._rest = pieces.pop()
        found = [self._line(piece) for piece in pieces]
        if len(self._rest) > MAX_LINE:
            self._rest, self._dropping = b"", True
        return found

    def finish(self) -> list[Line]:
        """The last line, when no line break ends it."""
        return [self._line(self._rest)] if self._rest or self._dropping else []

    def _line(self, raw: bytes) -> Line:
        self._number += 1
        if self._dropping or len(raw) > MAX_LINE:
            self._dropping = False
            return Line(self._number, None, "longer than 64 KiB")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return Line(self._number, None, "not UTF-8")
        if self._number == 1:
            text = text.removeprefix("\ufeff")
        return Line(self._number, text.removesuffix("\r"))
