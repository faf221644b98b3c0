"""What the replay prints, and its progress."""

from __future__ import annotations

import io

from router.replay import report
from router.replay.figures import Ending, count
from router.replay.order import Agreement
from router.replay.progress import Progress


def figures(vip: int, regular: int):
    endings = [Ending(2, vip, True), Ending(1, regular, True), Ending(1, regular, False)]
    return count(endings, within_s=20)


def test_columns_are_aligned_and_a_class_that_never_called_is_left_out():
    shown = report.waits_table({"log": figures(30, 100)}, {"log": "what the log shows"}, 20)
    vip, regular, note = shown.split("\n\n")
    assert vip.splitlines()[2].split()[-8:] == ["1", "30.0", "30.0", "30.0", "0.0", "%", "0.0", "%"]
    assert len({len(row) for row in regular.splitlines()}) == 1
    assert "variant net" in note


def test_what_was_not_counted_is_a_dash():
    shown = report.waits_table({"log": count([Ending(2, 3, False)], within_s=20)}, {"log": "the log"}, 20)
    assert shown.splitlines()[2].split()[2:] == ["1", "–", "–", "–", "–", "100.0", "%"]


def test_the_price_is_told_against_first_come_first_served():
    rules = {"log": figures(1, 1), "fcfs": figures(100, 100), "90": figures(80, 125), "plan": count([], 20)}
    changes = report.costs(rules)
    assert changes["90"]["vip"].mean_percent == -20
    assert changes["plan"] == {}
    sentences = report.cost_sentences(changes, {"90": "VIPs 90 s ahead", "plan": "the plan"})
    assert sentences == [
        "VIPs 90 s ahead: VIPs wait -20 % (-20.0 s; p90 100 → 80 s), ordinary callers +25 % (+25.0 s; p90 100 → 125 s)."
    ]


def test_agreement_of_nothing_is_null_and_traces_add_up():
    rows = [{"0": Agreement(10, 5), "strict": Agreement(10, 10)}, {"0": Agreement(30, 30), "strict": Agreement(30, 0)}]
    total = report.in_all(rows)
    assert report.agreement_document(total) == {"decisions": 40, "agreement": {"0": 87.5, "strict": 25.0}}
    assert report.agreement_document({"0": Agreement()}) == {"decisions": 0, "agreement": {"0": None}}
    assert report.agreement_table({"a": rows[0]}).splitlines()[2].split() == ["a", "10", "50.0", "100.0"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_tells_share_and_time_left():
    progress = Progress(200, io.StringIO())
    progress.label("March")
    assert progress.line(0) == "replaying March  0%"
    progress.advance(50)
    assert progress.line(30) == "replaying March  25%, 1 min 30 s left"
    progress.advance(150)
    assert progress.line(40) == "replaying March  100%, 0 s left"


def test_progress_is_drawn_on_a_terminal_and_wiped_at_the_end(monkeypatch):
    clock = iter([0.0, 0.05, 10.0])
    monkeypatch.setattr("router.replay.progress.time.monotonic", lambda: next(clock))
    out = Terminal()
    progress = Progress(10, out)
    progress.advance(1)
    assert out.getvalue() == "", "not redrawn for every event"
    progress.advance(4)
    assert out.getvalue() == "\r\x1b[Kreplaying   50%, 10 s left"
    progress.close()
    assert out.getvalue().endswith("\r\x1b[K")


def test_nothing_is_drawn_where_nobody_watches():
    out = io.StringIO()
    progress = Progress(1, out)
    progress.advance()
    progress.close()
    assert out.getvalue() == ""
