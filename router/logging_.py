"""Structured logs: one line an event, as text for people or JSON for machines.

No line carries a phone number, a name or a secret. So requests are logged by their route, never by their
address, and an exception by its type and frames, never by its message (messages quote what they choke on).
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
import traceback
from contextlib import nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, TextIO

current_call: ContextVar[str] = ContextVar("current_call", default="")

GATHER_S = 0.1
PART = 4_000
"""Characters in one write: a pipe that several workers write to keeps no more of one together."""


def say(logger: logging.Logger, level: int, event: str, /, **fields: object) -> None:
    """Log `event` with its fields; the call in hand is added by itself."""
    if logger.isEnabledFor(level):
        logger.log(level, event, extra={"fields": fields})


def set_up(style: Literal["text", "json"] | None, level: int = logging.INFO) -> None:
    """Send every log line of the process to stderr in one style (None: text on a terminal, else JSON)."""
    as_text = style == "text" or (style is None and sys.stderr.isatty())
    handler = Lines(sys.stderr)
    handler.setFormatter(TextLines() if as_text else JsonLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    _know_less()
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _know_less() -> None:
    """Of thread, process and the line that spoke no line of ours tells; a record costs half without them.

    As described in logging's own how-to, section "Optimization".
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def frames(trace: TracebackType | None) -> list[str]:
    """Where it happened, innermost last, e.g. `router/app.py:40 start`."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = dict(getattr(record, "fields", {}))
    call_id = current_call.get()
    if call_id:
        facts.setdefault("call_id", call_id)
    if record.exc_info and record.exc_info[0] is not None:
        facts["error"] = record.exc_info[0].__name__
        facts["frames"] = frames(record.exc_info[2])
    return facts


class Lines(logging.Handler):
    """Writes to `stream` the lines of a moment in one go: a write costs more than a line.

    A warning is written at once, and what gathered before it; so is everything where no loop runs, and at the end.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: list[str] = []
        self._size = 0
        self._due: asyncio.TimerHandle | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            if self._size + len(line) > PART:
                self.flush()
            self._lines.append(line)
            self._size += len(line)
            if record.levelno >= logging.WARNING:
                self.flush()
            elif self._due is None:
                try:
                    self._due = asyncio.get_running_loop().call_later(GATHER_S, self.flush)
                except RuntimeError:
                    self.flush()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        with self.lock or nullcontext():
            if self._due is not None:
                self._due.cancel()
            lines, self._lines, self._size, self._due = self._lines, [], 0, None
            if lines:
                self._stream.write("".join(lines))
                self._stream.flush()


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": record.getMessage()}
        return json.dumps(line | _facts(record), ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        trace = facts.pop("frames", [])
        tail = "".join(f" {key}={value}" for key, value in facts.items())
        head = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {record.levelname.lower():7}"
        return "\n    ".join([f"{head} {record.getMessage()}{tail}", *trace])
