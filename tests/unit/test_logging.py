"""Log lines: one an event, and never a message that quotes what it choked on."""

from __future__ import annotations

import json
import logging

from router.logging_ import JsonLines, TextLines, current_call, say


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


def test_text_lines_are_one_line_without_an_error():
    assert TextLines().format(record(status=404)).endswith("info    request status=404")
