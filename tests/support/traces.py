"""Made-up traces: short lines of a log, in the form `vipline replay` reads."""

from __future__ import annotations

from pathlib import Path

HEADING = (
    "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\t"
    "q_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"
)
_clock = "{}:{:02}:{:02}".format


def clock(seconds: int) -> str:
    """32730 → `9:05:30`; the day begins anew at midnight."""
    return _clock(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60)


def line(
    call_id: int,
    *,
    arrived: int,
    wait: int | None = 0,
    talk: int = 60,
    priority: int = 1,
    outcome: str = "AGENT",
    server: str = "ann",
    kind: str = "PS",
    date: str = "010203",
) -> str:
    """One call; times in seconds after midnight, `wait` None for one who never queued."""
    left = arrived + (wait or 0)
    answered = outcome == "AGENT"
    fields = ["AA01", call_id, 0, priority, kind, date, clock(arrived), clock(arrived), 0]
    fields += [clock(0), clock(0), 0] if wait is None else [clock(arrived), clock(left), wait]
    fields += [outcome, *([clock(left), clock(left + talk), talk, server] if answered else [clock(0), clock(0), 0])]
    return "\t".join(str(field) for field in (fields if answered else [*fields, "NO_SERVER"]))


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADING, *lines, ""]))
    return path
