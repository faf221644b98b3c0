"""What handlers of several kinds find in the application; what only one asks for, it names itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from router.api.flights import Flights
from router.api.limits import Limits
from router.service import Service

LIMITS = web.AppKey("limits", Limits)
SERVICE = web.AppKey("service", Service)
FLIGHTS = web.AppKey("flights", Flights)
DOCUMENT: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("document")
