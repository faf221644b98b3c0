"""What the hooks of providers turned away, counted by provider and reason: never by call, number or site."""

from __future__ import annotations

from prometheus_client import Counter

REFUSED = Counter("vipline_hooks_refused", "Requests of providers that were turned away", ("provider", "why"))
"""`why` is one of a few words of ours."""
