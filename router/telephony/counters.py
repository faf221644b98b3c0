"""What is counted of the outbox in this process, until the site's figures take it."""

from __future__ import annotations

from collections import Counter, defaultdict

from ivr.vocabulary import Action, Interrupt, Originate, Terminate
from router.metrics import definitions as d

Counts = Counter[tuple[d.Metric, str]]

_BY_KIND: dict[type[Action], d.Metric] = {
    Originate: d.OUTBOX_RINGS,
    Interrupt: d.OUTBOX_INTERRUPTS,
    Terminate: d.OUTBOX_HANGUPS,
}
_fresh: defaultdict[str, Counts] = defaultdict(Counter)


def count(site: str, action: Action, outcome: str) -> None:
    _fresh[site][_BY_KIND[type(action)], outcome] += 1


def reconciled(site: str, outcome: str) -> None:
    """What may have been sent was looked for."""
    _fresh[site][d.OUTBOX_UNKNOWN, outcome] += 1


def taken(site: str) -> Counts:
    """What was counted since this was asked last."""
    return _fresh.pop(site, Counter())
