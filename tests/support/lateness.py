"""How late deadlines are acted on, as the event stream tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from config.values import parse_duration
from router.domain.events import Event
from tests.support.load import TIMING


def lateness(events: Iterable[Event]) -> Iterator[int]:
    """How late each offer, question, wrap-up and rest ended that ran out, ms. Those ended before are left out."""
    due: dict[str, int] = {}
    ways = {name: parse_duration(text) for name, text in TIMING.items()}
    for event in events:
        agent, call = event.fields.get("agent", ""), event.fields.get("call", "")
        over = due.pop(call if event.type == "call.choice" else agent, None)
        if over is not None and event.at_ms >= over:
            yield event.at_ms - over
        if event.type == "call.offered":
            due[agent] = event.at_ms + ways["offer"]
        elif event.type == "call.owner_busy":
            due[call] = event.at_ms + ways["question"]
        elif event.type == "agent.cooling":
            due[agent] = event.at_ms + int(float(event.fields["rest"]))
        elif event.type == "call.ended" and event.fields["was"] == "c":
            due[agent] = event.at_ms + ways["wrap_up"]
