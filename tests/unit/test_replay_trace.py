"""Reading a recorded trace."""

from __future__ import annotations

import datetime
import gzip

import pytest

from router.replay.trace import BadTrace, read_trace, seconds
from tests.support.traces import HEADING, line, write


def test_a_queued_and_answered_call_reads_as_it_was(tmp_path):
    path = write(tmp_path / "a.txt", line(7, arrived=32_700, wait=30, talk=90, priority=2, server="ann"))
    (call,) = read_trace(path)
    assert (call.day, call.priority, call.type, call.queued) == (datetime.date(2001, 2, 3), 2, "PS", True)
    assert (call.arrived, call.left, call.wait) == (32_700, 32_730, 30)
    assert (call.service, call.server, call.answered) == ((32_730, 32_820), "ann", True)


def test_a_gzip_file_reads_like_a_plain_one(tmp_path):
    plain = write(tmp_path / "a.txt", line(1, arrived=100, wait=5), line(2, arrived=200, wait=5))
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_trace(packed)) == list(read_trace(plain))


def test_phantoms_and_blank_lines_are_left_out(tmp_path):
    path = write(tmp_path / "a.txt", line(1, arrived=100, outcome="PHANTOM"), "", line(2, arrived=200, outcome="HANG"))
    assert [call.call_id for call in read_trace(path)] == ["AA01-2-010203"]


def test_a_caller_who_never_queued_arrives_when_through_with_the_menu(tmp_path):
    (call,) = read_trace(write(tmp_path / "a.txt", line(1, arrived=500, wait=None)))
    assert (call.queued, call.arrived, call.left, call.wait) == (False, 500, 500, 0)


def test_a_wait_and_a_talk_past_midnight_go_on_counting(tmp_path):
    (call,) = read_trace(write(tmp_path / "a.txt", line(1, arrived=86_390, wait=20, talk=30)))
    assert (call.left, call.wait) == (86_410, 20)
    (late,) = read_trace(write(tmp_path / "b.txt", line(1, arrived=86_380, wait=10, talk=30)))
    assert late.service == (86_390, 86_420)


def test_a_service_whose_time_was_not_recorded_has_none(tmp_path):
    lost = line(1, arrived=500, wait=30, talk=90).replace("0:08:50\t0:10:20\t90", "0:00:00\t0:00:00\t0")
    (call,) = read_trace(write(tmp_path / "a.txt", lost))
    assert call.answered
    assert call.service is None


def test_a_service_by_nobody_named_has_no_server(tmp_path):
    (call,) = read_trace(write(tmp_path / "a.txt", line(1, arrived=100, server="NO_SERVER")))
    assert call.answered
    assert call.server is None


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("one two three", "3 fields where 17 are expected"),
        (line(1, arrived=100).replace("010203", "991332"), "date '991332': expected YYMMDD"),
        (line(1, arrived=100).replace("AGENT", "MAYBE"), "outcome 'MAYBE'"),
        (line(1, arrived=100, priority=3), "priority '3'"),
        (line(1, arrived=100).replace("0:01:40", "0:61:40"), "time '0:61:40'"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path, broken, complaint):
    path = write(tmp_path / "bad.txt", line(1, arrived=50), broken)
    with pytest.raises(BadTrace) as refused:
        list(read_trace(path))
    assert str(refused.value).startswith(f"{path}:3: ")
    assert complaint in str(refused.value)


def test_a_missing_or_damaged_file_is_a_bad_trace(tmp_path):
    with pytest.raises(BadTrace, match="cannot be read"):
        list(read_trace(tmp_path / "nowhere.txt"))
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(HEADING.encode())[:-9])
    with pytest.raises(BadTrace, match="cannot be read"):
        list(read_trace(damaged))
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"caf\xe9")
    with pytest.raises(BadTrace, match="cannot be read"):
        list(read_trace(latin))


@pytest.mark.parametrize("text", ["", "1:2", "1:2:3:4", "a:00:00", "1:00:60", "-1:00:00", "1:٣٠:00x"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="expected H:MM:SS"):
        seconds(text)
