"""What handlers find in the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from router.api.flights import Flights
from router.api.limits import Limits
from router.service import Service

if TYPE_CHECKING:
    from router.api.health import Ready
    from router.api.live import Live

LIMITS = web.AppKey("limits", Limits)
SERVICE = web.AppKey("service", Service)
FLIGHTS = web.AppKey("flights", Flights)
DOCUMENT: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("document")
READINESS: web.AppKey[Ready] = web.AppKey("readiness")
LIVE: web.AppKey[Live] = web.AppKey("live")
