"""What is counted of the outbox, by outcome only: no call, number or person is ever a label."""

from __future__ import annotations

from ivr.vocabulary import Action, Interrupt, Originate, Terminate
from router.metrics import definitions as d
from router.site import Site

_BY_KIND: dict[type[Action], d.Metric] = {
    Originate: d.OUTBOX_RINGS,
    Interrupt: d.OUTBOX_INTERRUPTS,
    Terminate: d.OUTBOX_HANGUPS,
}


def count(site: Site, action: Action, outcome: str) -> None:
    site.local.count(_BY_KIND[type(action)], outcome)


def reconciled(site: Site, outcome: str) -> None:
    """What may have been sent was looked for."""
    site.local.count(d.OUTBOX_UNKNOWN, outcome)


def missed(site: Site) -> None:
    """A leg had ended, and nobody had told us."""
    site.local.count(d.OUTBOX_MISSED)
