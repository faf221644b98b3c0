"""What is counted of the outbox. By site and outcome only: no call, number or person is ever a label."""

from __future__ import annotations

from prometheus_client import Counter

from ivr.vocabulary import Action, Interrupt, Originate, Terminate

_LABELS = ("site", "outcome")

RINGS = Counter("vipline_outbox_rings", "Legs that were to be placed: done, refused, void, given_up", _LABELS)
INTERRUPTS = Counter("vipline_outbox_interrupts", "Legs to be taken elsewhere: done, gone, refused, given_up", _LABELS)
HANGUPS = Counter("vipline_outbox_hangups", "Legs that were to be ended: done, gone, refused, given_up", _LABELS)
UNKNOWN = Counter("vipline_outbox_unknown", "What may have been sent: found, absent, or a stray", _LABELS)

_BY_KIND: dict[type[Action], Counter] = {Originate: RINGS, Interrupt: INTERRUPTS, Terminate: HANGUPS}


def count(site: str, action: Action, outcome: str) -> None:
    _BY_KIND[type(action)].labels(site, outcome).inc()


def reconciled(site: str, outcome: str) -> None:
    """What may have been sent was looked for."""
    UNKNOWN.labels(site, outcome).inc()
