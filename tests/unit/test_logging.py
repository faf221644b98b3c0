"""Log lines: one an event, and never a message that quotes what it choked on."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from router.logging_ import PART, JsonLines, Lines, TextLines, current_call, say
from tests.support.waiting import wait_until


def record(message: str = "request", error: bool = False, **fields: object) -> logging.LogRecord:
    logger = logging.getLogger("vipline.test")
    found: list[logging.LogRecord] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    handler = Keeper()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        if error:
            try:
                int("tel:+12025550110")
            except ValueError as wrong:
                logger.error(message, exc_info=wrong)
        else:
            say(logger, logging.INFO, message, **fields)
    finally:
        logger.removeHandler(handler)
    return found[0]


def test_json_lines_hold_the_fields_and_the_call():
    token = current_call.set("CA1")
    try:
        line = json.loads(JsonLines().format(record(status=200, route="/v1/calls")))
    finally:
        current_call.reset(token)
    assert line["event"] == "request"
    assert (line["status"], line["route"], line["call_id"], line["level"]) == (200, "/v1/calls", "CA1", "info")
    assert line["at"].endswith("Z")


def test_an_error_is_its_type_and_frames():
    line = json.loads(JsonLines().format(record("failed", error=True)))
    assert line["error"] == "ValueError"
    assert any("test_logging.py" in frame for frame in line["frames"])
    for formatter in (JsonLines(), TextLines()):
        assert "2025550110" not in formatter.format(record("failed", error=True))


class Stream(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, Stream]]:
    logger, stream = logging.getLogger("vipline.test.lines"), Stream()
    handler = Lines(stream)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)
    handler.close()


async def test_the_lines_of_a_moment_are_one_write(written: tuple[logging.Logger, Stream]) -> None:
    logger, stream = written
    for number in range(3):
        say(logger, logging.INFO, f"line {number}")
    assert stream.writes == []
    await wait_until(lambda: stream.writes == ["line 0\nline 1\nline 2\n"])
    say(logger, logging.INFO, "later")
    await wait_until(lambda: stream.writes[1:] == ["later\n"])


async def test_a_warning_is_written_at_once_and_in_its_order(written: tuple[logging.Logger, Stream]) -> None:
    logger, stream = written
    say(logger, logging.INFO, "before")
    say(logger, logging.WARNING, "now")
    assert stream.writes == ["before\nnow\n"]


async def test_one_write_is_no_longer_than_a_pipe_keeps_together(written: tuple[logging.Logger, Stream]) -> None:
    logger, stream = written
    for number in range(9):
        say(logger, logging.INFO, f"{number}" * 1_000)
    await wait_until(lambda: stream.getvalue().count("\n") == 9)
    assert all(len(text) <= PART for text in stream.writes)


def test_without_a_loop_nothing_is_kept_back(written: tuple[logging.Logger, Stream]) -> None:
    logger, stream = written
    say(logger, logging.INFO, "said")
    assert stream.writes == ["said\n"]


async def test_what_is_left_is_written_at_the_end() -> None:
    stream = Stream()
    handler = Lines(stream)
    handler.emit(record("last"))
    assert stream.writes == []
    handler.flush()  # as logging.shutdown does
    assert stream.writes == ["last\n"]


def test_text_lines_are_one_line_without_an_error():
    assert TextLines().format(record(status=404)).endswith("info    request status=404")
