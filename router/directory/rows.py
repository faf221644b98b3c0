"""Lines of an import → customers or a reason why not. CSV with a header, or one JSON object a line. Pure."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import ValidationError

from config.people import CustomerLine
from router.directory.errors import UnreadableFile, faults_of
from router.directory.lines import MAX_LINE, Line

Format = Literal["csv", "ndjson"]
MAX_RECORD_LINES = 100
_FULL_NUMBER = 7  # nothing shorter stands for itself beside another: it is a group of digits


class Row(NamedTuple):
    """What the record that begins at a line came to. `seed` None: bad, as `wrong` says."""

    line: int
    seed: CustomerLine | None
    wrong: str = ""


class Reader(Protocol):
    """Rows of the lines fed so far; `finish` gives what was still waiting for more."""

    def feed(self, lines: list[Line]) -> Iterator[Row]: ...

    def finish(self) -> Iterator[Row]: ...


def reader(format_: Format) -> Reader:
    return CsvReader() if format_ == "csv" else JsonReader()


class JsonReader:
    """One customer a line, shaped as in the API; empty lines count, but are no customers."""

    def feed(self, lines: list[Line]) -> Iterator[Row]:
        for line in lines:
            if line.text is None:
                yield Row(line.number, None, line.wrong)
            elif line.text and not line.text.isspace():
                yield self._row(line.number, line.text)

    def finish(self) -> Iterator[Row]:
        return iter(())

    def _row(self, number: int, text: str) -> Row:
        try:
            return Row(number, CustomerLine.model_validate_json(text, strict=True))
        except ValidationError as error:
            return Row(number, None, str(faults_of(error)[0]))


PLAIN = ("customer_id", "name", "title", "number", "pin", "tier", "owner", "language", "birthday", "notes")
LISTS = ("cover", "skills", "tags")
AMOUNTS = ("annual_value",)
PARTS = ("average_ticket", "purchases_per_year", "years", "referral_factor")
ACCOUNT = {
    "account_id": "account_id",
    "account_name": "name",
    "account_role": "role",
    "account_tier": "tier",
    "account_annual_value": "annual_value",
}
COLUMNS = (*PLAIN, "phones", *LISTS, *AMOUNTS, *PARTS, *ACCOUNT)


class CsvReader:
    """RFC 4180 with a header. A quoted field may run over lines, but a quote never closed costs its own line only."""

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._open: deque[Line] = deque()
        self._open_size = 0

    def feed(self, lines: list[Line]) -> Iterator[Row]:
        waiting = deque(lines)
        while waiting:
            line = waiting.popleft()
            if not self._columns:
                self._read_header(line)
            elif self._open:
                yield from self._continue(line, waiting)
            elif line.text is None:
                yield Row(line.number, None, line.wrong)
            elif line.text and not line.text.isspace():
                yield from self._begin(line, line.text)

    def finish(self) -> Iterator[Row]:
        if not self._columns:
            raise UnreadableFile("The file is empty; its first line names the columns.")
        while self._open:
            first, *others = self._open
            self._close()
            yield Row(first.number, None, "a quote is never closed")
            yield from self.feed(others)

    def _begin(self, line: Line, text: str) -> Iterator[Row]:
        cells = _cells(text)
        if cells is None:
            self._open.append(line)
            self._open_size = len(text)
        else:
            yield self._row(line.number, cells)

    def _continue(self, line: Line, waiting: deque[Line]) -> Iterator[Row]:
        """Take the line into the record left open, unless it cannot be its continuation."""
        first = self._open[0]
        self._open.append(line)
        self._open_size += len(line.text or "") + 1
        cells: list[str] | None = []
        if line.text is not None and self._open_size <= MAX_LINE and len(self._open) <= MAX_RECORD_LINES:
            cells = _cells("\n".join(part.text or "" for part in self._open)) if '"' in line.text else None
        if cells is None:
            return
        if len(cells) == len(self._columns):
            self._close()
            yield self._row(first.number, cells)
            return
        waiting.extendleft(reversed([*self._open][1:]))
        self._close()
        yield Row(first.number, None, "a quote is never closed")

    def _close(self) -> None:
        self._open.clear()
        self._open_size = 0

    def _read_header(self, line: Line) -> None:
        if line.text is None:
            raise UnreadableFile(f"The header is {line.wrong}.")
        names = [cell.strip().lower() for cell in _cells(line.text) or []]
        unknown = [name for name in names if name not in COLUMNS]
        if "customer_id" not in names or unknown or len(set(names)) < len(names):
            wrong = f"column {unknown[0][:40]!r} is unknown" if unknown else "a column is there twice"
            wrong = wrong if "customer_id" in names else "there is no column customer_id"
            raise UnreadableFile(f"The header cannot be used: {wrong}. Columns are {', '.join(COLUMNS)}.")
        self._columns = names

    def _row(self, number: int, cells: list[str]) -> Row:
        if not cells:
            return Row(number, None, "a quote stands where none can")
        if len(cells) != len(self._columns):
            return Row(number, None, f"{len(cells)} fields, the header has {len(self._columns)}")
        filled = {name: cell.strip() for name, cell in zip(self._columns, cells, strict=True) if cell}
        try:
            return Row(number, CustomerLine.model_validate(_fields(filled)))
        except ValidationError as error:
            return Row(number, None, str(faults_of(error)[0]))


def _cells(text: str) -> list[str] | None:
    """The fields of one record; None when a quoted one is still open; [] when quotes stand where they cannot."""
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        return None if "unexpected end of data" in str(error) else []


def _fields(cells: dict[str, str]) -> dict[str, Any]:
    """The customer of a CSV record; empty cells are absent."""
    fields: dict[str, Any] = {name: cells[name] for name in (*PLAIN, *AMOUNTS) if cells.get(name)}
    fields |= {name: _listed(cells[name]) for name in LISTS if name in cells}
    if "phones" in cells:
        fields["phones"] = [phone for part in cells["phones"].split(";") for phone in _phones(part)]
    if parts := {name: cells[name] for name in PARTS if cells.get(name)}:
        fields["value_parts"] = parts
    if account := {field: cells[name] for name, field in ACCOUNT.items() if cells.get(name)}:
        fields["account"] = account
    return fields


def _phones(text: str) -> list[str]:
    """Numbers with blanks between them, or one that is written with blanks: `+86 138 0013 8000`."""
    words = text.split()
    apart = all(len(word) >= _FULL_NUMBER for word in words)
    return words if apart else [" ".join(words)]


def _listed(text: str) -> list[str]:
    return [item for part in text.split(";") if (item := part.strip())]
