"""A running story on a terminal: time, who, what; in colours where there are some, in columns everywhere."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

CODES = {
    "dim": "2",
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "diamond": "1;36",
    "gold": "1;33",
    "silver": "1;37",
    "member": "34",
    "standard": "0",
    "agent": "35",
    "supervisor": "1;31",
}
WIDEST, NARROWEST = 160, 72
TIME, ROLE, NAME, VERB = 10, 12, 18, 10


def width_of(text: str) -> int:
    """Columns a text takes; Chinese signs take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def fit(text: str, width: int) -> str:
    """Cut or filled to so many columns."""
    while width_of(text) > width:
        text = text[:-1]
    return text + " " * (width - width_of(text))


def wrap(text: str, width: int) -> list[str]:
    """Lines no wider than `width`; a text without spaces is cut anywhere."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and width_of(line) + 1 + width_of(word) <= width:
            line += " " + word
            continue
        if line:
            lines.append(line)
        line = word
        while width_of(line) > width:
            head = fit(line, width).rstrip()
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line or not lines else lines


class Terminal:
    """`out`: coloured when it is a terminal, and NO_COLOR is not set."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colours = out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((110, 24)).columns))

    def paint(self, text: str, colour: str) -> str:
        return f"\033[{CODES[colour]}m{text}\033[0m" if self._colours and text else text

    def line(self, time: str, role: str, name: str, verb: str, text: str, colour: str = "standard") -> None:
        """One thing that happened. `colour` is the verb's."""
        indent = TIME + ROLE + NAME + VERB
        first, *more = wrap(text, self.width - indent) or [""]
        head = (
            self.paint(fit(time, TIME), "dim")
            + self.paint(fit(role, ROLE), role if role in CODES else "dim")
            + self.paint(fit(name, NAME - 1) + " ", role if role in CODES else "standard")
            + self.paint(fit(verb, VERB), colour)
        )
        self.say(head + first, *(" " * indent + line for line in more))

    def say(self, *lines: str) -> None:
        for line in lines:
            self._out.write(line.rstrip() + "\n")
        self._out.flush()

    def heading(self, text: str) -> None:
        self.say("", self.paint(text, "bold"))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Figures to the right; the first column is coloured by what it says."""
        lines = [[str(cell) for cell in row] for row in rows]
        widths = [max(width_of(row[at]) for row in [list(columns), *lines]) for at in range(len(columns))]
        self.say(self.paint("  ".join(_cell(name, width, at) for at, (name, width) in _each(columns, widths)), "dim"))
        for row in lines:
            cells = [_cell(cell, width, at) for at, (cell, width) in _each(row, widths)]
            cells[0] = self.paint(cells[0], row[0] if row[0] in CODES else "standard")
            self.say("  ".join(cells))


def _each(cells: Sequence[str], widths: Sequence[int]) -> Iterable[tuple[int, tuple[str, int]]]:
    return enumerate(zip(cells, widths, strict=True))


def _cell(text: str, width: int, at: int) -> str:
    return fit(text, width) if at == 0 else " " * (width - width_of(text)) + text
