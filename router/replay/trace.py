"""Reads a recorded trace: a call centre's log, one call a line.

A line has 17 fields split by white space:

    line  call_id  customer  priority  type  date  vru_entry  vru_exit  vru_time
    q_start  q_exit  q_time  outcome  ser_start  ser_exit  ser_time  server

Times are H:MM:SS of the day `date` (YYMMDD), 0:00:00 where something never happened; durations are seconds;
`outcome` is AGENT, HANG or PHANTOM.
"""

from __future__ import annotations

import datetime
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Literal, cast

DAY = 86_400
NEVER = "0:00:00"
NOBODY = "NO_SERVER"
FIELDS = 17
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)", re.ASCII)

Outcome = Literal["AGENT", "HANG"]
CLASSES = {2: "vip", 1: "regular", 0: "unidentified"}


class BadTrace(Exception):
    """A line that cannot be read; the message begins with `file:line:`."""


@dataclass(frozen=True, slots=True)
class TraceCall:
    """One call of the log. Times are seconds after midnight of `day`, beyond 86,400 when past the next one.

    `arrived` is when the caller was through with the menu and wanted an agent. `queued` says whether the
    caller had to wait; if not, `left` equals `arrived`. `served_s` is None for a caller who hung up, `server`
    is None when the log names nobody.
    """

    call_id: str
    day: datetime.date
    priority: int
    type: str
    queued: bool
    arrived: int
    left: int
    outcome: Outcome
    service: tuple[int, int] | None
    server: str | None

    @property
    def wait(self) -> int:
        """Seconds in the queue."""
        return self.left - self.arrived

    @property
    def answered(self) -> bool:
        return self.outcome == "AGENT"


def read_trace(path: Path) -> Iterator[TraceCall]:
    """The calls of one file, plain or gzip, in its order; phantom calls are left out. Raises BadTrace."""
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                fields = line.split()
                if not fields or (number == 1 and fields[0] == "vru+line"):
                    continue
                try:
                    call = parse_call(fields)
                except ValueError as error:
                    raise BadTrace(f"{path}:{number}: {error}") from None
                if call is not None:
                    yield call
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadTrace(f"{path}: cannot be read: {error}") from None


def parse_call(fields: list[str]) -> TraceCall | None:
    """One line's call; None for a phantom. Raises ValueError with what is wrong."""
    if len(fields) != FIELDS:
        raise ValueError(f"{len(fields)} fields where {FIELDS} are expected")
    line, call_id, _, priority, kind, date = fields[:6]
    outcome, server = fields[12], fields[16]
    if outcome == "PHANTOM":
        return None
    if outcome not in ("AGENT", "HANG"):
        raise ValueError(f"outcome {outcome!r}: expected AGENT, HANG or PHANTOM")
    if priority not in ("0", "1", "2"):
        raise ValueError(f"priority {priority!r}: expected 0, 1 or 2")
    queued = fields[9] != NEVER
    vru_exit, q_start, q_exit = seconds(fields[7]), seconds(fields[9]), seconds(fields[10])
    start, end = seconds(fields[13]), seconds(fields[14])
    arrived = q_start if queued else vru_exit
    left = _after(q_exit, arrived) if queued else vru_exit
    return TraceCall(
        call_id=f"{line}-{call_id}-{date}",
        day=_date(date),
        priority=int(priority),
        type=kind,
        queued=queued,
        arrived=arrived,
        left=left,
        outcome=cast(Outcome, outcome),
        service=None if fields[13] == NEVER else (start, _after(end, start)),
        server=None if server == NOBODY else server,
    )


def seconds(clock: str) -> int:
    """`9:05:30` → 32730."""
    parts = _CLOCK.fullmatch(clock)
    if not parts:
        raise ValueError(f"time {clock!r}: expected H:MM:SS")
    hours, minutes, rest = parts.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def _after(moment: int, start: int) -> int:
    """A moment of the same day that lies before its start is past midnight."""
    return moment + DAY if moment < start else moment


@cache
def _date(text: str) -> datetime.date:
    try:
        return datetime.datetime.strptime(text, "%y%m%d").date()
    except ValueError:
        raise ValueError(f"date {text!r}: expected YYMMDD") from None


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")
